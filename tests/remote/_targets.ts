import type { QueueLike } from "../../lib/queue.ts";
import type { RemoteQueue } from "../../lib/remote.ts";
import { task } from "../../lib/task.ts";
import { registerSlow } from "./_slow_broker.ts";

// In each thread, as each reads the URL of what it is given.
registerSlow();

/** Puts the numbers from 0. */
export const putAll = task(import.meta, async (queue: QueueLike<number>, count: number) => {
  for (let k = 0; k < count; k++) await queue.put(k);
});

/** Puts the numbers from 0, blocking. */
export const putAllSync = task(import.meta, (queue: QueueLike<number>, count: number) => {
  for (let k = 0; k < count; k++) queue.putSync(k);
});

/** Gets, and puts on another queue what it makes of it, until the first is shut down. */
export const double = task(
  import.meta,
  async (from: RemoteQueue<number>, to: RemoteQueue<number>) => {
    let count = 0;
    for await (const item of from) {
      await to.put(item * 2);
      count++;
    }
    return count;
  },
);

/** Takes one, says so, and ends without having done it. */
export const takeAndEnd = task(
  import.meta,
  async (queue: RemoteQueue<number>, said: RemoteQueue<string>) => {
    const { item, attempt } = await queue.take();
    await said.put(`${item}.${attempt}`);
  },
);

/** Takes one, says so, and waits to be ended. */
export const takeAndStay = task(
  import.meta,
  async (queue: RemoteQueue<number>, said: RemoteQueue<string>) => {
    const { item, attempt } = await queue.take();
    await said.put(`${item}.${attempt}`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
);

/** Waits in a blocking get. */
export const getForEver = task(
  import.meta,
  async (queue: RemoteQueue<number>, said: RemoteQueue<string>) => {
    await said.put("here");
    queue.getSync();
  },
);

/** Sees what it was given. */
export const sizeOf = task(
  import.meta,
  async (queue: RemoteQueue<number>) => [queue.name, await queue.size(), await queue.get()],
);

/** Puts and gets through its own main thread, blocking, while others of its threads do nothing. */
export const echoSync = task(
  import.meta,
  (from: RemoteQueue<number>, to: RemoteQueue<number>, count: number) => {
    for (let k = 0; k < count; k++) to.putSync(from.getSync());
  },
);
