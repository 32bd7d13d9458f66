/**
 * Many processes on the queues of one file: they race, and are killed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Process } from "../../lib/multiprocessing.ts";
import { RemoteQueue, type RemoteQueueOptions } from "../../lib/remote.ts";
import { randoms } from "../_help/random.ts";
import { limited } from "../_help/within.ts";
import { fileForTests } from "./_file.ts";
import { getNowaits, putAndNote, putNowaits, takeAndHang, takeAndNote } from "./_file_targets.ts";
import { echoSync } from "./_targets.ts";

const path = fileForTests("processes");
const url = `file:${path}`;

type Make = <T>(options?: RemoteQueueOptions) => RemoteQueue<T>;

function test(name: string, fn: (make: Make) => Promise<void>, limit = 60_000): void {
  Deno.test(`${name} [file]`, () =>
    limited(async () => {
      await using stack = new AsyncDisposableStack();
      await fn(<T>(options: RemoteQueueOptions = {}) => {
        const queue = new RemoteQueue<T>(`test.${crypto.randomUUID()}`, { url, ...options });
        stack.defer(() => queue.close());
        stack.defer(() => queue.remove());
        return queue;
      });
    }, limit));
}

test("RemoteQueue: what a killed process has taken goes to another at once", async (make) => {
  const [queue, said] = [make<number>(), make<string>()];
  await queue.put(7);
  const child = new Process(takeAndHang, { args: [queue, said] }).start();
  assertEquals(await said.get(), "7.1");
  const taking = queue.take({ timeout: 20_000 });
  child.kill();
  const taken = await taking;
  assertEquals([taken.item, taken.attempt], [7, 2]);
  await taken.done();
  await child.join();
});

test("RemoteQueue: a process that is stopped keeps what it has taken", async (make) => {
  const [queue, said] = [make<number>(), make<string>()];
  await queue.put(7);
  const child = new Process(takeAndHang, { args: [queue, said] }).start();
  assertEquals(await said.get(), "7.1");
  Deno.kill(child.pid!, "SIGSTOP");
  const none = await queue.take({ timeout: 1000 }).catch((error) => error.name);
  assertEquals(none, "Empty");
  child.kill();
  const taken = await queue.take({ timeout: 20_000 });
  assertEquals(taken.attempt, 2);
  await taken.done();
  await child.join();
});

test("RemoteQueue works in a process whose main thread blocks", async (make) => {
  const [from, to] = [make<number>(), make<number>()];
  const child = new Process(echoSync, { args: [from, to, 3] }).start();
  for (let k = 0; k < 3; k++) {
    await from.put(k);
    assertEquals(await to.get(), k);
  }
  await child.result();
  await child.join();
});

test("RemoteQueue: processes that race for the last places take exactly those", async (make) => {
  const [queue, ready] = [make<number>({ maxsize: 25 }), make<number>()];
  const children = [1, 2, 3].map(() =>
    new Process(putNowaits, { args: [queue, ready, 20] }).start()
  );
  await Promise.all(children.map((_, k) => ready.put(k)));
  const counts = await Promise.all(children.map((child) => child.result()));
  assertEquals(counts.reduce((sum, count) => sum + count), 25);
  assertEquals(await queue.size(), 25);
  for (const child of children) await child.join();
});

test("RemoteQueue: processes that race for the last items get each once", async (make) => {
  const [queue, ready] = [make<number>(), make<number>()];
  const numbers = Array.from({ length: 300 }, (_, k) => k);
  await Promise.all(numbers.map((k) => queue.put(k)));
  const children = [1, 2, 3].map(() => new Process(getNowaits, { args: [queue, ready] }).start());
  await Promise.all(children.map((_, k) => ready.put(k)));
  const got = (await Promise.all(children.map((child) => child.result()))).flat();
  assertEquals(got.sort((a, b) => a - b), numbers);
  for (const child of children) await child.join();
});

test("RemoteQueue: four putters, four takers, killed at random: nothing is lost", async (make) => {
  const EACH = 150;
  const queue = make<string>();
  const log = `${path}.log`;
  const random = randoms(Number(Deno.env.get("SEED") ?? 1));
  await Deno.writeTextFile(`${log}.taken`, "");
  /** How far each putter has come: what is confirmed. */
  const from = new Map<string, number>();
  let isOver = false;
  let kills = 0;
  const lines = async (name: string) => {
    const text = await Deno.readTextFile(name).catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  };
  /** Runs a process again and again, until it has not been killed. */
  const keep = async (start: () => Promise<Process<unknown>>, most: number) => {
    for (let k = 0;; k++) {
      const child = await start();
      const isKilled = k < most && !isOver;
      const life = isKilled ? random(400) + 150 : Infinity;
      if (await child.join({ timeout: life === Infinity ? undefined : life })) {
        assertEquals(child.exitcode, 0);
        return;
      }
      child.kill();
      kills++;
      await child.join();
    }
  };
  const putters = ["a", "b", "c", "d"].map((name) =>
    keep(async () => {
      const done = (await lines(`${log}.${name}`)).length;
      from.set(name, done);
      const args: [RemoteQueue<string>, string, number, number, string] = [
        queue,
        name,
        done,
        EACH,
        `${log}.${name}`,
      ];
      return new Process(putAndNote, { args }).start();
    }, 3)
  );
  const takers = [1, 2, 3, 4].map(() =>
    keep(() => {
      const args: [RemoteQueue<string>, string] = [queue, `${log}.taken`];
      return Promise.resolve(new Process(takeAndNote, { args }).start());
    }, 3)
  );
  await Promise.all(putters);
  isOver = true;
  await queue.shutdown();
  await Promise.all(takers);
  assertEquals(await queue.size(), 0);
  const taken = new Set<string>();
  const attempts = new Map<string, number>();
  let doubled = 0;
  for (const line of await lines(`${log}.taken`)) {
    const [item, attempt, id] = line.split(" ") as [string, string, string];
    if (taken.has(item)) doubled++;
    taken.add(item);
    // Killed between the end of a take and the note of it, one may be missing.
    const before = attempts.get(id) ?? 0;
    assert(Number(attempt) > before, `${item}: attempt ${attempt} after ${before}`);
    attempts.set(id, Number(attempt));
  }
  for (const name of ["a", "b", "c", "d"]) {
    const confirmed = await lines(`${log}.${name}`);
    assertEquals(confirmed.length, EACH);
    for (let k = 0; k < EACH; k++) {
      assert(taken.has(`${name}.${k}`), `${name}.${k} is lost, after ${kills} kills`);
    }
  }
  assert(kills > 0);
  // Killed with one in hand, or before it had noted that its put was confirmed.
  assert(doubled <= kills, `${doubled} came again, after ${kills} kills`);
}, 120_000);
