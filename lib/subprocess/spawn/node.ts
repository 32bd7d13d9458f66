/**
 * Starts a child with `node:child_process`, where Deno.Command cannot do it: it tells the
 * descriptors of the pipes, which a blocked thread needs to read them itself, and can give a child
 * an open descriptor, such as the end of another child's pipe. It asks for `--allow-env`, as Node
 * does, and for `--allow-run` in full: Node's kill() works once and closes the input, so signals go
 * by the pid.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { builtin, fileURLToPath } from "../../core/node.ts";
import { mayMap } from "../../memory/platform/mod.ts";
import type {
  Bytes,
  CommandPlan,
  ReadEnd,
  SpawnedProgram,
  StdioTarget,
  WriteEnd,
} from "../stdio/stdio.ts";
import { nextNumbers } from "../sync_io.ts";
import { isRunning, nodeStatusOf } from "./node_status.ts";

/** True if this way is open. */
export function mayUseNode(): boolean {
  return Deno.build.os !== "windows" &&
    Deno.permissions.querySync({ name: "env" }).state === "granted" &&
    Deno.permissions.querySync({ name: "run" }).state === "granted";
}

/** True if a child can be given the end of another's pipe so that nothing else keeps it open. */
export function mayHandOver(): boolean {
  return mayUseNode() && mayMap();
}

/** Starts a child; undefined when it cannot be started, without the reason. */
export function nodeSpawn(plan: CommandPlan): SpawnedProgram | undefined {
  const { cwd } = plan;
  // Node's flags in the arguments of Deno itself would be translated: under another spelling they
  // stay.
  const program = plan.program === Deno.execPath() ? `/${plan.program}` : plan.program;
  const [stdio, copies] = stdioOf([plan.stdin, plan.stdout, plan.stderr]);
  const child = builtin("child_process").spawn(program, plan.args, {
    ...(cwd === undefined ? {} : { cwd: cwd instanceof URL ? fileURLToPath(cwd) : cwd }),
    env: environmentOf(plan),
    // deno-lint-ignore no-explicit-any -- streams and descriptors, as Node allows them
    stdio: stdio as any,
    detached: plan.detached,
  });
  child.on("error", () => {});
  if (child.pid === undefined) return undefined;
  const pipes = child.stdio as (Writable | null)[];
  for (const copy of copies) pipes[copy]?.destroy();
  const status = nodeStatusOf(child);
  return {
    pid: child.pid,
    status,
    stdin: plan.stdin === "piped" ? new NodeWriteEnd(child.stdin!) : null,
    stdout: plan.stdout === "piped" ? new NodeReadEnd(child.stdout!) : null,
    stderr: plan.stderr === "piped" ? new NodeReadEnd(child.stderr!) : null,
    hasDescriptors: true,
    kill: (signal) => killChild(child, signal),
    unref() {
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) {
        (stream as Socket | null)?.unref();
      }
    },
  };
}

function environmentOf({ env, extendsEnv }: CommandPlan): Record<string, string> {
  if (env !== undefined && !extendsEnv) return env;
  return { ...Deno.env.toObject(), ...env };
}

/**
 * The streams as Node takes them.
 *
 * Deno gives a child a copy of a descriptor, and forgets to close what it has copied: the child
 * would have it open under another number too, and hand that on to its own children. So something
 * else is put there: the end of a pipe whose other end is then closed.
 */
function stdioOf(streams: StdioTarget[]): [stdio: unknown[], copies: number[]] {
  const stdio: unknown[] = streams.map((stream) => {
    if (typeof stream === "object") return stream.stream;
    if (stream === "piped") return "pipe";
    return stream === "null" ? "ignore" : stream;
  });
  const [given] = streams.map((stream) => typeof stream === "object" ? stream.fd : stream)
    .filter((fd) => typeof fd === "number");
  // For those that it inherits Deno makes copies as well, which it closes.
  const copies = given !== undefined && mayMap() ? nextNumbers(given, streams.length) : [];
  for (const copy of copies) {
    while (stdio.length < copy) stdio.push("inherit");
    stdio[copy] = "pipe";
  }
  return [stdio, copies];
}

function killChild(child: ChildProcess, signal: Deno.Signal): void {
  if (!isRunning(child)) return;
  try {
    Deno.kill(child.pid!, signal);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}

/**
 * The descriptor of a pipe; undefined once it is closed.
 *
 * @throws {Error} This Deno does not tell it.
 */
export function descriptorOf(stream: unknown): number | undefined {
  const { _handle: handle } = stream as { _handle?: { fd?: unknown } | null };
  if (handle === null) return undefined;
  const fd = handle?.fd;
  if (typeof fd !== "number") {
    throw new Error(
      "Cannot use a pipe's file descriptor: this version of Deno does not tell it (_handle.fd of " +
        "its node:net); use the awaiting form",
    );
  }
  return fd < 0 ? undefined : fd;
}

class NodeReadEnd implements ReadEnd {
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

class NodeWriteEnd implements WriteEnd {
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
