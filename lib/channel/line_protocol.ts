/**
 * The messages on a line. All of a thread's queues share its line, so that home sees what the
 * thread did in the order in which it did it.
 *
 * @module
 */
import type { Packed } from "../transfer/pack.ts";
import type { Reference } from "../transfer/task.ts";
import type { SentItems } from "./item.ts";

/** The kinds of queues. */
export type Order = "fifo" | "lifo" | "priority";

/** The recipe by which home makes a queue. */
export interface Plan {
  /** The store that it keeps its items in. */
  order: Order;
  /** Its {@linkcode Ledger}'s words. */
  words: SharedArrayBuffer;
  /** The function that compares its items, if not the natural order. */
  compare?: Reference | undefined;
}

/** The messages from a thread to home; `q` is the queue's id. */
export type ToQueueHome =
  | { type: "make"; q: string; plan: Plan }
  /** From now on the thread uses the queue; its own words for it. */
  | { type: "use"; q: string; words: SharedArrayBuffer }
  | { type: "put"; q: string; sent: SentItems; reply?: number }
  /**
   * It wants the items up to number `upTo`, of all that it is ever given. `question`: it wants to
   * know if it can have them now.
   */
  | { type: "want"; q: string; upTo: number; question?: number }
  /** The queue was shut, or the last item of one that is shut was handed out. */
  | { type: "shut"; q: string };

/** The messages from home to a thread. */
export type FromQueueHome =
  /** Items, the first of which has the number `first`. */
  | { type: "items"; q: string; first: number; sent: SentItems }
  /** The outcome of a put. */
  | { type: "reply"; q: string; reply: number; error?: Packed };
