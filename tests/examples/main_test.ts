import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { walk } from "@std/fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { COURSE, ENTRIES, entriesNamed, type Exercise } from "../../examples/_shared/course.ts";
import { columnsOf, LANGUAGES } from "../../examples/_shared/language.ts";
import { isRight, runAll } from "../../examples/_shared/launch.ts";
import { Keyboard, keysOf, Picker } from "../../examples/_shared/picker.ts";
import { runTable } from "../../examples/main.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const FLAGS = ["--allow-read", "--allow-run"];
const script = (...args: string[]) => run("main.ts", args, { flags: FLAGS, limit: 240_000 });

Deno.test("the course has all scripts of examples/, and no other", async () => {
  const faults: string[] = [];
  const scripts: string[] = [];
  for await (const { path } of walk(EXAMPLES, { exts: ["ts"], includeDirs: false })) {
    const name = pathToFileURL(path).href.slice(EXAMPLES.href.length).replace(/\.ts$/, "");
    if (!name.startsWith("_") && name !== "main") scripts.push(name);
  }
  const names = ENTRIES.map(({ exercise }) => exercise.name);
  for (const name of scripts) {
    if (!names.includes(name)) faults.push(`examples/_shared/course.ts has no row for ${name}.ts`);
  }
  for (const name of names) {
    if (!scripts.includes(name)) faults.push(`examples/_shared/course.ts has ${name}: no script`);
    if (names.indexOf(name) !== names.lastIndexOf(name)) faults.push(`${name} has two rows`);
  }
  assertEquals([...new Set(faults)].sort(), []);
});

Deno.test("the course's rows are complete, and fit in 100 columns", () => {
  assertEquals(COURSE.length, 13);
  assertEquals(ENTRIES.map(({ number }) => number), ENTRIES.map((_, k) => k + 1));
  for (const { exercise } of ENTRIES) {
    const { name, forms } = exercise;
    assert(Object.keys(forms).length > 0, `${name} has no form`);
    for (const code of Object.values(forms)) assert(code === 0 || code === 1, `${name}: ${code}`);
    assert(/\p{Script=Han}/u.test(exercise.zh), `${name} has no Chinese line`);
    for (const language of LANGUAGES) {
      const columns = columnsOf(exercise[language]);
      assert(columns > 0 && columns <= 64, `${name} has ${columns} columns of ${language}`);
    }
  }
});

Deno.test("an exercise is found by its path, and by the end of it", () => {
  const found = (name: string) => entriesNamed(name).map(({ exercise }) => exercise.name);
  assertEquals(found("threads/bank"), ["threads/bank"]);
  assertEquals(found("./examples/threads/bank.ts"), ["threads/bank"]);
  assertEquals(found("bank"), ["threads/bank", "processes/bank"]);
  assertEquals(found("zombie"), ["processes/zombie"]);
  assertEquals(found("ombie"), []);
});

Deno.test("main.ts shows the list if there is no terminal", async () => {
  const { code, lines, stderr } = await script();
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.length, COURSE.length + ENTRIES.length);
  assertEquals(lines[0], "0  How to read this: five traps for those who come from Python");
  for (const { number, exercise } of ENTRIES) {
    const line = lines.find((line) => line.trim().startsWith(`${number}  ${exercise.name} `));
    assert(line?.endsWith(exercise.en), exercise.name);
  }
  assertEquals(lines.filter((line) => line.length > 100), []);
});

Deno.test("main.ts --list --lang zh shows the list in Chinese", async () => {
  const { code, lines, stderr } = await script("--list", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("第 4 章  竞态与锁"));
  for (const { exercise } of ENTRIES) {
    assert(lines.some((line) => line.endsWith(exercise.zh)), exercise.name);
  }
  assertEquals(lines.filter((line) => columnsOf(line) > 100), []);
});

Deno.test("main.ts --chapter shows the forms of its exercises", async () => {
  const { code, lines, stderr } = await script("--chapter", "5");
  assertEquals([code, stderr, lines[0]], [0, "", "5  Deadlock"]);
  const at = lines.findIndex((line) => line.includes("threads/deadlock"));
  assertEquals(lines.slice(at + 1, at + 3).map((line) => line.trim().split(/ {2,}/)), [
    ["--way none", "exit code 1: broken on purpose"],
    ["--way timeout", "exit code 0"],
  ]);
});

Deno.test("main.ts --run runs an exercise with its flags, and ends as that does", async () => {
  const { code, lines, stderr } = await script("--run", "threads/bank", "--", "--no-lock");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines.at(-1), "the balance is 140, should be 260: 120 LOST");
});

Deno.test("main.ts hands its language on to the exercises that speak it", async () => {
  const both = ["--lang", "zh", "--run", "multiprogramming", "--", "--mode", "batch"];
  const { code, lines, stderr } = await script(...both);
  assertEquals([code, stderr, lines[0]], [0, "", "批处理：一个作业做完，再做下一个"]);
});

Deno.test("main.ts --all runs all forms, two at a time, and shows them in a table", async () => {
  const { code, lines, stderr } = await script("--all", "--chapter", "3");
  const forms = ENTRIES.filter(({ chapter }) => chapter === 3)
    .flatMap(({ exercise }) => Object.entries(exercise.forms).map((form) => [exercise, ...form]));
  assertEquals([code, stderr], [0, ""], lines.join("\n"));
  assertEquals(lines.length, forms.length + 2);
  for (const [k, [exercise, flags, code]] of (forms as [Exercise, string, number][]).entries()) {
    const row = lines[k + 1];
    assert(row.startsWith(`ok  ${exercise.name} `), row);
    assertStringIncludes(row, `  ${flags} `);
    assert(new RegExp(` ${code} +\\d+\\.\\d s  \\S`).test(row), row);
  }
  const total = lines.at(-1)!.replace(/in \d+ s/, "in N s");
  assertEquals(total, `${forms.length} runs in N s: all as expected`);
});

const BANK: Exercise = { name: "threads/bank", en: "", zh: "", forms: { "--no-lock": 1 } };
const WRONG: Exercise = { ...BANK, forms: { "--no-lock": 0, "--what": 0 } };

Deno.test("the table shows what differs, and why", async () => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  let code;
  try {
    code = await runTable([BANK, WRONG].map((exercise) => ({ exercise })));
  } finally {
    console.log = log;
  }
  assertEquals(code, 1);
  const marks = lines.map((line) => line.slice(0, 2).trim());
  assertEquals(marks, ["", "ok", "!!", "", "!!", "", "", "", "3"]);
  assertStringIncludes(lines[3], "exit code 1, should be 0");
  assertEquals(lines.slice(5, 8).map((line) => line.trim()), [
    "exit code 2, should be 0",
    'bank: unknown argument "--what"',
    "Try --help",
  ]);
  assertEquals(lines.at(-1)!.replace(/in \d+ s/, "in N s"), "3 runs in N s: 2 DIFFER");
});

Deno.test("a run that fails by an error is not taken for one that is broken on purpose", () => {
  const lost = { name: "threads/bank", flags: "--no-lock", expected: 1, code: 1, ms: 9 };
  assert(isRight({ ...lost, verdict: "120 LOST", stderr: "" }));
  assert(isRight({ ...lost, verdict: "120 LOST", stderr: "a note\n" }));
  assert(!isRight({ ...lost, code: 0, verdict: "exact", stderr: "" }));
  assert(!isRight({ ...lost, verdict: "", stderr: "" }));
  assert(!isRight({ ...lost, verdict: "clerk-1", stderr: "Thread clerk-1:\nbank: no money\n" }));
  assert(!isRight({ ...lost, verdict: "clerk-1", stderr: "error: Uncaught NotCapable\n" }));
});

Deno.test("a run that does not end in time is ended, and told", async () => {
  const slow = { ...BANK, name: "threads/timer", forms: { "--ms 60000": 0 } };
  const [outcome] = await Array.fromAsync(runAll([slow], { timeout: 2_000 }));
  assertEquals([outcome.code, outcome.expected], ["late", 0]);
});

/** Serves the checkout while `use` runs. */
async function served(use: (origin: string) => Promise<void>): Promise<void> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using server = Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    const types = { ts: "application/typescript", js: "text/javascript", json: "application/json" };
    const type = types[pathname.split(".").at(-1) as keyof typeof types];
    try {
      const text = await Deno.readTextFile(new URL(`..${pathname}`, EXAMPLES));
      return new Response(text, { headers: { "content-type": type } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  await use(`http://127.0.0.1:${server.addr.port}`);
}

Deno.test("main.ts runs from a URL, and its exercises of threads and processes", async () => {
  const folder = await Deno.makeTempDir();
  const deno = [Deno.execPath(), "run", "-A", "--quiet", "--no-config"];
  try {
    await served(async (origin) => {
      // The packages come from the checkout: JSR may be out of reach.
      const env = { DENO_DIR: folder, JSR_URL: `${origin}/vendor/jsr.io/`, NO_COLOR: "1" };
      const main = async (...args: string[]) => {
        const [program, ...rest] = [...deno, `${origin}/examples/main.ts`, ...args];
        const options = { args: rest, env, cwd: folder, stdin: "null" } as const;
        const { code, stdout, stderr } = await new Deno.Command(program, options).output();
        const [said, wrong] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
        assertEquals([code, wrong], [0, ""], said);
        return said.trimEnd().split("\n");
      };
      assertEquals((await main()).length, COURSE.length + ENTRIES.length);
      const deadlock = await main("--run", "threads/deadlock");
      assertEquals(deadlock.at(-1), "A has 100, B has 100, both moved: no deadlock");
      const bank = await main("--run", "processes/bank");
      assertEquals(bank.at(-1), "the balance is 260, should be 260: exact");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const ROWS = [
  { text: "0  Title" },
  { text: "1  threads/bank", keys: { number: 1, name: "threads/bank" } },
  { text: "2  threads/queue", keys: { number: 2, name: "threads/queue" } },
  { text: "1  Title" },
  ...Array.from({ length: 10 }, (_, k) => ({
    text: `${k + 3}  processes/p${k}`,
    keys: { number: k + 3, name: `processes/p${k}` },
  })),
];

/** What is marked after some keys, as a terminal sends them, and the last wish. */
function pressed(text: string): [marked: string, wish: string | undefined, typed: string] {
  const picker = new Picker(ROWS);
  let wish;
  for (const key of keysOf(text)) wish = picker.press(key);
  return [picker.marked.keys!.name, wish, picker.typed];
}

Deno.test("the picker goes by arrow keys, numbers and names", () => {
  assertEquals(pressed(""), ["threads/bank", undefined, ""]);
  assertEquals(pressed("\x1b[A"), ["threads/bank", undefined, ""]);
  assertEquals(pressed("\x1b[B\x1b[B"), ["processes/p0", undefined, ""]);
  assertEquals(pressed("\x1b[B\x1bOB\x1b[A\r"), ["threads/queue", "pick", ""]);
  assertEquals(pressed("\x1b[B".repeat(30)), ["processes/p9", undefined, ""]);
  assertEquals(pressed("2\r"), ["threads/queue", "pick", "2"]);
  assertEquals(pressed("12"), ["processes/p9", undefined, "12"]);
  assertEquals(pressed("12\x7f\x7f2"), ["threads/queue", undefined, "2"]);
  assertEquals(pressed("99"), ["processes/p6", undefined, "9"]);
  assertEquals(pressed("/q"), ["threads/queue", undefined, "/q"]);
  assertEquals(pressed("p7"), ["processes/p7", undefined, "p7"]);
  assertEquals(pressed("p7\x1b"), ["processes/p7", undefined, ""]);
  assertEquals(pressed("xyz"), ["threads/bank", undefined, ""]);
});

Deno.test("the picker is left by q, Esc and Ctrl-D, and interrupted by Ctrl-C", () => {
  for (const key of ["q", "\x1b", "\x04"]) assertEquals(pressed(key)[1], "leave");
  for (const keys of ["\x03", "/q\x03"]) assertEquals(pressed(keys)[1], "interrupt");
});

/** A terminal that sends these texts, one with each read, and then nothing. */
function sending(...texts: string[]) {
  return {
    read(buffer: Uint8Array): Promise<number | null> {
      const text = texts.shift();
      if (text === undefined) return new Promise(() => {});
      return Promise.resolve(new TextEncoder().encodeInto(text, buffer).written);
    },
  };
}

Deno.test("a key that comes in parts is one key, and Esc alone is Esc", async () => {
  const keys = new Keyboard(sending("\x1b", "[B", "x\x1b[", "A", "\x1bO", "Aq\x1b"));
  const seen = [];
  for (let k = 0; k < 5; k++) seen.push(await keys.next());
  assertEquals(seen, [["\x1b[B"], ["x"], ["\x1b[A"], ["\x1bOA", "q"], ["\x1b"]]);
  const closed = new Keyboard({ read: () => Promise.resolve(null) });
  assertEquals(await closed.next(), undefined);
});

Deno.test("the picker shows what is marked, however few lines there are", () => {
  const picker = new Picker(ROWS);
  for (let k = 0; k < 30; k++) {
    for (const rows of [1, 3, 5, 24]) {
      const lines = picker.draw(rows, 12);
      assertEquals(lines.length, Math.min(rows, ROWS.length));
      assertEquals(lines.filter((line) => line.startsWith("\x1b[7m")).length, 1);
    }
    picker.press(k < 15 ? "\x1b[B" : "\x1b[A");
  }
  assertEquals(picker.draw(24, 12)[1], "\x1b[7m> 1  threads\x1b[0m");
  // At the top again the title is seen, too.
  assertEquals(picker.draw(5, 80)[0], "\x1b[1m  0  Title\x1b[0m");
});

/**
 * Runs the menu in a terminal that `script` of util-linux makes: after each text that is seen the
 * keys beside it are pressed. Gives its exit code.
 */
async function inTerminal(steps: [seen: string, keys: string][]): Promise<number> {
  const command = [Deno.execPath(), "run", ...FLAGS, fileURLToPath(new URL("main.ts", EXAMPLES))];
  const child = new Deno.Command("script", {
    args: ["-qec", command.join(" "), "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const keyboard = child.stdin.getWriter();
  const decoder = new TextDecoder();
  let seen = "";
  for await (const chunk of child.stdout) {
    seen += decoder.decode(chunk, { stream: true });
    for (let step = steps[0]; step !== undefined && seen.includes(step[0]); step = steps[0]) {
      seen = seen.slice(seen.indexOf(step[0]) + step[0].length);
      await keyboard.write(new TextEncoder().encode(step[1]));
      steps.shift();
    }
  }
  await keyboard.close().catch(() => {});
  assertEquals(steps, [], seen);
  return (await child.status).code;
}

/** Whether the terminal can be made. */
function hasTerminal(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    const { stdout } = new Deno.Command("script", { args: ["--version"] }).outputSync();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

Deno.test({
  name: "main.ts lets one pick an exercise and a form in a terminal, and comes back",
  ignore: !hasTerminal(),
  async fn() {
    const code = await inTerminal([
      ["Enter: run; q: leave", "threads/ban"],
      ["looking for: threads/ban", "\r"],
      ["Enter: run in this form", "\x1b[B\r"],
      ["should be 260: exact", ""],
      ["exit code 0", ""],
      ["Enter: back to the list", "\n"],
      ["Enter: run; q: leave", "q"],
    ]);
    assertEquals(code, 0);
  },
});

Deno.test({
  name: "main.ts goes back from the forms, and leaves, on Esc",
  ignore: !hasTerminal(),
  async fn() {
    const code = await inTerminal([
      ["Enter: run; q: leave", "threads/ban"],
      ["looking for: threads/ban", "\r"],
      ["Enter: run in this form", "\x1b"],
      ["Enter: run; q: leave", "\x1b"],
    ]);
    assertEquals(code, 0);
  },
});

Deno.test({
  name: "main.ts leaves the menu on Ctrl-C with code 130",
  ignore: !hasTerminal(),
  async fn() {
    assertEquals(await inTerminal([["Enter: run; q: leave", "\x03"]]), 130);
  },
});

testUsage("main.ts", script, ["--list", "--chapter N", "--run NAME", "--all", "--lang"], [
  [["--list", "--all"], "main: --list, --run or --all: one of them"],
  [["--chapter", "13"], "--chapter must be a whole number from 0 to 12"],
  [["--run", "bank"], 'main: "bank" may be threads/bank, processes/bank'],
  [["--run", "bench"], 'main: no exercise is called "bench"'],
  [["--", "--no-lock"], 'main: "--no-lock" after -- needs --run'],
  [["--run", "tickets", "--chapter", "4"], "--chapter goes with --list or --all"],
]);
