/**
 * What calls use at a broker, by its names there. The broker puts its prefix before them.
 *
 * ```text
 *   t.NAME.high .mid .low   calls, by their priority: above 0, 0, below 0
 *   t.NAME.dead             buried calls
 *   t.NAME.control          a topic: cancellations, and who asks who is there
 *   c.ID                    the inbox of a program that calls; it outlives a lost connection
 *   w.ID                    the inbox of a worker; it ends with its connection
 * ```
 *
 * @module
 */
import type { QueueSpec } from "../broker.ts";

/** The priorities, the highest first. */
export const LEVELS = ["high", "mid", "low"] as const;
/** A priority. */
export type Level = typeof LEVELS[number];

/** How often a call may come back before the broker itself gives it up: far more than `retries`. */
const MOST_RETURNS = 1000;
/** For how long buried calls are kept, in ms, and how many. */
const DEAD_FOR = 14 * 24 * 3600_000;
const MOST_DEAD = 100_000;
/** After how long an inbox that nobody reads is removed, in ms. */
const INBOX_FOR = 300_000;

/** The level of a priority. */
export function levelOf(priority = 0): Level {
  return priority > 0 ? "high" : priority < 0 ? "low" : "mid";
}

/** The queue of the calls of a level. */
export function callQueue(name: string, level: Level): string {
  return `t.${name}.${level}`;
}

/** The queue of buried calls. */
export function deadQueue(name: string): string {
  return `t.${name}.dead`;
}

/** The topic of those who serve a queue, and of those who call over it. */
export function controlTopic(name: string): string {
  return `t.${name}.control`;
}

/** How the queue of a level is declared. */
export function callSpec(
  name: string,
  level: Level,
  { maxQueue, longest }: { maxQueue?: number | undefined; longest: number },
): QueueSpec {
  return {
    name: callQueue(name, level),
    kind: "counted",
    ...maxQueue === undefined ? {} : { max: maxQueue, overflow: "reject" as const },
    deadTo: deadQueue(name),
    limit: MOST_RETURNS,
    longest,
  };
}

/** How the queue of buried calls is declared. */
export function deadSpec(name: string): QueueSpec {
  return {
    name: deadQueue(name),
    kind: "plain",
    max: MOST_DEAD,
    overflow: "drop",
    ttl: DEAD_FOR,
  };
}

/** How the inbox of a program that calls is declared. */
export function inboxSpec(name: string, resultTtl: number): QueueSpec {
  return { name, kind: "plain", ttl: resultTtl, expires: INBOX_FOR };
}

/** How the inbox of a worker is declared. */
export function workerSpec(name: string): QueueSpec {
  return { name, kind: "plain", exclusive: true };
}
