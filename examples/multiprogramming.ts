#!/usr/bin/env -S deno run --allow-read
/**
 * Several jobs, one CPU: what an operating system gains by switching.
 *
 * A job computes for a while, then waits for its input or output (IO), and computes again. Three
 * generations of systems deal with that:
 *
 *     batch    one job after the other: during IO the CPU waits, too
 *     switch   multiprogramming: when a job waits for IO, another one has the CPU
 *     slices   time sharing: besides, nobody keeps the CPU for longer than a time slice
 *
 * All is simulated, tick by tick: nothing is measured, so the picture is the same every time.
 *
 * Try:
 *
 *     examples/multiprogramming.ts               the three, one below the other
 *     examples/multiprogramming.ts --mode batch  one of them
 *     examples/multiprogramming.ts --slice 1     who types gets an answer sooner still
 *     examples/multiprogramming.ts --slice 9     a long one: the answers are late again
 *
 * @module
 */
import { fill, inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "./_shared/script.ts";

const MODES = ["batch", "switch", "slices"] as const;
type Mode = (typeof MODES)[number];

/** How a job spends its time, in ticks: computing, IO, computing, IO, …, computing. */
interface Job {
  name: string;
  bursts: number[];
}

const WORDS = inLanguage({
  en: {
    usage: `Jobs on one CPU: batch, switching on IO, and time slices, as a picture.

Usage: multiprogramming.ts [options]

  --mode M    batch, switch, slices, or all of them in turn (all)
  --slice N   the length of a time slice, in ticks (2)
  --lang L    en or zh (en)
  --help      show this`,
    modes: {
      batch: "batch: one job after the other",
      switch: "switch: a job that waits for IO gives up the CPU",
      slices: "slices: the same, and after a time slice it is the next one's turn",
    },
    jobs: ["report", "editor", "backup"],
    legend: "█ computes  ░ waits for IO  · waits for the CPU (its state is kept in memory)",
    used: (busy: number, ticks: number, percent: string) =>
      `the CPU computes in ${busy} of ${ticks} ticks: ${percent} %`,
    response: (name: string, ticks: number) => `${name} ${ticks}`,
    responses: (each: string[], mean: string) =>
      `ticks until it first has the CPU: ${each.join(", ")}; mean ${mean}`,
    compare: (mode: string, percent: string, mean: string) =>
      `${fill(mode, 8)} CPU ${percent.padStart(3)} %, mean response ${mean.padStart(4)} ticks`,
    right: "same work in all; switching keeps the CPU busy, slices answer soonest: as told",
    one: (ticks: number) => `all jobs are done after ${ticks} ticks: complete`,
    wrong: "NOT AS TOLD",
  },
  zh: {
    usage: `几个作业共用一个 CPU：批处理、遇 IO 切换、时间片，画成图来看。

用法：multiprogramming.ts [选项]

  --mode M    batch（批处理）、switch（遇 IO 切换）、slices（时间片），或三种依次（默认 all）
  --slice N   一个时间片有几拍（默认 2）
  --lang L    语言：en 或 zh（默认 en）
  --help      显示本说明`,
    modes: {
      batch: "批处理：一个作业做完，再做下一个",
      switch: "遇 IO 切换：作业等待 IO 时，让出 CPU",
      slices: "时间片：除此之外，用满一个时间片也要让给下一个",
    },
    jobs: ["报表", "编辑器", "备份"],
    legend: "█ 占用 CPU 计算  ░ 等待 IO  · 就绪，等待 CPU（状态保存在内存里）",
    used: (busy: number, ticks: number, percent: string) =>
      `${ticks} 拍里 CPU 有 ${busy} 拍在计算：利用率 ${percent} %`,
    response: (name: string, ticks: number) => `${name}等 ${ticks} 拍`,
    responses: (each: string[], mean: string) =>
      `第一次得到 CPU：${each.join("，")}；平均 ${mean} 拍`,
    compare: (mode: string, percent: string, mean: string) =>
      `${fill(mode, 8)} CPU 利用率 ${percent.padStart(3)} %，平均响应时间 ${mean.padStart(4)} 拍`,
    right: "三种方式做的工作一样多；切换让 CPU 不闲着，时间片响应最快：与所说的相符",
    one: (ticks: number) => `${ticks} 拍之后作业全部做完：完整`,
    wrong: "与所说的不符",
  },
});

/** They come at the same time, in this order; the first computes for long before it first waits. */
const BURSTS = [[10, 4, 6], [1, 5, 1, 5, 1], [2, 6, 2, 6, 2]];
const JOBS: Job[] = BURSTS.map((bursts, k) => ({ name: WORDS.jobs[k], bursts }));
/** With a slice that is longer than this the first job would never be interrupted. */
const LONGEST_SLICE = 9;

/** What a job does in a tick, as it is drawn. */
const COMPUTES = "█";
const IN_IO = "░";
const READY = "·";

/** What came of a simulation. */
interface Result {
  /** What each job does, tick by tick, until it is done. */
  rows: string[];
  ticks: number;
  /** The ticks in which the CPU computes. */
  busy: number;
  /** When each job first has the CPU, in ticks from its coming. */
  responses: number[];
}

/** Lets the jobs share one CPU. */
function simulate(jobs: Job[], mode: Mode, slice: number): Result {
  const rows = jobs.map(() => "");
  // What is left of each job: computing where the number of bursts is odd, IO where it is even.
  const left = jobs.map(({ bursts }) => [...bursts]);
  const isInIo = (k: number) => left[k].length % 2 === 0;
  const ready = jobs.map((_, k) => k);
  /** The job that has the CPU, and for how long it has had it. */
  let current: number | undefined;
  let had = 0;
  let ticks = 0;
  for (; left.some((bursts) => bursts.length > 0); ticks++) {
    if (current === undefined) [current, had] = [ready.shift(), 0];
    had++;
    for (const [k, bursts] of left.entries()) {
      if (bursts.length === 0) continue;
      const isWorking = isInIo(k) || k === current;
      rows[k] += !isWorking ? READY : isInIo(k) ? IN_IO : COMPUTES;
      if (!isWorking || --bursts[0] > 0) continue;
      // A burst is over: IO follows on computing, and the other way round.
      bursts.shift();
      if (k === current) {
        if (bursts.length === 0 || mode !== "batch") current = undefined;
      } else ready.push(k);
    }
    if (mode === "slices" && current !== undefined && had === slice) {
      ready.push(current);
      current = undefined;
    }
  }
  return {
    rows,
    ticks,
    busy: count(rows.join(""), COMPUTES),
    responses: rows.map((row) => row.indexOf(COMPUTES)),
  };
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

function percentOf({ busy, ticks }: Result): string {
  return (100 * busy / ticks).toFixed(0);
}

function meanOf({ responses }: Result): number {
  return responses.reduce((sum, response) => sum + response, 0) / responses.length;
}

/** Draws what each job does, a character for a tick, and the CPU below them. */
function draw(mode: Mode, result: Result): void {
  const { rows, ticks, busy, responses } = result;
  console.log(WORDS.modes[mode]);
  for (const [k, row] of rows.entries()) console.log(`  ${fill(JOBS[k].name, 8)}${row}`);
  const cpu = Array.from(
    { length: ticks },
    (_, tick) => rows.some((row) => row[tick] === COMPUTES) ? COMPUTES : " ",
  );
  console.log(`  ${fill("CPU", 8)}${cpu.join("")}`);
  console.log(`  ${fill("", 8)}${scaleOf(ticks)}`);
  console.log(`  ${WORDS.used(busy, ticks, percentOf(result))}`);
  const each = responses.map((ticks, k) => WORDS.response(JOBS[k].name, ticks));
  console.log(`  ${WORDS.responses(each, meanOf(result).toFixed(1))}`);
  console.log("");
}

/** A number at every tenth tick. */
function scaleOf(ticks: number): string {
  return Array.from({ length: Math.ceil(ticks / 10) }, (_, k) => String(10 * k).padEnd(10))
    .join("").trimEnd();
}

/** True if each job has computed and waited for IO for as long as it should. */
function isComplete({ rows }: Result): boolean {
  return JOBS.every(({ bursts }, k) => {
    const sum = (rest: number) =>
      bursts.filter((_, k) => k % 2 === rest).reduce((all, burst) => all + burst);
    return count(rows[k], COMPUTES) === sum(0) && count(rows[k], IN_IO) === sum(1);
  });
}

function main(): Promise<number> {
  const flags = readFlags({
    string: ["mode", "slice"],
    default: { mode: "all", slice: "2" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return Promise.resolve(0);
  }
  const mode = oneOf("mode", flags.mode, ["all", ...MODES]);
  const slice = wholeNumber("slice", flags.slice, 1, LONGEST_SLICE);

  const results = MODES.map((mode) => simulate(JOBS, mode, slice));
  const [batch, switching, slices] = results;
  for (const [k, each] of MODES.entries()) {
    if (mode === "all" || mode === each) draw(each, results[k]);
  }
  console.log(WORDS.legend);
  if (mode !== "all") {
    const result = results[MODES.indexOf(mode)];
    const isRight = isComplete(result);
    console.log(isRight ? WORDS.one(result.ticks) : WORDS.wrong);
    return Promise.resolve(isRight ? 0 : 1);
  }
  for (const [k, each] of MODES.entries()) {
    console.log(WORDS.compare(each, percentOf(results[k]), meanOf(results[k]).toFixed(1)));
  }
  const isAsTold = results.every(isComplete) &&
    batch.busy / batch.ticks < switching.busy / switching.ticks &&
    meanOf(slices) < Math.min(meanOf(switching), meanOf(batch));
  console.log(isAsTold ? WORDS.right : WORDS.wrong);
  return Promise.resolve(isAsTold ? 0 : 1);
}

if (import.meta.main) await runScript("multiprogramming", main);
