/**
 * `--timeline`, which every script has: a picture of who ran, waited and held a lock, and when.
 *
 * The trace is started before the script's main part, and drawn when that has ended, however it
 * does: by its last line, an error, Ctrl-C or `Deno.exit()`.
 *
 * @module
 */
import { inLanguage } from "./language.ts";

const WORDS = inLanguage({
  en: {
    help: `
  --timeline FILE  also draw who ran, waited and held a lock, and when: into FILE.svg, into
                   FILE.json for ui.perfetto.dev, or as text here with -`,
    kind: (file: string) => `--timeline must be - or end in .svg or .json, received ${file}`,
    cannot: (file: string, why: string) =>
      `cannot write ${file}: ${why}; add --allow-write=${file} to the first line's flags, or use ` +
      "--timeline -",
  },
  zh: {
    help: `
  --timeline 文件  另外画出谁在什么时候运行、等待、持有锁：写进 文件.svg，
                   写进 文件.json（用 ui.perfetto.dev 打开），或者用 - 直接显示成文字`,
    kind: (file: string) => `--timeline 必须是 -，或者以 .svg 或 .json 结尾，收到的是 ${file}`,
    cannot: (file: string, why: string) =>
      `不能写 ${file}：${why}；给 deno run 加上 --allow-write=${file}，或者用 --timeline -`,
  },
});

/** The script's own arguments: those after `--` are another's. */
function ownArgs(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

const FLAG = "--timeline";

/** The file that `--timeline` names in a command line, if it is there. */
export function timelineFile(args: readonly string[]): string | undefined {
  return ownArgs(args).flatMap((arg, k, all) => {
    if (arg === FLAG) return [all[k + 1] ?? ""];
    return arg.startsWith(`${FLAG}=`) ? [arg.slice(FLAG.length + 1)] : [];
  }).at(-1);
}

/** A command line without it: `-` alone is no flag for those who read the others. */
export function withoutTimeline(args: readonly string[]): string[] {
  const own = ownArgs(args);
  const others = own.filter((arg, k) =>
    !arg.startsWith(`${FLAG}=`) && arg !== FLAG && own[k - 1] !== FLAG
  );
  return [...others, ...args.slice(own.length)];
}

/** What is wrong with the file, as the person is told; undefined if nothing is. */
export function faultOfTimeline(file: string): string | undefined {
  return /^-$|.\.(?:svg|json)$/.test(file) ? undefined : WORDS.kind(JSON.stringify(file));
}

/** What `--help` says of it; undefined if nobody has asked. */
export function timelineHelp(args: readonly string[]): string | undefined {
  return ownArgs(args).some((arg) => arg === "--help" || arg === "-h") ? WORDS.help : undefined;
}

/**
 * Starts the trace if the command line asks for one.
 *
 * @returns What draws it, once; undefined if there is none.
 * @throws {Error} The file cannot be written.
 */
export async function startTimeline(title: string): Promise<(() => void) | undefined> {
  const file = timelineFile(Deno.args);
  if (file === undefined || faultOfTimeline(file) !== undefined) return undefined;
  if (timelineHelp(Deno.args) !== undefined) return undefined;
  try {
    // Now, and not after a long run, it is found out that it may not be written.
    if (file !== "-") Deno.writeTextFileSync(file, "");
  } catch (error) {
    throw new Error(WORDS.cannot(file, (error as Error).message));
  }
  const { start } = await import("../../lib/trace.ts");
  const trace = start();
  const draw = () => {
    if (!trace.isOn) return;
    trace.stop();
    if (file === "-") console.log(`\n${trace.toText({ width: columns() })}`);
    else if (file.endsWith(".json")) Deno.writeTextFileSync(file, trace.toChromeTrace());
    else Deno.writeTextFileSync(file, trace.toSVG({ title }));
  };
  addEventListener("unload", draw);
  return draw;
}

/** The width of the terminal, or what a page of text has. */
function columns(): number {
  try {
    return Math.max(60, Deno.consoleSize().columns - 1);
  } catch {
    return 80;
  }
}
