/**
 * What the threads of the broadcast tests run.
 *
 * @module
 */
import { context, task } from "../../lib/task.ts";
import type { Barrier, Broadcast } from "../../lib/threading.ts";

export const listen = task(
  import.meta,
  async function listen(broadcast: Broadcast<unknown>, gate: Barrier, count: number) {
    using mine = broadcast;
    await gate.wait();
    const heard: unknown[] = [];
    for await (const value of mine) {
      heard.push(value);
      if (heard.length === count) break;
    }
    return heard;
  },
);

export const listenForEver = task(
  import.meta,
  async function listenForEver(broadcast: Broadcast<unknown>) {
    try {
      for await (const _ of broadcast);
    } finally {
      context().report("over");
    }
  },
);
