/**
 * What the example scripts share around their main part: flags, exit codes, Ctrl-C.
 *
 * @module
 */
// By their full names: from a URL the scripts run without an import map.
import { parseArgs, type ParseOptions } from "jsr:@std/cli@1.0.32";
import { WorkerLostError } from "../../lib/errors.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage, LANGUAGES } from "./language.ts";
import {
  faultOfTimeline,
  startTimeline,
  timelineFile,
  timelineHelp,
  withoutTimeline,
} from "./timeline.ts";

const WORDS = inLanguage({
  en: {
    unknown: (arg: string) => `unknown argument ${arg}`,
    wholeNumber: (flag: string, least: number, most: number, text: string) =>
      `--${flag} must be a whole number from ${least} to ${most}, received ${text}`,
    oneOf: (flag: string, words: readonly string[], text: string) =>
      `--${flag} must be ${words.join(" or ")}, received ${text}`,
    tryHelp: "Try --help",
  },
  zh: {
    unknown: (arg: string) => `不认识的参数 ${arg}`,
    wholeNumber: (flag: string, least: number, most: number, text: string) =>
      `--${flag} 必须是 ${least} 到 ${most} 之间的整数，收到的是 ${text}`,
    oneOf: (flag: string, words: readonly string[], text: string) =>
      `--${flag} 必须是 ${words.join(" 或 ")}，收到的是 ${text}`,
    tryHelp: "用 --help 看用法",
  },
});

/** The command line is wrong: the script ends with code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Reads `Deno.args`, and refuses flags that the script does not have. Each script has `--help` and
 * `--timeline`, and one that is `bilingual` takes `--lang`; with `"--"`, what comes after `--` is no flag of its own, but is found there.
 */
export function readFlags(options: {
  boolean?: string[];
  string?: string[];
  negatable?: string[];
  default: Record<string, string | boolean>;
  bilingual?: boolean;
  "--"?: boolean;
}): Record<string, unknown> {
  const { boolean = [], string = [], bilingual = false, ...rest } = options;
  const fault = faultOfTimeline(timelineFile(Deno.args) ?? "-");
  if (fault !== undefined) throw new UsageError(fault);
  const flags = parseArgs(withoutTimeline(Deno.args), {
    ...rest as ParseOptions,
    boolean: ["help", ...boolean],
    string: bilingual ? ["lang", ...string] : string,
    alias: { h: "help" },
    unknown(arg) {
      throw new UsageError(WORDS.unknown(JSON.stringify(arg)));
    },
  }) as Record<string, unknown>;
  if (bilingual) oneOf("lang", flags.lang ?? "en", LANGUAGES);
  return flags;
}

/** The whole number that a flag was given. */
export function wholeNumber(flag: string, text: unknown, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(String(text)) && number >= least && number <= most) return number;
  throw new UsageError(WORDS.wholeNumber(flag, least, most, JSON.stringify(text)));
}

/** The word, one of a few, that a flag was given. */
export function oneOf<T extends string>(flag: string, text: unknown, words: readonly T[]): T {
  const word = words.find((word) => word === text);
  if (word !== undefined) return word;
  throw new UsageError(WORDS.oneOf(flag, words, JSON.stringify(text)));
}

/**
 * Runs a script's main part, which gives the exit code.
 *
 * Whatever it put on `cleanup` is done at the end, however the end comes; Ctrl-C is the code 130,
 * and the second ends the script at once, unless it is about what else Ctrl-C can do.
 */
export async function runScript(
  name: string,
  main: (cleanup: AsyncDisposableStack) => Promise<number>,
  { endsOnCtrlC = true }: { endsOnCtrlC?: boolean } = {},
): Promise<void> {
  const cleanup = new AsyncDisposableStack();
  let cleaned: Promise<void> | undefined;
  let draw: (() => void) | undefined;
  const clean = () => cleaned ??= cleanup.disposeAsync().finally(() => draw?.());
  let interrupted: Promise<never> | undefined;
  const end = () => interrupted ??= clean().catch(() => {}).then(() => Deno.exit(130));
  let isPressed = false;
  const interrupt = () => {
    // The cleanup may wait for what never ends: the second time it is left.
    if (isPressed) Deno.exit(130);
    isPressed = true;
    end();
  };
  if (endsOnCtrlC) Deno.addSignalListener("SIGINT", interrupt);
  try {
    draw = await startTimeline([name, ...withoutTimeline(Deno.args)].join(" "));
    const code = await main(cleanup);
    const help = timelineHelp(Deno.args);
    if (help !== undefined) console.log(help);
    await clean();
    Deno.exitCode = code;
  } catch (error) {
    // Ctrl-C reaches the children too: the first sign of it may be that one of them is gone, or
    // what comes of that. The signal itself then follows at once.
    const hit = error instanceof WorkerLostError && error.signal === "SIGINT" && endsOnCtrlC;
    if (!hit && endsOnCtrlC && !(error instanceof UsageError)) await sleep(50);
    if (hit || interrupted !== undefined) return await end();
    const isUsage = error instanceof UsageError;
    if (isUsage) draw = undefined;
    await clean();
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    if (isUsage) console.error(WORDS.tryHelp);
    Deno.exitCode = isUsage ? 2 : 1;
  }
  if (endsOnCtrlC) Deno.removeSignalListener("SIGINT", interrupt);
}
