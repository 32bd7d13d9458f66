/**
 * The command line in a process of its own, and callers that are killed.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A program that runs, with the lines that it prints. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #reading: Promise<void>;
  #heard = () => {};
  stderr = "";

  /** @param within What runs it, as in `ip netns exec name`. */
  constructor(args: string[], env: Record<string, string> = {}, within: string[] = []) {
    const [program, ...before] = [...within, Deno.execPath()];
    this.#child = new Deno.Command(program!, {
      args: [...before, "run", "-A", "--no-check", ...args],
      cwd: root,
      env: { NO_COLOR: "1", ...env },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([this.#readLines(), this.#readErrors()]).then(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  async #readLines(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#heard();
    }
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
    }
  }

  /** Waits for a line that matches. */
  async line(pattern: RegExp): Promise<string> {
    for (let seen = 0;;) {
      const heard = new Promise<void>((resolve) => this.#heard = resolve);
      while (seen < this.#lines.length) {
        const line = this.#lines[seen++]!;
        if (pattern.test(line)) return line;
      }
      await Promise.race([
        heard,
        this.#reading.then(() => {
          if (seen < this.#lines.length) return;
          throw new Error(`it has ended without a line ${pattern}: ${this.stderr}`);
        }),
      ]);
    }
  }

  kill(signal: Deno.Signal = "SIGKILL"): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended.
    }
  }

  /** Waits for its end. */
  async end(): Promise<{ code: number; lines: string[]; stderr: string }> {
    const { code } = await this.#child.status;
    await this.#reading;
    return { code, lines: this.#lines, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.end();
  }
}

/** Runs the command line. */
export function cli(args: string[], env?: Record<string, string>): Program {
  return new Program(["lib/cli.ts", ...args], env);
}

/** A worker of a queue, once it serves. */
export async function workerOf(queue: string, url: string, ...more: string[]): Promise<Program> {
  const worker = cli(["worker", queue, "--url", url, "--root", root, "--json", ...more]);
  await worker.line(/"serving"/);
  return worker;
}
