import type { RemoteQueue } from "../../lib/remote.ts";
import { ShutDown } from "../../lib/errors.ts";
import { task } from "../../lib/task.ts";

/** Appends a line to a file that outlives this process. */
function note(log: string, line: string): void {
  Deno.writeTextFileSync(log, `${line}\n`, { append: true });
}

/** Puts numbers from `from` on, and notes each that was confirmed. */
export const putAndNote = task(
  import.meta,
  async (queue: RemoteQueue<string>, name: string, from: number, to: number, log: string) => {
    for (let k = from; k < to; k++) {
      await queue.put(`${name}.${k}`);
      note(log, `${name} ${k}`);
    }
  },
);

/** Takes, notes which, at which attempt and by which id, and says that it is done, until the queue is shut. */
export const takeAndNote = task(import.meta, async (queue: RemoteQueue<string>, log: string) => {
  for (;;) {
    try {
      const taken = await queue.take();
      note(log, `${taken.item} ${taken.attempt} ${taken.id}`);
      await taken.done();
    } catch (error) {
      if (error instanceof ShutDown) return;
      throw error;
    }
  }
});

/** Tries to put so often without waiting; gives how many were taken. */
export const putNowaits = task(
  import.meta,
  async (queue: RemoteQueue<number>, ready: RemoteQueue<number>, count: number) => {
    // It is open before the race begins.
    await queue.size();
    await ready.get();
    const puts = Array.from({ length: count }, (_, k) => queue.put(k, { block: false }));
    const results = await Promise.allSettled(puts);
    for (const result of results) {
      if (result.status === "rejected" && result.reason.name !== "Full") throw result.reason;
    }
    return results.filter(({ status }) => status === "fulfilled").length;
  },
);

/** Gets until there is nothing; gives what it got. */
export const getNowaits = task(
  import.meta,
  async (queue: RemoteQueue<number>, ready: RemoteQueue<number>) => {
    await queue.size();
    await ready.get();
    const got: number[] = [];
    for (;;) {
      try {
        got.push(await queue.get({ timeout: 300 }));
      } catch (error) {
        if ((error as Error).name !== "Empty") throw error;
        return got;
      }
    }
  },
);

/** Takes one, says so, and hangs on to it. */
export const takeAndHang = task(
  import.meta,
  async (queue: RemoteQueue<number>, said: RemoteQueue<string>) => {
    const { item, attempt } = await queue.take();
    await said.put(`${item}.${attempt}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
);
