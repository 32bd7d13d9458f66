/**
 * The actions of this thread at each signal.
 *
 * A signal's entry: absent (`SIG_DFL`, and nobody to abort) -> `SIG_IGN`, a handler, aborts ->
 * absent. One listener of Deno's stands for the entry as long as there is one: with no listener in
 * any thread the system's default takes its course. A thread that ends takes its listeners with it.
 * Who is to be aborted is told beside the handler, whatever that is, and leaves it as it is.
 *
 * Deno's own thread chooses between listener and default some time after the signal has come. An
 * entry does not go before that has been done with a signal that this thread has just sent to
 * itself.
 *
 * @module
 */
import { forgetEnds } from "../child/ended_children.ts";
import { hear, rings } from "../child/thread/alarm_clock.ts";
import { show } from "../core/checks.ts";
import type { Signal } from "../core/signals.ts";
import { checkSignalName } from "./named.ts";

/** Takes no notice of the signal. */
export const SIG_IGN: unique symbol = Symbol("SIG_IGN");

/** Does what the system does: for most signals, ends the process. */
export const SIG_DFL: unique symbol = Symbol("SIG_DFL");

/** A function that is called with the name of the signal that has come. */
export type Handler = (sig: Signal) => unknown;

/** The action at a signal. */
export type Disposition = Handler | typeof SIG_IGN | typeof SIG_DFL;

interface Entry {
  disposition: Disposition;
  /** Who is told besides. */
  aborts: Set<(sig: Signal) => void>;
  /** Takes Deno's listener back. */
  ignore: () => void;
  /**
   * The number of times that this thread has sent the signal since it was delivered: several may
   * come as one.
   */
  raised: number;
  /** When it did so last. */
  raisedAt: number;
  /** Holds the program open meanwhile. */
  hold: ReturnType<typeof setTimeout> | undefined;
}

const entries = new Map<Signal, Entry>();
/** Whose wait a handled signal ends: see `pause()`. */
export const pausing: Set<{ resolve: (sig: Signal) => void; reject: (error: unknown) => void }> =
  new Set();
/** The time that Deno's thread may take to see a signal, in ms. */
const SEEN = 50;
/**
 * The time that the program is held open for one, in ms; what has come with another is not
 * delivered.
 */
const DELIVERED = 100;
let hasWarned = false;

/**
 * Sets what this thread does at a signal from now on: calls a function, ignores it, or what the
 * system does.
 *
 * Reach for it to end in good order at SIGTERM, to read a configuration anew at SIGHUP, or to
 * survive Ctrl-C. A handler is called from the event loop, once the code that runs has paused: code
 * that never pauses is not interrupted. An error that it throws is an uncaught error, unless
 * {@linkcode pause} waits. A handler keeps no program alive.
 *
 * **Not as in Python**: any thread may call it, each for itself, and a signal is told to every
 * thread that has a handler; the system's default applies while none has one. SIGINT has no handler
 * at first. Children begin with the system's defaults, also where this process ignores a signal. A
 * signal whose handler is taken back before it was called is dropped.
 *
 * SIGKILL and SIGSTOP can be handled by nobody; SIGSEGV, SIGILL and SIGFPE not on Deno. SIGUSR1
 * opens Deno's debugger, whoever listens (Deno 2.9.2 and later): use SIGUSR2. `signal("SIGCHLD",
 * SIG_IGN)` is accepted: Deno reaps its children in any case, and `os.wait()` is then told of none
 * of them, as POSIX has it. On Windows there are only SIGINT, SIGBREAK and SIGHUP, and the SIGALRM
 * of {@linkcode alarm}.
 *
 * *Permissions*: none.
 *
 * @param sig The signal's name or number.
 * @param handler A function, {@linkcode SIG_IGN} or {@linkcode SIG_DFL}.
 * @returns What was set before in this thread.
 * @throws {TypeError} There is no such signal, it cannot be handled, or `handler` is none.
 * @throws {RangeError} No signal has that number.
 * @throws {Deno.errors.NotSupported} Windows does not have it.
 *
 * @example Count the SIGUSR2
 * ```ts
 * import { pause, raiseSignal, signal } from "@switchyard/switchyard/signal";
 *
 * let count = 0;
 * const previous = signal("SIGUSR2", () => count++);
 * raiseSignal("SIGUSR2");
 * console.log(await pause(), count); // SIGUSR2 1
 * signal("SIGUSR2", previous);
 * ```
 */
export function signal(sig: Signal | number, handler: Disposition): Disposition {
  const name = checkSignalName(sig, "set the handler");
  if (typeof handler !== "function" && handler !== SIG_IGN && handler !== SIG_DFL) {
    throw new TypeError(
      `Cannot set the handler of ${name}: handler must be a function, SIG_IGN or SIG_DFL, ` +
        `received ${show(handler)}`,
    );
  }
  if (name === "SIGKILL" || name === "SIGSTOP") {
    throw new TypeError(`Cannot set the handler of ${name}: the system lets nobody handle it`);
  }
  const previous = getsignal(name);
  if (handler === SIG_DFL) remove(name);
  else set(name, handler);
  if (name === "SIGCHLD") forgetEnds(handler === SIG_IGN);
  return previous;
}

/**
 * The action of this thread at a signal.
 *
 * @param sig Its name or number.
 * @throws {TypeError | RangeError} There is no such signal.
 */
export function getsignal(sig: Signal | number): Disposition {
  const entry = entries.get(checkSignalName(sig, "get the handler"));
  return entry?.disposition ?? SIG_DFL;
}

/**
 * Has somebody told of a signal, whatever else is done at it.
 *
 * @returns What ends that.
 * @throws {TypeError} Deno does not let it be handled.
 */
export function listen(name: Signal, tell: (sig: Signal) => void): () => void {
  const { aborts } = entryOf(name);
  aborts.add(tell);
  return () => {
    if (aborts.delete(tell)) tidy(name);
  };
}

function set(name: Signal, disposition: Handler | typeof SIG_IGN): void {
  entryOf(name).disposition = disposition;
}

/** The entry of a signal, from now on listened to. */
function entryOf(name: Signal): Entry {
  const known = entries.get(name);
  if (known !== undefined) return known;
  let ignore: () => void;
  try {
    ignore = hearSignal(name, () => deliver(name));
  } catch (cause) {
    if (Deno.build.os === "windows") {
      throw new Deno.errors.NotSupported(
        `Cannot set the handler of ${name}: Windows does not have this signal`,
        { cause },
      );
    }
    throw new TypeError(`Cannot set the handler of ${name}: Deno keeps it for itself`, { cause });
  }
  const entry: Entry = {
    disposition: SIG_DFL,
    aborts: new Set(),
    ignore,
    raised: 0,
    raisedAt: 0,
    hold: undefined,
  };
  entries.set(name, entry);
  if (name === "SIGUSR1") warn();
  return entry;
}

function remove(name: Signal): void {
  const entry = entries.get(name);
  if (entry === undefined) return;
  entry.disposition = SIG_DFL;
  tidy(name);
}

/** Lets an entry go that is for nobody any more. */
function tidy(name: Signal): void {
  const entry = entries.get(name);
  if (entry === undefined || entry.disposition !== SIG_DFL || entry.aborts.size > 0) return;
  const left = entry.raised === 0 ? 0 : entry.raisedAt + SEEN - performance.now();
  if (left > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, left);
  clearTimeout(entry.hold);
  entries.delete(name);
  entry.ignore();
}

/** Has `listener` called at each signal of a name; gives what ends that. */
function hearSignal(name: Signal, listener: () => void): () => void {
  if (name === "SIGALRM" && rings) return hear(listener);
  Deno.addSignalListener(name, listener);
  return () => Deno.removeSignalListener(name, listener);
}

/**
 * Notes that this thread sends itself a signal: the program does not end before its handler was
 * called.
 */
export function noteRaised(name: Signal): void {
  const entry = entries.get(name);
  if (entry === undefined) return;
  entry.raised++;
  entry.raisedAt = performance.now();
  clearTimeout(entry.hold);
  const isTold = entry.disposition !== SIG_IGN || entry.aborts.size > 0;
  if (isTold) entry.hold = setTimeout(() => {}, DELIVERED);
}

function warn(): void {
  if (hasWarned) return;
  hasWarned = true;
  console.warn(
    "Warning: SIGUSR1 opens Deno's debugger on 127.0.0.1:9229, whoever listens; use SIGUSR2",
  );
}

/**
 * Tells whom it aborts, calls the handler, and then ends the waits of `pause()`: with its error, if
 * it throws.
 */
function deliver(name: Signal): void {
  // Read anew: an earlier listener may have changed it.
  const entry = entries.get(name);
  if (entry === undefined) return;
  if (entry.raised > 0) entry.raised--;
  clearTimeout(entry.hold);
  for (const tell of [...entry.aborts]) tell(name);
  if (typeof entry.disposition === "function") call(entry.disposition, name);
}

function call(handler: Handler, name: Signal): void {
  const waits = [...pausing];
  pausing.clear();
  try {
    handler(name);
  } catch (error) {
    // An error thrown here would end Deno's loop of this signal.
    if (waits.length === 0) reportError(error);
    for (const { reject } of waits) reject(error);
    return;
  }
  for (const { resolve } of waits) resolve(name);
}
