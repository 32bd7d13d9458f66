/**
 * Buried calls: refused, unreadable, out of time, or the death of too many workers. They lie in a
 * queue of their own until somebody looks at them.
 *
 * @module
 */
import type { Delivery } from "../broker.ts";
import type { Access } from "../link/access.ts";
import { numberOf, onward, textOf } from "./messages.ts";
import { callQueue, deadQueue, type Level, LEVELS } from "./names.ts";

/** A buried call. */
export interface DeadCall {
  id: string;
  /** Why it was buried. */
  reason: string;
  /** How often it was tried. */
  tries: number;
  /** What it calls. */
  module: string;
  name: string;
  /** The size of its arguments, in bytes. */
  size: number;
  /** Its headers, all of them. */
  headers: Delivery["headers"];
}

/** The most that is looked through in one go. */
const MOST = 10_000;
/** For how long the next is waited for, in ms. */
const QUIET = 300;

function dead(delivery: Delivery): DeadCall {
  return {
    id: delivery.id,
    reason: textOf(delivery, "reason"),
    tries: numberOf(delivery, "tried"),
    module: textOf(delivery, "module"),
    name: textOf(delivery, "name"),
    size: delivery.body.length,
    headers: delivery.headers,
  };
}

/**
 * Goes through the buried calls of a queue. What `judge` wants with one is done before the next is
 * looked at; all others stay, in their order.
 *
 * @param judge Says what becomes of one.
 * @returns Those that were not kept, or all if none was to be changed.
 */
export async function goThroughDead(
  access: Access,
  queue: string,
  judge: (call: DeadCall) => "keep" | "retry" | "drop",
): Promise<{ seen: DeadCall[]; changed: DeadCall[] }> {
  const name = deadQueue(queue);
  const depth = await access.depth(name);
  const [seen, changed]: [DeadCall[], DeadCall[]] = [[], []];
  if (depth === undefined || depth.ready === 0) return { seen, changed };
  const waiting: Delivery[] = [];
  const taker = await access.consume(
    name,
    { prefetch: Math.min(MOST, depth.ready) },
    (delivery) => void waiting.push(delivery),
  );
  try {
    while (seen.length < Math.min(MOST, depth.ready)) {
      const delivery = await nextOf(waiting);
      if (delivery === undefined) break;
      const call = dead(delivery);
      seen.push(call);
      const verdict = judge(call);
      if (verdict === "keep") continue;
      if (verdict === "retry") await retry(access, queue, delivery);
      delivery.ack();
      changed.push(call);
    }
  } finally {
    await taker.cancel();
  }
  return { seen, changed };
}

async function nextOf(waiting: Delivery[]): Promise<Delivery | undefined> {
  const end = performance.now() + QUIET;
  while (waiting.length === 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return waiting.shift();
}

/** Puts a call back into the queue that it came from, as if it had never been tried. */
async function retry(access: Access, queue: string, delivery: Delivery): Promise<void> {
  const from = textOf(delivery, "from");
  const level = LEVELS.find((level: Level) => callQueue(queue, level) === from) ?? "mid";
  const copy = onward(delivery, {});
  const { reason: _, from: __, tried: ___, skewed: ____, passes: _____, ...headers } = copy.headers;
  await access.publish(callQueue(queue, level), { ...copy, headers });
}
