/**
 * Buried calls: refused, unreadable, out of time, or the death of too many workers. They lie in a
 * queue of their own until somebody looks at them.
 *
 * @module
 */
import type { Delivery } from "../broker.ts";
import type { Access } from "../link/access.ts";
import { numberOf, onward, textOf } from "./messages.ts";
import { isGenuine, OF_THE_WAY, sealed } from "./seal.ts";
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
 * @param secret The secret of the queue, if it has one: what is tried again is signed anew.
 * @param judge Says what becomes of one.
 * @returns All that were looked at, and those that were not kept.
 * @throws {Error} One that is to be tried again is not signed by the secret.
 */
export async function goThroughDead(
  access: Access,
  queue: string,
  secret: string | undefined,
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
      if (verdict === "retry") await retry(access, queue, secret, delivery);
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

/**
 * Puts a call back into the queue that it came from, as if it had never been tried. Its caller has
 * been told of its end, and waits for no other.
 */
async function retry(
  access: Access,
  queue: string,
  secret: string | undefined,
  delivery: Delivery,
): Promise<void> {
  const isSigned = delivery.headers.sig !== undefined;
  if (secret === undefined ? isSigned : !isGenuine(secret, queue, delivery)) {
    const why = secret === undefined ? "name the secret that it is signed by" : "it is not genuine";
    throw new Error(`Cannot retry the call ${JSON.stringify(delivery.id)}: ${why}`);
  }
  const from = textOf(delivery, "from");
  const level = LEVELS.find((level: Level) => callQueue(queue, level) === from) ?? "mid";
  const { replyTo: _, ...copy } = onward(delivery, {});
  const headers = Object.fromEntries(
    Object.entries(copy.headers).filter(([name]) => !OF_THE_WAY.has(name)),
  );
  await access.publish(callQueue(queue, level), sealed(secret, queue, { ...copy, headers }));
}
