/**
 * What is known of a queue of calls: what waits in it, and who serves it. Each worker answers for
 * itself; who does not within a while is not there.
 *
 * @module
 */
import type { Delivery } from "../broker.ts";
import type { Access } from "../link/access.ts";
import { message } from "./messages.ts";
import { callQueue, controlTopic, deadQueue, inboxSpec, LEVELS } from "./names.ts";
import { isGenuine, sealed } from "./seal.ts";

/** A worker, as it says itself. */
export interface WorkerStatus {
  /** Its name: host, pid, and a part of its own. */
  worker: string;
  state: string;
  /** The number of calls that it can run at once. */
  slots: number;
  /** When it was started, in ms since 1970. */
  since: number;
  done: number;
  failed: number;
  back: number;
  /** The calls that wait in it. */
  held: number;
  /** The memory of its program, in bytes. */
  rss: number;
  running: { name: string; module: string; call: string; ms: number }[];
}

/** A queue of calls, at one moment. */
export interface QueueStatus {
  queue: string;
  /** The calls that wait, and those of them of high, middle and low priority. */
  ready: number;
  levels: Record<string, number>;
  /** The buried calls. */
  dead: number;
  workers: WorkerStatus[];
}

/** For how long answers are waited for, in ms, and after how many without one. */
const WITHIN = 1000;
const QUIET = 150;

/** Asks for the status of a queue. */
export async function statusOf(
  access: Access,
  queue: string,
  secret: string | undefined,
): Promise<QueueStatus> {
  const levels: Record<string, number> = {};
  let [ready, consumers] = [0, 0];
  for (const level of LEVELS) {
    const depth = await access.depth(callQueue(queue, level));
    ready += levels[level] = depth?.ready ?? 0;
    consumers += depth?.consumers ?? 0;
  }
  const dead = (await access.depth(deadQueue(queue)))?.ready ?? 0;
  const workers = consumers === 0 ? [] : await askWorkers(access, queue, secret);
  return { queue, ready, levels, dead, workers };
}

async function askWorkers(
  access: Access,
  queue: string,
  secret: string | undefined,
): Promise<WorkerStatus[]> {
  const inbox = `c.${crypto.randomUUID()}`;
  const found = new Map<string, WorkerStatus>();
  let heard = performance.now() + WITHIN / 2;
  await access.declare(inboxSpec(inbox, WITHIN * 10));
  const taker = await access.consume(inbox, { prefetch: 1000 }, (delivery: Delivery) => {
    delivery.ack();
    if (!isGenuine(secret, inbox, delivery)) return;
    try {
      const status: WorkerStatus = JSON.parse(new TextDecoder().decode(delivery.body));
      found.set(status.worker, status);
      heard = performance.now() + QUIET;
    } catch {
      // It is no status.
    }
  });
  const topic = controlTopic(queue);
  const who = sealed(secret, topic, message("who", {}, { replyTo: inbox }));
  await access.broadcast(topic, who);
  const end = performance.now() + WITHIN;
  while (performance.now() < Math.min(end, heard)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await taker.cancel();
  await access.remove(inbox);
  return [...found.values()].sort((a, b) => a.worker < b.worker ? -1 : 1);
}
