/**
 * The messages between a thread and the one that started it.
 *
 * @module
 */
import type { NewLine } from "../channel/lines.ts";
import type { Listed } from "../memory/roster.ts";
import type { Packed } from "../transfer/pack.ts";
import type { Due } from "./due.ts";
import type { Job } from "./job.ts";

/** What a new thread is handed. */
export interface ThreadBoot extends Job<Packed> {
  /** The roster's memory. */
  roster: SharedArrayBuffer;
  /** Its entry in the roster. */
  me: Listed;
  /** Its port to the thread that started it: for reports, and for word that it has ended. */
  port: MessagePort;
  /**
   * The port that takes its end. Nobody listens on it: an event loop that had taken the message could
   * not give it to a thread that blocks, so it is taken only when the roster says that it is there.
   */
  ends: MessagePort;
  /** What to send along with the job's arguments. */
  transfer: Transferable[];
  /** When its task is to begin, if not at once, and when the thread was started. */
  due: Due | undefined;
  startedAt: number;
  /** Whether it must not hold up the end of the program, and whether it is a daemon. */
  killable: boolean;
  daemon: boolean;
}

/** What a thread says on its `port`. */
export type FromThread = { type: "report"; value: Packed } | { type: "ended"; dead: boolean };

/** What the starter asks of a thread: to stop. */
export type ToThread = { type: "stop" };

/** What any thread asks of the main thread, which starts and ends all threads, and keeps the clock. */
export type ToHome =
  | { type: "start"; boot: ThreadBoot }
  | { type: "ended"; slot: number; ident: number; dead: boolean }
  | { type: "cut"; ident: number }
  | { type: "line"; line: NewLine }
  | { type: "alarm" }
  | { type: "spares"; count: number; modules: string[]; port: MessagePort };
