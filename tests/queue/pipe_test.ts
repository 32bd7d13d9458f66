/**
 * What pipes and broadcasts between threads promise.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import { EOFError, ShareError, ThreadTerminated, TimeoutError } from "../../lib/errors.ts";
import { connectionWait, Process } from "../../lib/multiprocessing.ts";
import { Queue } from "../../lib/queue.ts";
import { Barrier, Broadcast, type Connection, Lock, pipe } from "../../lib/threading.ts";
import { type Form, FORMS } from "./_targets.ts";
import * as targets from "./_pipe_targets.ts";
import { recvBy, sendBy } from "./_pipe_targets.ts";
import { test } from "./_threads.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);

test("pipe() carries values both ways, in one thread", async () => {
  const [a, b] = pipe<unknown>();
  for (const form of FORMS) {
    for (const value of [1, undefined, { a: [1n, new Date(5)] }, new Map([[1, 2]])]) {
      await sendBy(a, value, form);
      assertEquals(await recvBy(b, form), value);
      await sendBy(b, value, form);
      assertEquals(await recvBy(a, form), value);
    }
  }
  a.close();
  b.close();
});

for (const form of FORMS) {
  test(`pipe() goes to and fro with a thread, ${form}`, async (threads) => {
    const [here, there] = pipe<unknown>();
    const thread = threads.start(targets.echo<unknown>, [there, form]);
    for (let k = 0; k < 300; k++) {
      await sendBy(here, { k }, form);
      assertEquals(await recvBy(here, form), { k });
    }
    here.close();
    assertEquals(await thread.result(), 300);
  });

  test(`pipe(): EOFError when all is received and the other end is closed, ${form}`, async (threads) => {
    const [here, there] = pipe<number>();
    await threads.run(targets.sendNumbers, [there, 100, form]);
    for (let k = 0; k < 100; k++) assertEquals(await recvBy(here, form), k);
    assert(await here.poll());
    await assertRejects(() => recvBy(here, form), EOFError);
    await assertRejects(() => sendBy(here, 1, form), EOFError);
    here.close();
    const [mine, its] = pipe<number>();
    const all = threads.start(targets.recvAll<number>, [its, form]);
    for (let k = 0; k < 100; k++) mine.sendSync(k);
    mine.close();
    assertEquals(await all.result(), range(0, 100));
  });

  test(`pipe(): EOFError when the other end's thread ends, in every way, ${form}`, async (threads) => {
    for (const how of ["end", "fail", "wait", "spin"] as const) {
      const [here, there] = pipe<number>();
      const thread = threads.start(targets.sendThen, [there, how], { killable: true });
      await threads.next(thread);
      if (how === "wait" || how === "spin") thread.terminate();
      const began = performance.now();
      assertEquals(await recvBy(here, form), 1);
      await assertRejects(() => recvBy(here, form), EOFError);
      assertLess(performance.now() - began, 2000);
      await thread.join();
      here.close();
    }
  });

  test(`pipe(): an end comes back as a result, ${form}`, async (threads) => {
    const [here, there] = pipe<number>();
    here.sendSync(1);
    const back = await threads.run(targets.giveBack, [there]);
    assert(there.closed);
    assert(!back.closed);
    assertEquals(await recvBy(back, form), 1);
    await sendBy(back, 2, form);
    assertEquals(await recvBy(here, form), 2);
    here.close();
    back.close();
  });

  test(`pipe(): an end goes through a pipe and a queue, ${form}`, async (threads) => {
    const [here, there] = pipe<Connection<string>>();
    const [inner, given] = pipe<string>();
    const thread = threads.start(targets.sendOnReceived, [there, form]);
    here.sendSync(given);
    assert(given.closed);
    assertEquals(await recvBy(inner, form), "through");
    await assertRejects(() => recvBy(inner, form), EOFError);
    await thread.result();
    here.close();
    inner.close();
    const queue = new Queue<{ end: Connection<string> }>();
    const [mine, end] = pipe<string>();
    queue.putNowait({ end });
    assert(end.closed);
    assert(!mine.pollSync(20));
    await threads.run(targets.sendOnQueued, [queue, form]);
    assertEquals(await recvBy(mine, form), "through");
    mine.close();
  });

  test(`pipe() carries shareables, ${form}`, async (threads) => {
    const [here, there] = pipe<unknown>();
    const lock = new Lock();
    const thread = threads.start(targets.isLocked, [there, form]);
    using _ = lock.acquireSync();
    here.sendSync({ lock });
    assertEquals(await recvBy(here, form), true);
    await thread.result();
    here.close();
  });

  test(`Connection.recv() throws TimeoutError, and receives nothing, ${form}`, async (threads) => {
    const [a, b] = pipe<number>();
    for (const timeout of [0, 30]) {
      const began = performance.now();
      await assertRejects(() => recvBy(a, form, { timeout }), TimeoutError);
      assertGreaterOrEqual(performance.now() - began, timeout - 0.1);
    }
    b.sendSync(1);
    assertEquals(await recvBy(a, form, { timeout: 0 }), 1);
    a.close();
    await threads.run(targets.pollOnce, [b, form, 0]);
  });

  test(`Connection.poll() tells of a value and of the end, ${form}`, async (threads) => {
    const [a, b] = pipe<number>();
    const poll = async (timeout?: number) =>
      form === "sync" ? a.pollSync(timeout) : await a.poll(timeout);
    assertEquals([await poll(), await poll(5)], [false, false]);
    b.sendSync(1);
    assertEquals([await poll(), await poll(1000), a.recvSync()], [true, true, 1]);
    const thread = threads.start(targets.sendNumbers, [b, 1, form]);
    assertEquals(await poll(5000), true);
    assertEquals(await recvBy(a, form), 0);
    await thread.result();
    assertEquals(await poll(5000), true);
    a.close();
  });

  test(`Connection: a thread that is terminated in recv() throws there, ${form}`, async (threads) => {
    const [here, there] = pipe<unknown>();
    const thread = threads.start(targets.echo<unknown>, [there, form as Form]);
    await threads.untilWaiting(thread);
    thread.terminate();
    await assertRejects(() => thread.result(), ThreadTerminated);
    await assertRejects(() => recvBy(here, form), EOFError);
    here.close();
  });
}

test("Connection.recv() rejects with the reason of an aborted signal, and receives nothing", async () => {
  const [a, b] = pipe<number>();
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const wait = a.recv({ signal });
  controller.abort(reason);
  b.sendSync(1);
  assertEquals(await assertRejects(() => wait), reason);
  assertEquals(await assertRejects(() => b.send(2, { signal })), reason);
  assertEquals(a.recvSync(), 1);
  assertEquals(a.pollSync(), false);
  a.close();
  b.close();
});

test("pipe({ duplex: false }) gives one that receives and one that sends", () => {
  const [receiver, sender] = pipe<number>({ duplex: false });
  sender.sendSync(1);
  assertEquals(receiver.recvSync(), 1);
  assertThrows(() => receiver.sendSync(1), Error, "only receives");
  assertThrows(() => sender.recvSync(), Error, "only sends");
  receiver.close();
  sender.close();
});

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
  await assertRejects(() => a.sendBytes("x" as never), TypeError, '"x"');
  a.close();
  b.close();
});

test("Connection.recvBytesInto() receives bytes into a buffer; what does not fit stays", async () => {
  const [a, b] = pipe<unknown>();
  const buffer = new Uint8Array(4);
  await a.sendBytes(new Uint8Array([1, 2, 3]));
  assertEquals(await b.recvBytesInto(buffer, 1), 3);
  assertEquals(buffer, new Uint8Array([0, 1, 2, 3]));
  await a.sendBytes(new Uint8Array([4, 5, 6]));
  await assertRejects(() => b.recvBytesInto(buffer, 2), RangeError, "3 bytes have come");
  const memory = new SharedArrayBuffer(3);
  assertEquals(await b.recvBytesInto(memory), 3);
  assertEquals([...new Uint8Array(memory)], [4, 5, 6]);
  a.sendSync("text");
  await assertRejects(() => b.recvBytesInto(buffer), TypeError, '"text"');
  assertEquals(b.recvSync(), "text");
  await assertRejects(() => b.recvBytesInto([] as never), TypeError, "buffer must be");
  await assertRejects(() => b.recvBytesInto(buffer, 5), RangeError, "offset must be <= 4");
  await assertRejects(() => b.recvBytesInto(buffer, -1), RangeError, "offset");
  await assertRejects(() => b.recvBytesInto(buffer, 0, { timeout: 5 }), TimeoutError, "5 ms");
  a.close();
  await assertRejects(() => b.recvBytesInto(buffer), EOFError);
  b.close();
});

test("Connection: what is closed cannot be used; iteration ends with the other end", async () => {
  const [a, b] = pipe<number>();
  for (let k = 0; k < 3; k++) b.sendSync(k);
  b.close();
  b.close();
  assert(b.closed);
  assertThrows(() => b.sendSync(1), Error, "closed");
  assertThrows(() => b.recvSync(), Error, "closed");
  assertEquals(await Array.fromAsync(a), [0, 1, 2]);
  const waiting = pipe<number>();
  const wait = assertRejects(() => waiting[0].recv(), Error, "closed");
  waiting[0].close();
  await wait;
  a.close();
  waiting[1].close();
});

test("Connection refuses what cannot cross, bad options, and a process", async () => {
  const [a, b] = pipe<unknown>();
  assertThrows(() => a.sendSync({ f: () => {} }), ShareError, "value.f");
  assertThrows(() => a.sendSync(a), ShareError, "itself");
  assert(!a.closed);
  assertThrows(() => a.recvSync({ timeout: -1 }), RangeError, "-1");
  assertThrows(() => a.sendSync(1, { transfer: 1 as never }), TypeError, "transfer");
  await assertRejects(() => a.recv({ timeout: "1" as never }), TypeError, '"1"');
  await assertRejects(() => a.poll(-1), RangeError, "-1");
  assertThrows(() => pipe({ duplex: 1 as never }), TypeError, "duplex");
  assertThrows(() => pipe(1 as never), TypeError, "options");
  const process = new Process(targets.recvAll<unknown>, { args: [a, "sync"] });
  assertThrows(() => process.start(), ShareError, "multiprocessing.pipe()");
  assertEquals(b.pollSync(), false);
  a.close();
  b.close();
});

test("connectionWait() gives the connections that are ready", async (threads) => {
  const [[a, toA], [b, toB]] = [pipe<number>(), pipe<number>()];
  assertEquals(await connectionWait([a, b], { timeout: 10 }), []);
  toB.sendSync(1);
  assertEquals(await connectionWait([a, b]), [b]);
  b.recvSync();
  const thread = threads.start(targets.sendNumbers, [toA, 1, "sync"]);
  assertEquals(await connectionWait([a, b]), [a]);
  await thread.result();
  for (const end of [a, b, toB]) end.close();
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
