/**
 * Ctrl-C in a program whose pools have work.
 *
 * The first says what is waited for, and lets the calls that run end; what no worker has begun is
 * cancelled, and maps take no more. The second ends the program at once. Without work Ctrl-C is
 * what it always is, and where the program has a handler of its own for SIGINT, or ignores it, that
 * alone decides.
 *
 * ```text
 *   no pool has work -> pools have work -> Ctrl-C: these are ending -> Ctrl-C: the program ends
 *         ^____________________|_______________________| (when their last calls have ended)
 * ```
 *
 * The exit code is 130 from then on, until the program goes on with other work or sets another. A
 * CancelledError of ours that nobody catches is told in one line: it is no fault of the program's.
 *
 * @module
 */
import { thisProcess } from "../child/context.ts";
import { CancelledError } from "../core/errors.ts";
import { self } from "../memory/this_thread.ts";

/** A pool, as far as Ctrl-C concerns it. */
export interface Interruptible {
  /**
   * Cancels what no worker has begun.
   *
   * @returns The number of calls that run.
   */
  interrupt(): number;
}

/** The exit code of an end by SIGINT, as of a shell. */
const INTERRUPTED = 130;

const { addSignalListener, removeSignalListener } = Deno;
/** The listeners for SIGINT that are not ours. */
const others: (() => void)[] = [];

// Deno does not say whether there are other listeners: so they are counted as they come and go.
Deno.addSignalListener = function (signal, handler) {
  addSignalListener(signal, handler);
  if (signal === "SIGINT") others.push(handler);
};
Deno.removeSignalListener = function (signal, handler) {
  removeSignalListener(signal, handler);
  if (signal !== "SIGINT") return;
  // One that goes while it is called has decided about this signal still.
  queueMicrotask(() => {
    const at = others.indexOf(handler);
    if (at >= 0) others.splice(at, 1);
  });
};

/** The pools that have work. */
const busy = new Set<Interruptible>();
/** Those of them whose last calls are waited for, since Ctrl-C was pressed. */
const ending = new Set<Interruptible>();
/** Called when there are none of those. */
const whenEnded: (() => void)[] = [];
/** The exit code before it was ours. */
let exitCode: number | undefined;
const ours = new WeakSet<object>();
let isWatched = false;

/** The error of what Ctrl-C has cancelled. */
export function interruption(message: string): CancelledError {
  const error = new CancelledError(message);
  // Where it was made says nothing to anybody.
  error.stack = String(error);
  ours.add(error);
  return error;
}

/**
 * Notes that a pool has work.
 *
 * @returns Called when it has none any more.
 */
export function holdInterrupts(pool: Interruptible): () => void {
  // Signals are the main thread's business; and a pool's worker does what its own pool says.
  if (!self().isMain || thisProcess().daemon) return () => {};
  if (busy.size === 0) addSignalListener("SIGINT", interrupt);
  busy.add(pool);
  if (!ending.has(pool)) goOn();
  return () => {
    if (busy.delete(pool) && busy.size === 0) removeSignalListener("SIGINT", interrupt);
    if (!ending.delete(pool) || ending.size > 0) return;
    for (const ended of whenEnded.splice(0)) ended();
  };
}

/** The program has other work, after Ctrl-C: how it ends is its own business again. */
function goOn(): void {
  if (exitCode !== undefined && Deno.exitCode === INTERRUPTED) Deno.exitCode = exitCode;
  exitCode = undefined;
}

function interrupt(): void {
  if (others.length > 0) return;
  if (ending.size > 0) Deno.exit(INTERRUPTED);
  exitCode ??= Deno.exitCode;
  Deno.exitCode = INTERRUPTED;
  watch();
  for (const pool of busy) ending.add(pool);
  let running = 0;
  for (const pool of [...busy]) running += pool.interrupt();
  if (running > 0) console.error(`waiting for ${running} running calls; Ctrl-C again ends at once`);
}

/** Watches for errors of ours that nobody catches. */
function watch(): void {
  if (isWatched) return;
  isWatched = true;
  addEventListener("unhandledrejection", (event) => uncaught(event, event.reason));
  addEventListener("error", (event) => uncaught(event, event.error));
}

async function uncaught(event: Event, error: unknown): Promise<void> {
  if (event.defaultPrevented || typeof error !== "object" || error === null) return;
  if (!ours.has(error)) return;
  event.preventDefault();
  if (ending.size > 0) await new Promise<void>((ended) => whenEnded.push(ended));
  console.error(String(error));
  Deno.exit(INTERRUPTED);
}
