/**
 * Tests with signals: a time limit for each, every handler taken back, and programs of their own
 * where a signal ends the process.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { alarm, SIG_DFL, signal, Signals } from "../../lib/signal.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { LIMIT, within } from "../_help/within.ts";

/** The signals that these tests handle in the test's own process. */
const USED = ["SIGUSR2", "SIGALRM", "SIGHUP", "SIGTERM", "SIGWINCH", "SIGCHLD"] as const;

/** Defines a test that handles signals. */
export function test(name: string, fn: () => Promise<void> | void): void {
  limited(name, fn, LACKS.signals, takeBack);
}

/** Defines a test with no other signal than that of the alarm. */
export function testAlarm(name: string, fn: () => Promise<void> | void): void {
  limited(name, fn, undefined, takeBack);
}

function takeBack(): void {
  alarm(0);
  for (const sig of USED) if (Object.hasOwn(Signals, sig)) signal(sig, SIG_DFL);
}

/** Defines a test with a time limit; `lack` says why a system leaves it out. */
export function limited(
  name: string,
  fn: () => Promise<void> | void,
  lack?: string,
  after: () => void = () => {},
): void {
  Deno.test({
    ...unless(lack, name),
    async fn() {
      try {
        await within(LIMIT, fn());
      } finally {
        after();
      }
    },
  });
}

/** What became of a program. */
export interface Ran {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

/** A program that runs: `text` with `LIB/` for the library. */
export class Program implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly child: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  #text = "";

  constructor(text: string, flags = ["-A"], args: string[] = [], through: string[] = []) {
    const lib = new URL("../../lib/", import.meta.url).href;
    Deno.writeTextFileSync(`${this.#folder}/main.ts`, text.replaceAll("LIB/", lib));
    const run = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--no-config", ...flags];
    const [program, ...rest] = [...through, ...run, `${this.#folder}/main.ts`, ...args];
    this.child = new Deno.Command(program, {
      args: rest,
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.child.stderr).text();
    this.#stdout = this.child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until it has printed the line, or ended; gives all that it has printed. */
  async said(line?: string): Promise<string> {
    while (line === undefined || !`\n${this.#text}`.includes(`\n${line}\n`)) {
      const { value, done } = await this.#stdout.read();
      if (done) break;
      this.#text += value;
    }
    return this.#text;
  }

  /** Waits for its end. */
  async ended(): Promise<Ran> {
    const stdout = await this.said();
    const { code, signal } = await this.child.status;
    return { code, signal, stdout, stderr: await this.#stderr };
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Runs a program to its end. */
export async function run(text: string, flags?: string[], args?: string[]): Promise<Ran> {
  await using program = new Program(text, flags, args);
  return await program.ended();
}
