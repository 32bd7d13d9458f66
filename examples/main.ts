#!/usr/bin/env -S deno run --allow-read --allow-run
/**
 * The course: all exercises, to be picked from a list, or run one after the other.
 *
 * Each exercise runs as a program of its own, with the permissions that its first line asks for.
 *
 * Try:
 *
 *     examples/main.ts                                pick one: by number, name or arrow keys
 *     examples/main.ts --list                         see what there is
 *     examples/main.ts --run threads/bank -- --no-lock   one of them, in its broken form
 *     examples/main.ts --all                          all of them, in all their forms: a table
 *     examples/main.ts --all --chapter 4              those of a chapter
 *
 * It runs from a URL, too: `deno run -A https://…/examples/main.ts`.
 *
 * @module
 */
import { Popen } from "../lib/subprocess.ts";
import { abortOn } from "../lib/signal.ts";
import { COURSE, ENTRIES, entriesNamed, type Entry, type Exercise } from "./_shared/course.ts";
import { columnsOf, fill, inLanguage, language } from "./_shared/language.ts";
import { commandOf, isRight, type Outcome, runAll } from "./_shared/launch.ts";
import { pick, Picker, type Row } from "./_shared/picker.ts";
import { readFlags, runScript, UsageError, wholeNumber } from "./_shared/script.ts";

const WORDS = inLanguage({
  en: {
    usage: `The course: pick an exercise, or run all of them.

Usage: main.ts [options] [-- flags of the exercise]

  --list        show all chapters and exercises, and start none
  --chapter N   show one chapter, with all forms of its exercises
  --run NAME    run an exercise; what follows -- are its flags
  --all         run all that there are, in all their forms; with --chapter, those of a chapter
  --lang L      en or zh: the language here, and of the exercises that speak it (en)
  --help        show this

In a terminal, without options: pick one by arrow keys, by its number or by a part of its name.`,
    chapter: (number: number, title: string) => `${number}  ${title}`,
    only: "--list, --run or --all: one of them",
    noFlags: (flags: string) => `${flags} after -- needs --run`,
    chapterOfOne: "--chapter goes with --list or --all, not with --run",
    unknown: (name: string) => `no exercise is called ${name}`,
    several: (name: string, names: string) => `${name} may be ${names}`,
    hint: "arrow keys, a number or a part of a name; Enter: run; q: leave",
    hintForms: "Enter: run in this form; q: back to the list",
    typed: "looking for:",
    again: "Enter: back to the list; q: leave",
    ended: (code: number) => `exit code ${code}`,
    ends: (code: number) => code === 0 ? "exit code 0" : `exit code ${code}: broken on purpose`,
    byHand: "by hand: --help says how",
    plain: "(no flags)",
    table: { name: "exercise", form: "form", code: "code", time: "time", verdict: "verdict" },
    differs: (expected: number, code: number | "late") =>
      code === "late"
        ? `does not end, should end with exit code ${expected}`
        : code === expected
        ? "ends by an error, not by a verdict"
        : `exit code ${code}, should be ${expected}`,
    total: (runs: number, wrong: number, seconds: string) =>
      `${runs} runs in ${seconds} s: ${wrong === 0 ? "all as expected" : `${wrong} DIFFER`}`,
  },
  zh: {
    usage: `整门课程：选一个练习来运行，或者全部运行。

用法：main.ts [选项] [-- 练习自己的参数]

  --list        列出全部章节和练习，不运行
  --chapter N   列出一章，以及每个练习的各种形式
  --run NAME    运行一个练习；-- 后面是它自己的参数
  --all         运行全部练习的全部形式；加上 --chapter 就只运行那一章
  --lang L      en 或 zh：这里用的语言，会说中文的练习也跟着用（默认 en）
  --help        显示本说明

在终端里不带选项运行：用方向键、编号或名字的一部分来选。`,
    chapter: (number: number, title: string) => `第 ${number} 章  ${title}`,
    only: "--list、--run、--all 只能用一个",
    noFlags: (flags: string) => `-- 后面的 ${flags} 要和 --run 一起用`,
    chapterOfOne: "--chapter 要和 --list 或 --all 一起用，不能和 --run 一起用",
    unknown: (name: string) => `没有叫 ${name} 的练习`,
    several: (name: string, names: string) => `${name} 可能是 ${names}`,
    hint: "方向键、编号或名字的一部分；回车：运行；q：离开",
    hintForms: "回车：按这种形式运行；q：回到目录",
    typed: "正在找：",
    again: "回车：回到目录；q：离开",
    ended: (code: number) => `退出码 ${code}`,
    ends: (code: number) => code === 0 ? "退出码 0" : `退出码 ${code}：故意写错的形式`,
    byHand: "手动操作：用法见 --help",
    plain: "（不带参数）",
    table: { name: "练习", form: "形式", code: "代码", time: "用时", verdict: "结论" },
    differs: (expected: number, code: number | "late") =>
      code === "late"
        ? `一直没有结束，退出码应该是 ${expected}`
        : code === expected
        ? "因为出错而结束，没有给出结论"
        : `退出码是 ${code}，应该是 ${expected}`,
    total: (runs: number, wrong: number, seconds: string) =>
      `共运行 ${runs} 次，用时 ${seconds} 秒：${wrong === 0 ? "全部符合预期" : `${wrong} 次不符`}`,
  },
});

/** The last lines of stderr that are shown of a run that went wrong. */
const LAST_LINES = 5;
/** The columns that the forms take in the table, at least. */
const FORM_WIDTH = 17;
const NAME_WIDTH = Math.max(...ENTRIES.map(({ exercise }) => exercise.name.length)) + 2;

/** One line of the list: the number, the name, what it shows. */
function lineOf({ number, exercise }: Entry): string {
  return `${String(number).padStart(5)}  ${fill(exercise.name, NAME_WIDTH)}${exercise[language]}`;
}

/** The chapters' titles, each with its exercises below it. */
function rowsOf(chapters: number[]): Row[] {
  return chapters.flatMap((chapter) => [
    { text: WORDS.chapter(chapter, COURSE[chapter][language]) },
    ...ENTRIES.filter((entry) => entry.chapter === chapter).map((entry) => ({
      text: lineOf(entry),
      keys: { number: entry.number, name: entry.exercise.name },
    })),
  ]);
}

/** Shows all chapters, or one of them with all forms of its exercises. */
function list(chapter: number | undefined): void {
  if (chapter === undefined) {
    for (const { text } of rowsOf([...COURSE.keys()])) console.log(text);
    return;
  }
  console.log(WORDS.chapter(chapter, COURSE[chapter][language]));
  for (const entry of ENTRIES.filter((entry) => entry.chapter === chapter)) {
    console.log(lineOf(entry));
    for (const [flags, code] of Object.entries(entry.exercise.forms)) {
      console.log(`${" ".repeat(7)}${fill(flags || WORDS.plain, NAME_WIDTH)}${WORDS.ends(code)}`);
    }
  }
}

/** The one exercise that a name means. */
function find(name: string): Entry {
  const [entry, ...others] = entriesNamed(name);
  if (entry === undefined) throw new UsageError(WORDS.unknown(JSON.stringify(name)));
  if (others.length === 0) return entry;
  const names = [entry, ...others].map(({ exercise }) => exercise.name).join(", ");
  throw new UsageError(WORDS.several(JSON.stringify(name), names));
}

/** Runs an exercise in this terminal; Ctrl-C is its, not ours. */
async function runHere(name: string, flags: string[]): Promise<number> {
  const command = await commandOf(name, flags);
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    await using child = new Popen(command);
    const code = await child.wait();
    return code < 0 ? 128 - code : code;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
  }
}

/** The menu: pick, run, and back, until the user leaves. */
async function menu(): Promise<number> {
  const picker = new Picker(rowsOf([...COURSE.keys()]));
  for (;;) {
    const row = await pick(picker, WORDS.hint, WORDS.typed);
    if (row === undefined) return 0;
    if (row === "interrupt") return 130;
    picker.typed = "";
    const { exercise } = ENTRIES[row.keys!.number - 1];
    const flags = await pickForm(exercise);
    if (flags === "interrupt") return 130;
    if (flags === undefined) continue;
    console.log(`$ examples/${exercise.name}.ts ${flags}`.trimEnd());
    const code = await runHere(exercise.name, flags.split(" ").filter((flag) => flag !== ""));
    console.log(WORDS.ended(code));
    const answer = prompt(WORDS.again);
    if (answer === null || answer.trim() === "q") return 0;
  }
}

/** Lets the user pick a form, where there are several. */
async function pickForm({ forms, byHand }: Exercise): Promise<string | undefined> {
  const all = Object.entries(forms).map(([flags, code]) => [flags, WORDS.ends(code)]);
  if (byHand !== undefined) all.push([byHand, WORDS.byHand]);
  if (all.length === 1) return all[0][0];
  const rows = all.map(([flags, end], k): Row => ({
    text: `${String(k + 1).padStart(3)}  ${fill(flags || WORDS.plain, 24)}${end}`,
    keys: { number: k + 1, name: flags },
  }));
  const row = await pick(new Picker(rows), WORDS.hintForms, WORDS.typed);
  return typeof row === "object" ? row.keys!.name : row;
}

/** Runs all forms of some exercises, and shows what came of it. */
export async function runTable(entries: Pick<Entry, "exercise">[]): Promise<number> {
  const began = performance.now();
  using signal = abortOn("SIGINT");
  const exercises = entries.map(({ exercise }) => exercise);
  const { name, form, code, time, verdict } = WORDS.table;
  const formWidth = Math.max(
    FORM_WIDTH,
    ...exercises.flatMap(({ forms }) => Object.keys(forms).map(({ length }) => length)),
  );
  const row = (...cells: Cells) => printRow(formWidth, cells);
  row("", name, form, code, time, verdict);
  let [runs, wrong] = [0, 0];
  try {
    for await (const outcome of runAll(exercises, { signal })) {
      runs++;
      if (!show(outcome, row)) wrong++;
    }
  } catch (error) {
    if (signal.aborted) return 130;
    throw error;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(WORDS.total(runs, wrong, seconds));
  return wrong === 0 ? 0 : 1;
}

/** Shows a run in the table; true if it ended as it should. */
function show(outcome: Outcome, row: (...cells: Cells) => void): boolean {
  const { name, flags, expected, code, verdict, stderr, ms } = outcome;
  const mark = isRight(outcome) ? "ok" : "!!";
  row(mark, name, flags, String(expected), `${(ms / 1000).toFixed(1)} s`, verdict);
  if (mark === "ok") return true;
  console.log(`    ${WORDS.differs(expected, code)}`);
  const told = stderr.split("\n").filter((line) => line.trim() !== "").slice(-LAST_LINES);
  for (const line of told) console.log(`    ${line}`);
  return false;
}

/** The cells of a row of the table. */
type Cells = [mark: string, name: string, form: string, code: string, time: string, end: string];

/** Prints a row of the table, whose forms take so many columns. */
function printRow(formWidth: number, [mark, name, form, code, time, end]: Cells): void {
  const cells = [fill(mark, 2), fill(name, NAME_WIDTH - 2), fill(form, formWidth), fill(code, 4)];
  const space = " ".repeat(Math.max(0, 6 - columnsOf(time)));
  console.log(`${cells.join("  ")}  ${space}${time}  ${end}`);
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["list", "all"],
    string: ["chapter", "run"],
    default: {},
    bilingual: true,
    "--": true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const ways = ["list", "run", "all"].filter((way) => flags[way] !== undefined && flags[way]);
  if (ways.length > 1) throw new UsageError(WORDS.only);
  const passedOn = flags["--"] as string[];
  if (passedOn.length > 0 && flags.run === undefined) {
    throw new UsageError(WORDS.noFlags(JSON.stringify(passedOn[0])));
  }
  const chapter = flags.chapter === undefined
    ? undefined
    : wholeNumber("chapter", flags.chapter, 0, COURSE.length - 1);

  if (flags.run !== undefined) {
    if (chapter !== undefined) throw new UsageError(WORDS.chapterOfOne);
    return await runHere(find(String(flags.run)).exercise.name, passedOn);
  }
  if (flags.all) {
    return await runTable(
      ENTRIES.filter((entry) => chapter === undefined || entry.chapter === chapter),
    );
  }
  const isTerminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  if (flags.list || chapter !== undefined || !isTerminal) {
    list(chapter);
    return 0;
  }
  return await menu();
}

// Ctrl-C belongs to the exercise that runs, if one does.
if (import.meta.main) {
  await runScript("main", main, { endsOnCtrlC: false });
  // The menu may have left a read of the keyboard under way, which would hold the program.
  Deno.exit();
}
