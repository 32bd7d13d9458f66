/**
 * Every error class of the toolkit. The public face is `lib/errors.ts`.
 *
 * @module
 */

/** A waiting call ran out of time: `result()`, `send()`, `recv()`, `map()` and their like. */
export class TimeoutError extends Error {
  /** The class\'s name. */
  override name = "TimeoutError";
}

/** A wait that could never end: the report says who holds what and who waits for whom. */
export class DeadlockError extends Error {
  /** The class\'s name. */
  override name = "DeadlockError";
}

/** A barrier was aborted, reset or left by one of its parties, so that it will not open. */
export class BrokenBarrierError extends Error {
  /** The class\'s name. */
  override name = "BrokenBarrierError";
}

/** A queue had nothing to give in time. */
export class Empty extends Error {
  /** The class\'s name. */
  override name = "Empty";
}

/** A queue had no room in time. */
export class Full extends Error {
  /** The class\'s name. */
  override name = "Full";
}

/** A queue has been shut down: nothing goes in, or nothing comes out any more. */
export class ShutDown extends Error {
  /** The class\'s name. */
  override name = "ShutDown";
}

/** The other end of a connection is closed, and all that it sent has been received. */
export class EOFError extends Error {
  /** The class\'s name. */
  override name = "EOFError";
}

/**
 * A value cannot cross to another thread or process. The message names its place in the
 * arguments, as in `args[0].lock`, and what to use instead where there is something.
 */
export class ShareError extends TypeError {
  /** The class\'s name. */
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
  /** The class\'s name. */
  override name = "BootstrapError";
}

/** Thrown inside a thread that `terminate()` woke from a wait, and by its `result()`. */
export class ThreadTerminated extends Error {
  /** The class\'s name. */
  override name = "ThreadTerminated";
}

/** What ended a worker that gave no result. */
export interface WorkerLoss {
  /** The exit code, `-SIG` for a signal, or null when there is none. */
  exitcode: number | null;
  /** The signal that ended it, or null. */
  signal: string | null;
}

/** A thread or process ended before it gave the result of its task. */
export class WorkerLostError extends Error {
  /** The class\'s name. */
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

/**
 * Thrown by `os.exit()`: `finally` blocks run on its way up, then it ends the thread, the child or
 * the program that threw it.
 */
export class SystemExit extends Error {
  /** The class\'s name. */
  override name = "SystemExit";
  /** The exit code, or what is to be printed on stderr before ending with code 1. */
  readonly code: unknown;

  /** Creates the error; use `os.exit()` instead. */
  constructor(code: unknown = 0) {
    super(`exit(${String(code)})`);
    this.code = code;
  }
}
