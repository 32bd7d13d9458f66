/**
 * What pipes and broadcasts between threads promise.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { ShareError, ThreadTerminated } from "../../lib/errors.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { Queue } from "../../lib/queue.ts";
import { Barrier, Broadcast, type Connection, pipe } from "../../lib/threading.ts";
import { recvAll, recvBy, sendBy, useReceived } from "../conformance/_connection_targets.ts";
import { FORMS } from "../conformance/_queue_targets.ts";
import * as targets from "./_pipe_targets.ts";
import { test } from "./_threads.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);

for (const form of FORMS) {
  test(`pipe(): an end that is given away is closed here, ${form}`, async (threads) => {
    const [here, there] = pipe<Connection<string>>();
    const [inner, given] = pipe<string>();
    const thread = threads.start(useReceived, [there, form]);
    assert(there.closed);
    await sendBy(here, given, form);
    assert(given.closed);
    assertEquals(await recvBy(inner, form), "through the other");
    await thread.result();
    here.close();
    inner.close();
    const queue = new Queue<{ end: Connection<string> }>();
    const [mine, end] = pipe<string>();
    queue.putNowait({ end });
    assert(end.closed);
    mine.close();
  });
}

test("Connection.send({ transfer }) moves a buffer; sendBytes() sends bytes", async () => {
  const [a, b] = pipe<ArrayBuffer>();
  const buffer = new ArrayBuffer(8);
  a.sendSync(buffer, { transfer: [buffer] });
  assertEquals([buffer.byteLength, b.recvSync().byteLength], [0, 8]);
  await a.sendBytes(new Uint8Array([1, 2, 3]));
  assertEquals(await b.recvBytes(), new Uint8Array([1, 2, 3]));
  a.sendSync("text" as never);
  await assertRejects(() => b.recvBytes(), TypeError, '"text"');
  assertEquals(b.recvSync() as unknown, "text");
  a.close();
  b.close();
});

test("Connection refuses to go through itself, and to a process", () => {
  const [a, b] = pipe<unknown>();
  assertThrows(() => a.sendSync(a), ShareError, "itself");
  assert(!a.closed);
  const process = new Process(recvAll, { args: [a, "sync"] });
  assertThrows(() => process.start(), ShareError, "multiprocessing.pipe()");
  assertEquals(b.pollSync(), false);
  a.close();
  b.close();
});

test("Broadcast: all hear what is published, in order", async (threads) => {
  const gate = new Barrier(4);
  using speaker = new Broadcast<unknown>("news");
  const listeners = [1, 2, 3].map(() => threads.start(targets.listen, [speaker, gate, 50]));
  await gate.wait();
  const said = range(0, 50).map((k) => ({ k }));
  for (const value of said) speaker.publish(value);
  for (const listener of listeners) assertEquals(await listener.result(), said);
});

test("Broadcast: close() ends an iteration, and termination ends a listener", async (threads) => {
  const broadcast = new Broadcast<unknown>("closing");
  using other = new Broadcast<unknown>("closing");
  const heard = Array.fromAsync(broadcast);
  await delay(0);
  broadcast.close();
  broadcast.close();
  assertEquals(await heard, []);
  assertThrows(() => broadcast.publish(1), Error, "closed");
  // On a very busy machine one may be cut off before it can say that its loop has ended.
  const said = [];
  while (said.at(-1) !== "over" && said.length < 5) {
    const listener = threads.start(targets.listenForEver, [other]);
    await threads.untilWaiting(listener);
    listener.terminate();
    const isCut = listener.join().then(() => "it was cut off");
    said.push(await Promise.race([threads.next(listener), isCut]));
    await assertRejects(() => listener.result(), ThreadTerminated);
  }
  assertEquals(said.at(-1), "over");
});

test("Broadcast refuses what cannot cross, a bad name, and a process", () => {
  assertThrows(() => new Broadcast(1 as never), TypeError, "name");
  using broadcast = new Broadcast<unknown>("refusing");
  assertThrows(() => broadcast.publish(() => {}), ShareError, "value");
  const [a, b] = pipe();
  assertThrows(() => broadcast.publish(a), ShareError, "all threads");
  a.close();
  b.close();
  const process = new Process(targets.listenForEver, { args: [broadcast] });
  assertThrows(() => process.start(), ShareError, "Broadcast");
});
