/**
 * Starts a child with `node:child_process`, where Deno.Command cannot do it: it tells the descriptors
 * of the pipes, which a blocked thread needs to read them itself, and can give a child an open
 * descriptor, such as the end of another child's pipe. It asks for `--allow-env`, as Node does, and for
 * `--allow-run` in full: Node's kill() works once and closes the input, so signals go by the pid.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Readable, Writable } from "node:stream";
import { signalNumber } from "../core/signals.ts";
import type { Bytes, Plan, Sink, Source, Spawned, Stdio } from "./ends.ts";

/** Whether this way is open. */
export function mayUseNode(): boolean {
  return Deno.build.os !== "windows" &&
    Deno.permissions.querySync({ name: "env" }).state === "granted" &&
    Deno.permissions.querySync({ name: "run" }).state === "granted";
}

/** Starts a child; undefined when it cannot be started, without the reason. */
export function nodeSpawn(plan: Plan): Spawned | undefined {
  const { cwd } = plan;
  // Node's flags in the arguments of Deno itself would be translated: under another spelling they stay.
  const program = plan.program === Deno.execPath() ? `/${plan.program}` : plan.program;
  const child = spawn(program, plan.args, {
    ...(cwd === undefined ? {} : { cwd: cwd instanceof URL ? fileURLToPath(cwd) : cwd }),
    env: plan.env ?? Deno.env.toObject(),
    // deno-lint-ignore no-explicit-any -- streams and descriptors, as Node allows them
    stdio: [plan.stdin, plan.stdout, plan.stderr].map(stdioOf) as any,
    detached: plan.detached,
  });
  child.on("error", () => {});
  if (child.pid === undefined) return undefined;
  return {
    pid: child.pid,
    status: statusOf(child),
    stdin: plan.stdin === "piped" ? new NodeSink(child.stdin!) : null,
    stdout: plan.stdout === "piped" ? new NodeSource(child.stdout!) : null,
    stderr: plan.stderr === "piped" ? new NodeSource(child.stderr!) : null,
    hasDescriptors: true,
    kill: (signal) => killChild(child, signal),
    ref: () => child.ref(),
    unref: () => child.unref(),
  };
}

function stdioOf(stdio: Stdio): unknown {
  if (typeof stdio === "object") return stdio.stream;
  if (stdio === "piped") return "pipe";
  return stdio === "null" ? "ignore" : stdio;
}

function statusOf(child: ChildProcess): Promise<Deno.CommandStatus> {
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      resolve({
        success: code === 0,
        code: code ?? 128 + signalNumber(signal!),
        signal: signal as Deno.Signal | null,
      });
    });
  });
}

function killChild({ pid, exitCode, signalCode }: ChildProcess, signal: Deno.Signal): void {
  // Once it has been reaped its number may be another's.
  if (exitCode !== null || signalCode !== null) return;
  try {
    Deno.kill(pid!, signal);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}

function descriptorOf(stream: unknown): number | undefined {
  const fd = (stream as { _handle?: { fd?: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

class NodeSource implements Source {
  readonly stream: Readable;
  #wake: () => void = () => {};

  constructor(stream: Readable) {
    this.stream = stream;
    // As long as somebody listens for this, Node does not throw away what is unread at the exit.
    for (const event of ["readable", "end", "close", "error"]) stream.on(event, () => this.#wake());
  }

  get fd(): number | undefined {
    return descriptorOf(this.stream);
  }

  readNow(): Bytes | null {
    const chunk = this.stream.read() as Bytes | null;
    return chunk === null ? null : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
  }

  async read(): Promise<Bytes | null> {
    for (;;) {
      const chunk = this.readNow();
      if (chunk !== null) return chunk;
      if (this.stream.readableEnded || this.stream.destroyed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  cancel(): void {
    this.stream.destroy();
  }
}

class NodeSink implements Sink {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Told to who writes.
    stream.on("error", () => {});
  }

  get fd(): number | undefined {
    return descriptorOf(this.#stream);
  }

  async write(bytes: Bytes): Promise<void> {
    const error = await new Promise<Error | null | undefined>((resolve) => {
      this.#stream.write(bytes, resolve);
    });
    if (error) {
      const { message } = error;
      throw new Deno.errors.BrokenPipe(`Cannot write to the program: ${message}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.end(resolve));
    stream.destroy();
  }
}
