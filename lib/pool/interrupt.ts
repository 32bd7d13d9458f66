/**
 * Ctrl-C in a program whose pools have work. The first lets the calls that run end: what waits is cancelled, the
 * pools close. The second ends the program at once. Without work Ctrl-C is what it always is.
 *
 * @module
 */
import { CancelledError } from "../core/errors.ts";
import { self } from "../memory/self.ts";

/** A pool, as far as Ctrl-C concerns it. */
export interface Interruptible {
  close(): void;
  cancelWaiting(reason: () => unknown): void;
}

/** What a shell calls the end by SIGINT. */
const INTERRUPTED = 130;

const busy = new Set<Interruptible>();
let isInterrupted = false;

function interrupt(): void {
  if (isInterrupted) Deno.exit(INTERRUPTED);
  isInterrupted = true;
  Deno.exitCode = INTERRUPTED;
  for (const pool of busy) {
    pool.close();
    pool.cancelWaiting(() => new CancelledError("The call was cancelled by Ctrl-C"));
  }
}

/**
 * Notes that a pool has work.
 *
 * @returns Called when it has none any more.
 */
export function holdInterrupts(pool: Interruptible): () => void {
  // Signals are the main thread's business.
  if (!self().isMain) return () => {};
  if (busy.size === 0) Deno.addSignalListener("SIGINT", interrupt);
  busy.add(pool);
  return () => {
    if (busy.delete(pool) && busy.size === 0) Deno.removeSignalListener("SIGINT", interrupt);
  };
}
