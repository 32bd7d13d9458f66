/**
 * Starting the exercises, each as a program of its own with the permissions that it asks for.
 *
 * They are found next to this module, wherever that is: in a folder, or below a URL.
 *
 * @module
 */
import { Semaphore } from "../../lib/threading.ts";
import { DEVNULL, run, TimeoutExpired } from "../../lib/subprocess.ts";
import type { Exercise } from "./course.ts";
import { language } from "./language.ts";

/** Where a script is. */
export function locate(name: string): URL {
  return new URL(import.meta.resolve(`../${name}.ts`));
}

/**
 * The command that runs a script as its first line (`#!…`) says, in the language of this program if
 * it speaks that.
 */
export async function commandOf(name: string, flags: string[]): Promise<string[]> {
  const url = locate(name);
  const source = url.protocol === "file:"
    ? await Deno.readTextFile(url)
    : await (await fetch(url)).text();
  const [, permissions] = /^#!.*\bdeno run (.+)$/m.exec(source) ?? [];
  if (permissions === undefined) throw new Error(`${url} does not begin with #!… deno run …`);
  const isTold = flags.some((flag) => flag === "--lang" || flag.startsWith("--lang="));
  const speaks = language !== "en" && !isTold && /\bbilingual: true\b/.test(source);
  return [
    Deno.execPath(),
    ...["run", "--quiet", "--no-prompt", ...permissions.trim().split(/\s+/)],
    ...placeFlags(url, permissions),
    url.href,
    ...flags,
    ...speaks ? ["--lang", language] : [],
  ];
}

/** What Deno must be told where the scripts are not in a folder: whom to import from. */
function placeFlags(url: URL, permissions: string): string[] {
  if (url.protocol === "file:" || permissions.includes("-A")) return [];
  const port = url.port || (url.protocol === "http:" ? 80 : 443);
  return [`--allow-import=${url.hostname}:${port}`];
}

/** What a run of an exercise gave. */
export interface Outcome {
  name: string;
  flags: string;
  /** The exit code that it must give, and the one that it gave: "late" if it did not end in time. */
  expected: number;
  code: number | "late";
  /** Its last line. */
  verdict: string;
  /** What it printed on stderr. */
  stderr: string;
  ms: number;
}

/**
 * True if a run ended with the exit code that it must give, and by a verdict: a script that fails
 * for any other reason ends with code 1 too, but says so on stderr, behind its name.
 */
export function isRight({ name, code, expected, verdict, stderr }: Outcome): boolean {
  const script = name.split("/").at(-1);
  const hasFailed = stderr.split("\n").some((line) =>
    line.startsWith(`${script}: `) || line.startsWith("error: ")
  );
  return code === expected && verdict !== "" && !hasFailed;
}

/**
 * Runs exercises in all their forms, a few at a time, each as a child program.
 *
 * @returns The outcomes in the order of the table, each as soon as it and those before it are there.
 */
export async function* runAll(
  exercises: Exercise[],
  { atOnce = 2, timeout = 60_000, signal }: {
    atOnce?: number;
    timeout?: number;
    signal?: AbortSignal;
  } = {},
): AsyncGenerator<Outcome> {
  const places = new Semaphore(atOnce);
  const runs = exercises.flatMap(({ name, forms }) =>
    Object.entries(forms).map(async ([flags, expected]): Promise<Outcome> => {
      using _ = await places.acquire({ signal });
      const began = performance.now();
      const ended = await runForm(name, flags, timeout, signal);
      return { name, flags, expected, ...ended, ms: performance.now() - began };
    })
  );
  // An abort rejects all of them: those that nobody waits for yet say nothing.
  for (const run of runs) run.catch(() => {});
  for (const run of runs) yield await run;
}

async function runForm(name: string, flags: string, timeout: number, signal?: AbortSignal) {
  const command = await commandOf(name, flags.split(" ").filter((flag) => flag !== ""));
  const ending = { timeout, signal, killSignal: "SIGINT", grace: 2_000 } as const;
  const streams = { stdin: DEVNULL, captureOutput: true, text: true } as const;
  try {
    const { returncode, stdout, stderr } = await run(command, { ...streams, ...ending });
    return { code: returncode, verdict: lastLine(stdout), stderr };
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error;
    return { code: "late", verdict: lastLine(String(error.stdout ?? "")), stderr: "" } as const;
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)!.trim();
}
