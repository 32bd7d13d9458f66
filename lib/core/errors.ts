/**
 * Every error class of the toolkit. The public face is `lib/errors.ts`.
 *
 * @module
 */

/** A waiting call ran out of time: `result()`, `send()`, `recv()`, `map()` and their like. */
export class TimeoutError extends Error {
  /** The class's name. */
  override name = "TimeoutError";
}

/**
 * A wait that could never end: the report says who holds what and who waits for whom.
 *
 * @example Two threads that wait for each other
 * ```ts
 * import { Barrier, Lock, Thread } from "@switchyard/switchyard/threading";
 *
 * export function transfer(from: Lock, to: Lock, both: Barrier) {
 *   using _from = from.acquireSync();
 *   both.waitSync(); // each has one lock: now each wants the other
 *   using _to = to.acquireSync({ detectDeadlock: true });
 * }
 *
 * if (import.meta.main) {
 *   const [a, b] = [new Lock({ name: "A" }), new Lock({ name: "B" })];
 *   const both = new Barrier(2);
 *   const there = new Thread(transfer, { args: [a, b, both], name: "there" }).start();
 *   const back = new Thread(transfer, { args: [b, a, both], name: "back" }).start();
 *   await there.join();
 *   await back.join();
 *   // In one of them: DeadlockError: Deadlock: there holds 'A' and waits for 'B';
 *   // back holds 'B' and waits for 'A'
 * }
 * ```
 */
export class DeadlockError extends Error {
  /** The class's name. */
  override name = "DeadlockError";
}

/** A barrier was aborted, reset or left by one of its parties, so that it will not open. */
export class BrokenBarrierError extends Error {
  /** The class's name. */
  override name = "BrokenBarrierError";
}

/** A queue had nothing to give in time. */
export class Empty extends Error {
  /** The class's name. */
  override name = "Empty";
}

/** A queue had no room in time. */
export class Full extends Error {
  /** The class's name. */
  override name = "Full";
}

/** A queue has been shut down: nothing goes in, or nothing comes out any more. */
export class ShutDown extends Error {
  /** The class's name. */
  override name = "ShutDown";
}

/** The other end of a connection is closed, and all that it sent has been received. */
export class EOFError extends Error {
  /** The class's name. */
  override name = "EOFError";
}

/**
 * A value cannot cross to another thread or process. The message names its place in the
 * arguments, as in `args[0].lock`, and what to use instead where there is something.
 */
export class ShareError extends TypeError {
  /** The class's name. */
  override name = "ShareError";
  /** Where the value stands, as in `args[0].lock`. */
  readonly place: string;

  /** Creates the error for the value at `place`. */
  constructor(message: string, place: string) {
    super(message);
    this.place = place;
  }
}

/**
 * A thread or process was started while its own module was still being imported in a child: the
 * script's main part lacks the `import.meta.main` guard.
 */
export class BootstrapError extends Error {
  /** The class's name. */
  override name = "BootstrapError";
}

/** Thrown inside a thread that `terminate()` woke from a wait, and by its `result()`. */
export class ThreadTerminated extends Error {
  /** The class's name. */
  override name = "ThreadTerminated";
}

/** A call was cancelled before it gave a result. */
export class CancelledError extends Error {
  /** The class's name. */
  override name = "CancelledError";
}

/**
 * A pool can run nothing any more: its workers die before they are ready, or its initializer
 * throws.
 */
export class BrokenExecutor extends Error {
  /** The class's name. */
  override name = "BrokenExecutor";
}

/** The end of a worker that gave no result. */
export interface WorkerLoss {
  /** The exit code, `-SIG` for a signal, or null when there is none. */
  exitcode: number | null;
  /** The signal that ended it, or null. */
  signal: string | null;
}

/** A thread or process ended before it gave the result of its task. */
export class WorkerLostError extends Error {
  /** The class's name. */
  override name = "WorkerLostError";
  /** The exit code, `-SIG` for a signal, or null when it has none. */
  readonly exitcode: number | null;
  /** The signal that ended it, as in `"SIGKILL"`, or null. */
  readonly signal: string | null;

  /** Creates the error; `loss` defaults to an end without code or signal. */
  constructor(message: string, loss: WorkerLoss = { exitcode: null, signal: null }) {
    super(message);
    this.exitcode = loss.exitcode;
    this.signal = loss.signal;
  }
}

/** What is known of a broker that cannot be reached. */
export interface BrokerLoss {
  /** Its host, or its hosts; without user and password. */
  host: string;
  /** How often a connection was tried. */
  attempts: number;
  /** What the last attempt failed with. */
  cause?: unknown;
}

/**
 * A broker was out of reach for longer than the `patience` of what waited for it, or its connection
 * was closed meanwhile.
 */
export class BrokerLostError extends Error {
  /** The class's name. */
  override name = "BrokerLostError";
  /** The broker's host, or hosts; without user and password. */
  readonly host: string;
  /** How often a connection was tried. */
  readonly attempts: number;

  /** Creates the error; `loss.cause` is what the last attempt failed with. */
  constructor(message: string, { host, attempts, cause }: BrokerLoss) {
    super(message, cause === undefined ? undefined : { cause });
    this.host = host;
    this.attempts = attempts;
  }
}

/** Why a call was refused by those who serve it, as a `TaskRefusedError` tells it. */
export interface Refusal {
  /** Why, in words. */
  reason: string;
  /** What the caller has: the version of the target, and of Deno. */
  here: string;
  /** What the worker has; "" where it has nothing of the kind. */
  there: string;
}

/**
 * A call was refused by the worker on another machine that got it: it does not have the target, has
 * another text of it, or may not run it.
 */
export class TaskRefusedError extends Error {
  /** The class's name. */
  override name = "TaskRefusedError";
  /** Why, in words. */
  readonly reason: string;
  /** What the caller has: the version of the target, and of Deno. */
  readonly here: string;
  /** What the worker has; "" where it has nothing of the kind. */
  readonly there: string;

  /** Creates the error. */
  constructor(message: string, { reason, here, there }: Refusal) {
    super(message);
    this.reason = reason;
    this.here = here;
    this.there = there;
  }
}

/**
 * Thrown by `os.exit()`: `finally` blocks run on its way up, then it ends the thread, the child or
 * the program that threw it.
 */
export class SystemExit extends Error {
  /** The class's name. */
  override name = "SystemExit";
  /** The exit code, or what is to be printed on stderr before ending with code 1. */
  readonly code: unknown;

  /** Creates the error; use `os.exit()` instead. */
  constructor(code: unknown = 0) {
    super(`exit(${String(code)})`);
    this.code = code;
  }
}

/** A signal came that was to end what is going on: what `signal.abortOn()` aborts with. */
export class KeyboardInterrupt extends Error {
  /** The class's name. */
  override name = "KeyboardInterrupt";
  /** The signal, as in `"SIGINT"`. */
  readonly signal: string;

  /** Creates the error for a signal. */
  constructor(signal: string) {
    super(`${signal} has come`);
    this.signal = signal;
  }
}

/** The output of programs: bytes, text, or null when it was not captured. */
export type ProgramOutput = Uint8Array<ArrayBuffer> | string | null;

/** The output of a program until it failed or was given up. */
export interface Outputs {
  /** Its standard output until then, or null. */
  stdout: ProgramOutput;
  /** Its standard error until then, or null. */
  stderr: ProgramOutput;
}

/** The base of the errors about programs. */
export class SubprocessError extends Error {
  /** The class's name. */
  override name = "SubprocessError";
  /** The program and its arguments, or its string. */
  readonly cmd: string | string[];
  /** Its standard output until then, or null. */
  readonly stdout: ProgramOutput;
  /** Its standard error until then, or null. */
  readonly stderr: ProgramOutput;

  /** Creates the error for `cmd`. */
  constructor(message: string, cmd: string | string[], outputs: Partial<Outputs> = {}) {
    super(message);
    this.cmd = cmd;
    this.stdout = outputs.stdout ?? null;
    this.stderr = outputs.stderr ?? null;
  }

  /** As {@linkcode stdout}. */
  get output(): ProgramOutput {
    return this.stdout;
  }
}

/**
 * A program ended with a code other than 0. The message shows its arguments, all of them, and ends
 * with the end of its standard error: keep secrets out of both.
 */
export class CalledProcessError extends SubprocessError {
  /** The class's name. */
  override name = "CalledProcessError";
  /** Its exit code, or `-SIG` when it was killed by a signal. */
  readonly returncode: number;

  /** Creates the error for a program that ended with `returncode`. */
  constructor(
    message: string,
    cmd: string | string[],
    returncode: number,
    outputs?: Partial<Outputs>,
  ) {
    super(message, cmd, outputs);
    this.returncode = returncode;
  }
}

/**
 * A program took longer than it was given. What it had written by then is in the error. The message
 * shows its arguments: keep secrets out of them.
 */
export class TimeoutExpired extends SubprocessError {
  /** The class's name. */
  override name = "TimeoutExpired";
  /** The time it was given, in ms. */
  readonly timeout: number;

  /** Creates the error for a program that was given `timeout` ms. */
  constructor(
    message: string,
    cmd: string | string[],
    timeout: number,
    outputs?: Partial<Outputs>,
  ) {
    super(message, cmd, outputs);
    this.timeout = timeout;
  }
}

/** There is no such child, or its end has been told already: what POSIX calls ECHILD. */
export class ChildProcessError extends Error {
  /** The class's name. */
  override name = "ChildProcessError";
  /** As the system calls it. */
  readonly code = "ECHILD";
}
