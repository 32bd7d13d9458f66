#!/usr/bin/env -S deno run --allow-read
/**
 * How far is it? A pool renders a picture row by row, and says how much is done.
 *
 *     bar   map({ progress: true }): the pool draws a bar on stderr, with the rate and the time
 *           that is left; nothing where stderr is no terminal, so that it never gets into a file
 *     own   map({ onProgress }): we are told, and draw what we like
 *
 * Try:
 *
 *     examples/threads/progress.ts                 the pool's bar, then the picture
 *     examples/threads/progress.ts --form own      ours
 *     examples/threads/progress.ts 2>/dev/null     no bar
 *
 * @module
 */
import { ThreadPool } from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A pool that renders the Mandelbrot set, with a progress bar.

Usage: progress.ts [options]

  --form F     bar, own, or none (bar)
  --rows N     how many rows the picture has (24)
  --depth N    how long each of its points is looked at, at most (1000000)
  --lang L     en or zh (en)
  --help       show this`,
    rendering: (bar: string, done: number, total: number) => `rendering ${bar} ${done}/${total}`,
    rows: (rows: number) => `${rows} rows`,
  },
  zh: {
    usage: `线程池画曼德博集合，带进度条。

用法：progress.ts [选项]

  --form F     进度条：bar、own 或 none（默认 bar）
  --rows N     画多少行（默认 24）
  --depth N    每个点最多看多少步（默认 1000000）
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    rendering: (bar: string, done: number, total: number) => `绘制 ${bar} ${done}/${total}`,
    rows: (rows: number) => `共 ${rows} 行`,
  },
});

const WIDTH = 72;
const SHADES = " .:-=+*#%@";
/** How wide our own bar is. */
const BAR = 40;

/** One row of the picture: for each point, how soon it is seen to run away. */
export function render(row: number, rows: number, depth: number): string {
  const y = 1.2 - 2.4 * row / Math.max(1, rows - 1);
  let line = "";
  for (let column = 0; column < WIDTH; column++) {
    line += shade(escapeTime(-2.2 + 3.2 * column / (WIDTH - 1), y, depth), depth);
  }
  return line.trimEnd();
}

function escapeTime(x: number, y: number, depth: number): number {
  let [re, im, n] = [0, 0, 0];
  for (; n < depth && re * re + im * im < 4; n++) {
    [re, im] = [re * re - im * im + x, 2 * re * im + y];
  }
  return n;
}

function shade(n: number, depth: number): string {
  if (n >= depth) return SHADES.at(-1)!;
  return SHADES[Math.min(SHADES.length - 2, Math.floor(Math.log2(n + 1)))];
}

/** Draws a bar of our own: over and over on a terminal, else at each quarter. */
function draw({ done, total = 0 }: { done: number; total?: number }): void {
  const filled = Math.round(BAR * done / total);
  const bar = "▓".repeat(filled) + "░".repeat(BAR - filled);
  const text = TEXTS.rendering(bar, done, total);
  if (Deno.stdout.isTerminal()) {
    Deno.stdout.writeSync(new TextEncoder().encode(`\r${text}${done === total ? "\n" : ""}`));
  } else if (Math.floor(4 * done / total) > Math.floor(4 * (done - 1) / total)) {
    console.log(text);
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["form", "rows", "depth"],
    default: { form: "bar", rows: "24", depth: "1000000" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["bar", "own", "none"]);
  const rows = wholeNumber("rows", flags.rows, 1, 200);
  const depth = wholeNumber("depth", flags.depth, 1, 100_000_000);

  const pool = cleanup.use(new ThreadPool());
  const calls = Array.from(
    { length: rows },
    (_, row): [number, number, number] => [row, rows, depth],
  );
  const progress = { bar: { progress: true }, own: { onProgress: draw }, none: {} }[form];
  const picture = await pool.starmap(render, calls, { chunksize: 1, ...progress });
  for (const line of picture) console.log(line);
  console.log(TEXTS.rows(picture.length));
  return picture.length === rows ? 0 : 1;
}

if (import.meta.main) await runScript("progress", main);
