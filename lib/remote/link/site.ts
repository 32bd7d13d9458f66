/**
 * What the parts of a counter share: its queue, at its broker.
 *
 * @module
 */
import type { Broker } from "../broker.ts";
import type { Clock } from "../clock.ts";
import type { Handle } from "./handle.ts";
import type { Course } from "./soon.ts";

/** How soon it is looked again for what nobody tells: first, at most; ms. */
export const FIRST_LOOK = 5;
export const LAST_LOOK = 250;

/** A queue at its broker. */
export interface Site {
  readonly broker: Broker;
  readonly clock: Clock;
  /** The queue's name at the broker. */
  readonly queue: string;
  /** The queue, as errors name it. */
  readonly shown: string;
  /** The handles of the queue. */
  readonly handles: ReadonlySet<Handle>;
  /** True while the queue is shut down. */
  readonly isShut: boolean;
  /** Makes the queue as the handle wishes it, unless that is done. */
  prepare(handle: Handle): Course<void>;
}
