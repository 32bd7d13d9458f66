/**
 * The interface that a condition asks of its lock.
 *
 * @module
 */
import type { Suspended } from "./mutex.ts";
import type { Steps } from "./steps.ts";

/** The key of the method that says whether the calling thread holds the lock. */
export const IS_MINE: unique symbol = Symbol("isMine");
/** The key of the method that gives the lock away for a time, all levels of it. */
export const SUSPEND: unique symbol = Symbol("suspend");
/** The key of the method that takes back what was given away. */
export const RESUME: unique symbol = Symbol("resume");

/** A lock that can be given away in the midst of an acquisition. */
export interface Lockable {
  /** @ignore */
  [IS_MINE](): boolean;
  /** @ignore */
  [SUSPEND](): Suspended & { depth?: number };
  /** @ignore */
  [RESUME](suspended: Suspended & { depth?: number }): Steps<void>;
}
