/**
 * Queues between processes: what they have and others have not. What all queues promise is in
 * `tests/conformance/queue_test.ts`.
 *
 * @module
 */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { ShutDown } from "../../lib/errors.ts";
import {
  dump,
  JoinableQueue,
  PriorityQueue,
  Queue,
  SimpleQueue,
} from "../../lib/multiprocessing.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { LIMIT, within } from "../_help/within.ts";
import { isUrgent, urgent } from "./_queue_targets.ts";

function test(name: string, fn: () => Promise<void> | void): void {
  Deno.test({
    ...unless(LACKS.memory, name),
    fn: () => within(LIMIT, fn()),
  });
}

test("Queue refuses a maxsize below 0", () => {
  assertThrows(() => new Queue(-1), RangeError, "maxsize");
  assertThrows(() => new PriorityQueue(-1), RangeError, "maxsize");
});

test("Queue.close() ends this handle alone", async () => {
  const queue = new Queue<number>();
  queue.close();
  await assertRejects(() => queue.put(1), Error, "closed");
  assertThrows(() => queue.getSync(), Error, "closed");
  queue.joinThread();
  queue.cancelJoinThread();
});

test("Queue.close() ends an iteration that waits for the next item", async () => {
  const queue = new Queue<number>();
  queue.putSync(1);
  for await (const item of queue) {
    assertEquals(item, 1);
    queue.close();
  }
  for await (const item of queue) throw new Error(`${item} came after the end`);
});

test("Queue is named by dump() where somebody waits for it", async () => {
  const [jobs, full, unnamed] = [new Queue(0, { name: "jobs" }), new Queue(1), new JoinableQueue()];
  full.putSync(1);
  unnamed.putSync(1);
  const controller = new AbortController();
  const { signal } = controller;
  const waits = [jobs.get({ signal }), full.put(2, { signal }), unnamed.join({ signal })];
  const line = dump().split("\n").find((line) => line.includes("waits for"))!;
  assertMatch(line, /waits for 'jobs'.*waits for Queue \d+.*waits for Queue \d+/);
  controller.abort();
  await Promise.allSettled(waits);
});

test("SimpleQueue is a queue without a limit, and can be shut down", async () => {
  const queue = new SimpleQueue<string>();
  await queue.put("a");
  assertEquals([queue.maxsize, queue.getNowait()], [0, "a"]);
  const got = assertRejects(() => queue.get(), ShutDown, "the queue has been shut down");
  queue.shutdown();
  await got;
});

test("PriorityQueue refuses a compare that others could not find, or that uses the queue", () => {
  assertThrows(() => new PriorityQueue(0, (a: number, b: number) => a - b), TypeError, "task(");
  urgent.queue = new PriorityQueue<number>(0, isUrgent);
  urgent.queue.putNowait(1);
  assertThrows(() => urgent.queue!.putNowait(2), Error, "compares its items");
  assertEquals([urgent.queue.qsize(), urgent.queue.getNowait()], [1, 1]);
});
