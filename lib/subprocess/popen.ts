/**
 * A program that runs, as its starter sees it.
 *
 * Life of a Popen: the constructor starts it, or throws -> it *runs* -> it *ends*, and Deno reaps
 * it: its return code is known, its input is closed, and what it had left in its pipes is read
 * ahead. Who goes when:
 *
 * - the program ends early: writes fail with BrokenPipe, which `communicate()` swallows; reads go
 *   to the end;
 * - it closes a stream and lives on: the same for that stream; `wait()` waits on;
 * - descendants keep a pipe open after it has ended: `wait()` returns, `communicate()` waits for
 *   the pipe;
 * - a wait is given up (timeout, abort): the program runs on, and what was collected stays;
 * - this thread is blocked: nothing is reaped or read by the event loop, so the Sync calls ask the
 *   kernel;
 * - this program ends: by itself it does so when its children have ended, but for those of which it
 *   was told not to wait (`unref()`): these run on, as all do after `Deno.exit()`, without a reader
 *   of their pipes.
 *
 * @module
 */
import { adopt, type Adopted } from "../child/ended_children.ts";
import { checkBoolean, checkOptions, show } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { reached } from "../core/promises.ts";
import { exitcodeOf, signalName, Signals } from "../core/signals.ts";
import { checkWait } from "../sync/options.ts";
import { checkBlocking, communicateSync, endSync, look } from "./sync_wait.ts";
import { type Args, checkArgs, planOf } from "./command.ts";
import { checkGrace, checkSignalOf, endAll, type Ending } from "./ending.ts";
import type { SpawnedProgram } from "./stdio/stdio.ts";
import { Hold } from "./hold.ts";
import {
  checkProgram,
  type EndOf,
  type Input,
  type KillOptions,
  type OutputOf,
  type PopenOptions,
  type PopenWaitOptions,
  type PopenWaitSyncOptions,
  type StopOptions,
  streamOf,
  textModeOf,
} from "./options.ts";
import type { PipeReader } from "./stdio/pipe_reader.ts";
import type { PipeWriter } from "./stdio/pipe_writer.ts";
import { Pipes } from "./stdio/pipes.ts";
import { copyOf, expired, overflowed } from "./result.ts";
import { start } from "./spawn/spawn.ts";
import { checkTree, Tree } from "./tree.ts";

/** The result of `communicate()`: stdout and stderr, each null unless it is a pipe. */
export type Communicated<O> = [
  stdout: EndOf<O, "stdout", OutputOf<O>>,
  stderr: EndOf<O, "stderr", OutputOf<O>>,
];

/**
 * A running program.
 *
 * Reach for it when you want to talk with a program, follow its output or stop it; to run one to
 * its end, {@linkcode run} is shorter. The constructor starts it. Arguments are handed over as they
 * are: no shell looks at them, unless `shell: true` asks for one.
 *
 * Children stay in this program's process group, so Ctrl-C reaches them too, unless `detached`.
 *
 * *Permissions*: `--allow-run`. The Sync calls also need `--allow-ffi` and `--allow-env`,
 * `--allow-run` without a list, and Linux; handing an open descriptor to the program needs
 * `--allow-env` and `--allow-run` without a list, and handing it another's stdout is quicker with
 * them.
 *
 * *Cancellation*: an abort of `wait()` or `communicate()` abandons the wait alone.
 *
 * @typeParam O The options, which say which streams are pipes.
 *
 * @example Two programs, joined
 * ```ts
 * import { PIPE, Popen } from "@switchyard/switchyard/subprocess";
 *
 * const first = new Popen(["printf", "b\\na\\n"], { stdout: PIPE });
 * const second = new Popen(["sort"], { stdin: first.stdout, stdout: PIPE, text: true });
 * const [sorted] = await second.communicate();
 * await first.wait();
 * console.log(sorted); // a, b
 * ```
 */
// deno-lint-ignore no-explicit-any -- when its options are not known, every stream may be a pipe
export class Popen<const O extends PopenOptions = any> implements Disposable, AsyncDisposable {
  /** The program and its arguments, as they were given. */
  readonly args: string | string[];
  /** Its process number. */
  readonly pid: number;
  /** Its input, if it is a pipe, else null. */
  readonly stdin: EndOf<O, "stdin", PipeWriter>;
  /** Its output, if it is a pipe, else null. */
  readonly stdout: EndOf<O, "stdout", PipeReader<OutputOf<O>>>;
  /** Its error output, if it is a pipe of its own, else null. */
  readonly stderr: EndOf<O, "stderr", PipeReader<OutputOf<O>>>;
  readonly #child: SpawnedProgram;
  readonly #adopted: Adopted;
  readonly #pipes: Pipes;
  readonly #isDetached: boolean;
  readonly #ended: Promise<void>;
  readonly #hold = new Hold();
  #returncode: number | null = null;

  /**
   * Starts the program.
   *
   * @param args The program and its arguments; a string is the name of the program alone, or with
   * `shell` the script. With `shell` and an array the first is the script, the others are its `$0`,
   * `$1`, …
   * @throws {TypeError} An argument or option is of the wrong type.
   * @throws {Deno.errors.NotFound} There is no such program, or no such folder.
   * @throws {Deno.errors.NotCapable} A permission is missing; the message names the flag.
   */
  constructor(args: Args, options?: O) {
    const action = "start a program";
    const given: PopenOptions = options ?? {};
    const list = checkArgs(args, action);
    checkProgram(given, action);
    const child = start(planOf(list, given, action), true);
    this.args = copyOf(args);
    this.pid = child.pid;
    this.#child = child;
    this.#isDetached = given.detached ?? false;
    const pipes = new Pipes(child, textModeOf(given), this.#hold);
    this.stdin = pipes.stdin as typeof this.stdin;
    this.stdout = pipes.stdout as typeof this.stdout;
    this.stderr = pipes.stderr as typeof this.stderr;
    this.#pipes = pipes;
    this.#adopted = adopt(child.pid, child.status);
    this.#ended = child.status.then((status) => {
      this.#returncode ??= exitcodeOf(status);
      pipes.settle();
    });
    // What is to keep this program alive is kept here, so that unref() has a say in all of it.
    child.unref();
    this.#hold.during(this.#ended);
  }

  /**
   * Its exit code, or `-SIG` when a signal killed it; null as long as nobody has learned of its
   * end.
   */
  get returncode(): number | null {
    return this.#returncode;
  }

  /** Looks whether it has ended: its return code, or null. */
  poll(): number | null {
    this.#returncode ??= look(this.pid);
    if (this.#returncode !== null) this.#adopted.collect();
    return this.#returncode;
  }

  /**
   * Waits until it has ended. A program with a full pipe that nobody reads never does: see
   * {@linkcode communicate}.
   *
   * @returns Its exit code, or `-SIG` when a signal killed it.
   * @throws {TimeoutExpired} The timeout ended first; the program runs on.
   */
  async wait(options?: PopenWaitOptions): Promise<number> {
    const timeout = checkWait(options, "wait for the program");
    const isEnded = await this.#reached(this.#ended, timeout, options);
    if (!isEnded) throw expired(this.args, timeout);
    this.#adopted.collect();
    return this.#returncode!;
  }

  /**
   * As {@linkcode wait}, but blocks the calling thread.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  waitSync(options?: PopenWaitSyncOptions): number {
    const timeout = checkWait(options, "wait for the program");
    if (this.#returncode === null) {
      checkBlocking("wait for");
      const code = this.#endSync(performance.now() + timeout);
      if (code === null) throw expired(this.args, timeout);
    }
    this.#adopted.collect();
    return this.#returncode!;
  }

  /**
   * Gives it `input`, closes its input, and reads all that it writes, to its end. However much that
   * is in either direction, nobody waits for the other: this is the way to talk with a program that
   * reads and writes. When the wait is given up, call it again without input to go on: nothing is
   * lost.
   *
   * @param input Text, bytes, a ReadableStream or an open Deno.FsFile; needs `stdin: PIPE`.
   * @returns What it wrote to stdout and stderr, null where that is no pipe.
   * @throws {TimeoutExpired} The timeout ended first, with what was read; the program runs on.
   * @throws {RangeError} It wrote more than can be kept (see `maxOutput` of {@linkcode run}); with
   * what can.
   */
  async communicate(input?: Input, options?: PopenWaitOptions): Promise<Communicated<O>> {
    const timeout = checkWait(options, "communicate");
    const communication = this.#pipes.communicate(input, this.#ended);
    const all = Promise.all([communication.run(), this.#ended]);
    if (!await this.#reached(all, timeout, options)) {
      throw expired(this.args, timeout, this.#pipes.said(true));
    }
    this.#adopted.collect();
    return this.#communicated();
  }

  /**
   * As {@linkcode communicate}, but blocks the calling thread.
   *
   * @throws {TypeError} The input is a stream, which a blocked thread cannot read.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`, `--allow-env` or all of `--allow-run`.
   */
  communicateSync(
    input?: string | Uint8Array | ArrayBuffer,
    options?: PopenWaitSyncOptions,
  ): Communicated<O> {
    const timeout = checkWait(options, "communicate");
    const action = "communicate and block";
    if (streamOf(input) !== undefined) {
      throw new TypeError(
        `Cannot ${action}: input must be text or bytes, received ${show(input)}`,
      );
    }
    const child = this.#child;
    const hasPipes = (child.stdin ?? child.stdout ?? child.stderr) !== null;
    checkBlocking("communicate with", !hasPipes || child.hasDescriptors);
    const communication = this.#pipes.communicate(input, this.#ended);
    if (
      communication.isStreamed ||
      communication.isRunning && (communication.pending?.length ?? 0) > 0
    ) {
      throw new Error(`Cannot ${action}: an awaiting communicate() is still writing the input`);
    }
    const deadline = performance.now() + timeout;
    if (!communicateSync(communication, deadline) || this.#endSync(deadline) === null) {
      throw expired(this.args, timeout, this.#pipes.said(true));
    }
    this.#adopted.collect();
    return this.#communicated();
  }

  /**
   * Sends it a signal, by name or number; nothing happens once it has ended.
   *
   * @throws {TypeError} There is no such signal.
   */
  sendSignal(signal: Deno.Signal | number): void {
    const name = typeof signal === "number" ? signalName(signal) : signal;
    if (!Object.hasOwn(Signals, name)) {
      throw new TypeError(
        `Cannot send a signal: there is none of that name, received ${show(signal)}`,
      );
    }
    if (this.poll() === null) this.#child.kill(name);
  }

  /** Asks it to end, with SIGTERM. */
  terminate(): void {
    this.sendSignal("SIGTERM");
  }

  /**
   * Ends it at once, with SIGKILL.
   *
   * @throws {Deno.errors.NotCapable} `tree` without `--allow-run` in full.
   */
  kill(options?: KillOptions): void {
    const action = "kill the program";
    checkOptions(options, action);
    checkBoolean(options?.tree, "tree", action);
    if (options?.tree) {
      checkTree(action);
      this.#killTree();
    }
    this.sendSignal("SIGKILL");
  }

  /**
   * Ends it in good order: asks it to end, waits, and kills it when its time of grace is over.
   * Nothing is read meanwhile: a program that is stuck in a full pipe when it says its last words
   * is killed then.
   *
   * With `tree` its descendants are asked too, and what is left of them is killed.
   *
   * @returns Its exit code, or `-SIG` when a signal killed it.
   * @throws {Deno.errors.NotCapable} `tree` without `--allow-run` in full.
   *
   * @example Stop a server
   * ```ts
   * import { Popen } from "@switchyard/switchyard/subprocess";
   *
   * const server = new Popen(["sleep", "60"]);
   * console.log(await server.stop({ grace: 2000 })); // -15: ended by SIGTERM
   * ```
   */
  async stop(options?: StopOptions): Promise<number> {
    const action = "stop the program";
    checkOptions(options, action);
    checkBoolean(options?.tree, "tree", action);
    const ending: Ending = {
      signal: checkSignalOf(options?.signal ?? "SIGTERM", "signal", action),
      grace: checkGrace(options?.grace, action),
      tree: options?.tree ?? false,
      isGroup: this.#isDetached,
    };
    if (ending.tree) checkTree(action);
    if (this.poll() === null) await this.#hold.during(endAll([this.#child], ending));
    else if (ending.tree) this.#killTree();
    return await this.wait();
  }

  /**
   * From now on nothing of it keeps this program alive: neither that it runs, nor a wait for it or
   * its pipes. It runs on when this program has ended; what it then writes to a pipe of this
   * program kills it (SIGPIPE), unless it ignores that. Input that is still being written is waited
   * for.
   */
  unref(): void {
    this.#hold.unref();
  }

  /** Undoes {@linkcode unref}. */
  ref(): void {
    this.#hold.ref();
  }

  /** Closes the pipes and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#pipes.close();
    await this.wait();
  }

  /** As the async form, but blocks. */
  [Symbol.dispose](): void {
    this.#pipes.close();
    this.waitSync();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      // The kernel is not asked: showing it must not be what tells of its end.
      const { returncode } = this;
      return [`pid ${this.pid}`, returncode === null ? "running" : `returncode ${returncode}`];
    });
  }

  #reached(
    promise: Promise<unknown>,
    timeout: number,
    options: PopenWaitOptions | undefined,
  ): Promise<boolean> {
    return this.#hold.during(reached(promise, timeout, options?.signal, false));
  }

  #killTree(): void {
    // Once it has ended, nobody is its child any more; a group of its own still is.
    if (this.poll() !== null && !this.#isDetached) return;
    new Tree(this.pid, this.#isDetached).send("SIGKILL");
  }

  #communicated(): Communicated<O> {
    const { overflow } = this.#pipes;
    if (overflow !== undefined) {
      throw overflowed(this.args, overflow, undefined, this.#pipes.said(true));
    }
    const { stdout, stderr } = this.#pipes.said();
    return [stdout, stderr] as Communicated<O>;
  }

  #endSync(deadline: number): number | null {
    const code = endSync({ pid: this.pid, known: () => this.#returncode }, deadline);
    return this.#returncode ??= code;
  }
}
