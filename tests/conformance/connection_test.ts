/**
 * What every end of a pipe promises: between threads, and between processes (and threads of them)
 * in memory, over a socket, and in memory at first and then over a socket.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { ringPipe } from "../../lib/channel/memory/pipe.ts";
import { EOFError, ShareError, TimeoutError } from "../../lib/errors.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import * as threading from "../../lib/threading.ts";
import { packFor } from "../../lib/transfer/flight.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import * as targets from "./_connection_targets.ts";
import { type End, recvBy, sendBy } from "./_connection_targets.ts";
import { type Form, FORMS } from "./_queue_targets.ts";
import { range, untilWaiting } from "./_queues.ts";
import { LACKS } from "../_help/lacks.ts";
import { test, type TestOptions, type World } from "./_world.ts";

/** How soon the death of a child is noticed, in ms: the contract's 2 s. */
const NOTICED = 2_000;

const { connectionWait } = multiprocessing;

/** A way in which pipes are made. */
interface Way {
  name: string;
  make(duplex?: boolean): [End, End];
  face: typeof threading | typeof multiprocessing;
  /** Its forms; over a socket none blocks. */
  forms: readonly Form[];
  skip?: TestOptions["skip"];
  isApart?: boolean;
}

const inMemory = LACKS.memory === undefined
  ? {}
  : { skip: { threads: LACKS.memory, processes: LACKS.memory } };

const WAYS: readonly Way[] = [
  {
    name: "threading",
    make: (duplex = true) => threading.pipe({ duplex }),
    face: threading,
    forms: FORMS,
    skip: { processes: "it lives in one process" },
  },
  {
    name: "memory",
    make: (duplex = true) => ringPipe(duplex),
    face: multiprocessing,
    forms: FORMS,
    ...inMemory,
  },
  {
    name: "socket",
    make: (duplex = true) => socketPipe(duplex),
    face: multiprocessing,
    forms: ["async"],
    isApart: true,
  },
  {
    name: "gone over",
    make: goneOver,
    face: multiprocessing,
    forms: ["async"],
    ...inMemory,
  },
];

/** A pipe in memory that was to be given to a process without FFI. */
function goneOver(duplex = true): [End, End] {
  const ends = ringPipe<unknown>(duplex, socketPipe);
  packFor("equal", () => ends[0][SHARE]("process", () => "end"), false);
  return ends;
}

/** Defines a test for each way, in each of its worlds. */
function testEach(
  name: string,
  fn: (way: Way, world: World) => Promise<void>,
  { only = () => true, skip, ...options }: Omit<TestOptions, "skip"> & {
    only?: (way: Way) => boolean;
    skip?: (way: Way) => TestOptions["skip"];
  } = {},
): void {
  for (const way of WAYS.filter(only)) {
    test(`${name} [${way.name}]`, (world) => fn(way, world), {
      limit: 60_000,
      isApart: way.isApart ?? false,
      ...options,
      skip: { ...skip?.(way), ...way.skip },
    });
  }
}

/** What is not promised of a socket: its end is that of a process. */
const withProcess = {
  skip: ({ forms }: Way) => forms.length === 2 ? {} : { threads: "a socket ends with its process" },
};

/** Defines a test in which nobody but this thread has a part. */
function testHere(name: string, fn: (way: Way) => Promise<void>): void {
  testEach(name, fn, { skip: () => ({ processes: "no child has a part in it" }) });
}

function closeAll(...ends: End[]): void {
  for (const end of ends) end.close();
}

// --- values and bytes

testHere("Connection.recv() gives what was sent at the other end, in order", async (way) => {
  const [a, b] = way.make();
  const values = [
    ...[1, "two", { three: [3] }, null, undefined, 5n, { a: [1n, new Date(5)] }],
    ...[new Map([[1, new Set([2])]]), new Map([[1, 2]])],
  ];
  for (const form of way.forms) {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      for (const value of values) await sendBy(from, value, form);
      for (const value of values) assertEquals(await recvBy(to, form), value);
    }
  }
  closeAll(a, b);
});

testHere("Connection.recv() waits for what is sent later", async (way) => {
  const [a, b] = way.make();
  const values = Promise.all([b.recv(), b.recv()]);
  await Promise.resolve();
  await a.send("first");
  await a.send("second");
  assertEquals((await values).sort(), ["first", "second"]);
  closeAll(a, b);
});

const SIZES = [0, 1, 63, 64, 4096, 65_536, 300_000, 3_000_000];

testHere("Connection.sendBytes() carries bytes of any size", async (way) => {
  const [a, b] = way.make();
  for (const size of SIZES) {
    const bytes = new Uint8Array(size).map((_, k) => k * 7);
    const sent = a.sendBytes(bytes);
    assertEquals(await b.recvBytes(), bytes);
    await sent;
  }
  await a.sendBytes(new Uint8Array([1, 2]));
  assertEquals(await b.recv(), new Uint8Array([1, 2]));
  closeAll(a, b);
});

testHere("Connection.recvBytesInto() receives bytes of any size into a buffer", async (way) => {
  const [a, b] = way.make();
  const buffer = new Uint8Array(3_000_010);
  for (const size of SIZES) {
    const bytes = new Uint8Array(size).map((_, k) => k * 7 + size);
    const sent = a.sendBytes(bytes);
    assertEquals(await b.recvBytesInto(buffer, 5), size);
    assert(bytes.every((byte, k) => buffer[5 + k] === byte));
    await sent;
  }
  await a.sendBytes(new Uint8Array([4, 5, 6]));
  const memory = new SharedArrayBuffer(3);
  assertEquals(await b.recvBytesInto(memory), 3);
  assertEquals([...new Uint8Array(memory)], [4, 5, 6]);
  await a.send(new Float64Array([1]).fill(0));
  await assertRejects(() => b.recvBytesInto(buffer), TypeError, "recv()");
  assertEquals(await b.recv(), new Float64Array([0]));
  await a.send("text");
  await assertRejects(() => b.recvBytesInto(buffer), TypeError, '"text"');
  assertEquals(await b.recv(), "text");
  closeAll(a, b);
});

testHere("Connection.recvBytesInto() leaves what its buffer has no room for", async (way) => {
  const [a, b] = way.make();
  const buffer = new ArrayBuffer(8);
  for (const bytes of [new Uint8Array(9).fill(1), new Uint8Array(200_000).fill(2)]) {
    await a.sendBytes(bytes);
    const why = `${bytes.length} bytes have come, and the buffer has room for 8`;
    await assertRejects(() => b.recvBytesInto(buffer), RangeError, why);
    assertEquals(await b.recvBytes(), bytes);
  }
  const late = b.recvBytesInto(buffer, 6);
  await a.sendBytes(new Uint8Array([3, 4]));
  assertEquals(await late, 2);
  assertEquals([...new Uint8Array(buffer)], [0, 0, 0, 0, 0, 0, 3, 4]);
  await assertRejects(() => b.recvBytesInto("x" as never), TypeError, '"x"');
  await assertRejects(() => b.recvBytesInto([] as never), TypeError, "buffer must be");
  await assertRejects(() => b.recvBytesInto(buffer, 9), RangeError, "offset must be <= 8");
  await assertRejects(() => b.recvBytesInto(buffer, -1), RangeError, "offset");
  await assertRejects(() => b.recvBytesInto(buffer, 0, { timeout: 5 }), TimeoutError, "5 ms");
  a.close();
  await assertRejects(() => b.recvBytesInto(buffer), EOFError);
  closeAll(a, b);
});

testHere("Connection.recvBytes() leaves a value that is none", async (way) => {
  const [a, b] = way.make();
  await a.send({ no: "bytes" });
  await assertRejects(() => b.recvBytes(), TypeError, "recv()");
  assertEquals(await b.recv(), { no: "bytes" });
  await a.send("text");
  await assertRejects(() => b.recvBytes(), TypeError, '"text"');
  assertEquals(await b.recv(), "text");
  closeAll(a, b);
});

// --- waiting

testHere("Connection.recv() throws TimeoutError when nothing came in time", async (way) => {
  const [a, b] = way.make();
  for (const form of way.forms) {
    for (const timeout of [0, 30]) {
      const began = performance.now();
      const why = `within ${timeout} ms`;
      await assertRejects(() => recvBy(b, form, { timeout }), TimeoutError, why);
      assertGreaterOrEqual(performance.now() - began, timeout - 0.1);
    }
    await a.send("later");
    assertEquals(await recvBy(b, form, { timeout: 0 }), "later");
  }
  closeAll(a, b);
});

testHere("Connection.recv() is abandoned by its signal, and takes nothing", async (way) => {
  const [a, b] = way.make();
  const controller = new AbortController();
  const { signal } = controller;
  const received = b.recv({ signal });
  const reason = new Error("enough");
  controller.abort(reason);
  await a.send(1);
  assertStrictEquals(await assertRejects(() => received), reason);
  assertStrictEquals(await assertRejects(() => a.send(2, { signal })), reason);
  await assertRejects(() => b.recv({ signal: AbortSignal.abort(reason) }), Error, "enough");
  assertEquals([await b.recv(), await b.poll()], [1, false]);
  closeAll(a, b);
});

testEach("Connection.poll() tells of a value, and of the end", async (way, world) => {
  for (const form of way.forms) {
    const [a, b] = way.make();
    const poll = async (timeout?: number) =>
      form === "sync" ? b.pollSync(timeout) : await b.poll(timeout);
    assertEquals([await poll(), await poll(10)], [false, false]);
    const soon = b.poll(5_000);
    await a.send(1);
    assertEquals(await soon, true);
    assertEquals([await poll(), await poll(1_000), await b.recv()], [true, true, 1]);
    const child = world.start(targets.sendNumbers, [a, 1, form]);
    a.close();
    assertEquals(await poll(10_000), true);
    assertEquals(await recvBy(b, form), 0);
    assertEquals(await poll(10_000), true);
    await assertRejects(() => recvBy(b, form), EOFError);
    await child.result();
    b.close();
  }
});

testHere("Connection.poll() that waits hears of the end", async (way) => {
  const [a, b] = way.make();
  const end = b.poll(5_000);
  a.close();
  assertEquals(await end, true);
  assertEquals(await b.poll(), true);
  b.close();
});

testEach("connectionWait() gives those that are ready", async (way, world) => {
  const [a, toA] = way.make();
  const [b, toB] = way.make();
  assertEquals(await connectionWait([a, b], { timeout: 0 }), []);
  assertEquals(await connectionWait([a, b], { timeout: 20 }), []);
  assertEquals(await connectionWait([]), []);
  await toB.send(1);
  assertEquals(await connectionWait([a, b]), [b]);
  await toA.send(2);
  assertEquals(await connectionWait([a, b]), [a, b]);
  assertEquals([await a.recv(), await b.recv()], [2, 1]);
  const child = world.start(targets.sendNumbers, [toA, 1, "async"]);
  toA.close();
  assertEquals(await connectionWait([a, b]), [a]);
  assertEquals(await a.recv(), 0);
  assertEquals(await connectionWait([a, b]), [a]);
  await child.result();
  const controller = new AbortController();
  const never = connectionWait([b], { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assertRejects(() => never, Error, "enough");
  await assertRejects(() => connectionWait([1 as never]), TypeError, "connections[0]");
  await assertRejects(() => connectionWait(1 as never), TypeError, "connections");
  let asked = 0;
  const odd = { poll: () => ++asked > 3 };
  assertEquals(await connectionWait([odd, b]), [odd]);
  closeAll(a, b, toB);
});

// --- the end

testHere("Connection.close() ends the other end, once it is drained", async (way) => {
  const [a, b] = way.make();
  for (const value of ["last", "words"]) await a.send(value);
  const waiting = a.recv();
  a.close();
  a.close();
  assertEquals(a.closed, true);
  await assertRejects(() => waiting, Error, "closed");
  for (const form of way.forms) {
    await assertRejects(() => sendBy(a, 1, form), Error, "closed");
    await assertRejects(() => recvBy(a, form), Error, "closed");
    await assertRejects(() => sendBy(b, 1, form), EOFError, "closed");
  }
  assertEquals(await b.recv(), "last");
  assertEquals(await Array.fromAsync(b), ["words"]);
  for (const form of way.forms) await assertRejects(() => recvBy(b, form), EOFError, "closed");
  assertEquals(await Array.fromAsync(b), []);
  b.close();
});

testHere("Connection.close() ends a recv() that waits at the other end", async (way) => {
  const [a, b] = way.make();
  const waiting = assertRejects(() => b.recv(), EOFError);
  await Promise.resolve();
  a.close();
  await waiting;
  b.close();
});

testHere("Connection of a one-way pipe only receives, or only sends", async (way) => {
  const [receiver, sender] = way.make(false);
  for (const form of way.forms) {
    await sendBy(sender, 1, form);
    assertEquals(await recvBy(receiver, form), 1);
    await assertRejects(() => sendBy(receiver, 1, form), Error, "only receives");
    await assertRejects(() => recvBy(sender, form), Error, "only sends");
  }
  await assertRejects(() => sender.poll(), Error, "only sends");
  closeAll(receiver, sender);
});

testHere("Connection is disposable", async (way) => {
  let outside: End;
  {
    using a = way.make()[0];
    outside = a;
  }
  assertEquals(outside.closed, true);
  const [a, b] = way.make();
  {
    await using _ = a;
  }
  assertEquals(a.closed, true);
  b.close();
});

testHere("Connection refuses bad input at the call", async (way) => {
  const [a, b] = way.make();
  await assertRejects(() => a.send(() => {}), ShareError, "value");
  await assertRejects(() => a.send({ f: () => {} }), ShareError, "value.f");
  await assertRejects(() => a.send(1, { transfer: 1 as never }), TypeError, "transfer");
  await assertRejects(() => a.recv({ timeout: -1 }), RangeError, "timeout");
  await assertRejects(() => a.recv({ timeout: "1" as never }), TypeError, '"1"');
  await assertRejects(() => a.recv({ signal: 1 as never }), TypeError, "signal");
  await assertRejects(() => a.sendBytes([1] as never), TypeError, "bytes must be a Uint8Array");
  await assertRejects(() => a.sendBytes("x" as never), TypeError, '"x"');
  await assertRejects(() => a.poll(NaN), TypeError, "timeout");
  await assertRejects(() => a.poll(-1), RangeError, "-1");
  await b.send("still in order");
  assertEquals(await a.recv(), "still in order");
  closeAll(a, b);
  assertThrows(() => way.face.pipe({ duplex: 1 as never }), TypeError, "duplex must be a boolean");
  assertThrows(() => way.face.pipe(1 as never), TypeError, "options");
});

// --- with a child

testEach("Connection goes to and fro with a child", async (way, world) => {
  for (const form of way.forms) {
    const [here, there] = way.make();
    const child = world.start(targets.echo, [there, form]);
    there.close();
    for (const k of range(0, 300)) {
      await sendBy(here, { k }, form);
      assertEquals(await recvBy(here, form), { k });
    }
    const values = [1, { deep: [new Date(0), "ä".repeat(100_000)] }, new Uint8Array(200_000)];
    for (const value of values) {
      await sendBy(here, value, form);
      assertEquals(await recvBy(here, form), value);
    }
    here.close();
    assertEquals(await child.result(), 303);
  }
});

testEach(
  "Connection ends when all is received and the child's end is closed",
  async (way, world) => {
    for (const form of way.forms) {
      const [here, there] = way.make();
      const sender = world.start(targets.sendNumbers, [there, 100, form]);
      there.close();
      for (const k of range(0, 100)) assertEquals(await recvBy(here, form), k);
      assertEquals(await here.poll(10_000), true);
      await assertRejects(() => recvBy(here, form), EOFError);
      await assertRejects(() => sendBy(here, 1, form), EOFError);
      await sender.result();
      const [mine, its] = way.make();
      const all = world.start(targets.recvAll, [its, form]);
      its.close();
      for (const k of range(0, 100)) await sendBy(mine, k, form);
      mine.close();
      assertEquals(await all.result(), range(0, 100));
      here.close();
    }
  },
);

testEach(
  "Connection ends when the child at the other end does, in every way",
  async (way, world) => {
    const ways = [
      "end",
      "fail",
      "wait",
      ...world.name === "threads" ? ["spin"] as const : [],
    ] as const;
    for (const form of way.forms) {
      for (const how of ways) {
        const [here, there] = way.make();
        const options = { mayFail: true, killable: true };
        const child = world.start(targets.sendThen, [there, how], options);
        there.close();
        await child.next();
        if (how === "wait" || how === "spin") child.kill();
        const began = performance.now();
        assertEquals(await recvBy(here, form), 1);
        await assertRejects(() => recvBy(here, form), EOFError);
        if (how !== "end" && how !== "fail") assertLess(performance.now() - began, NOTICED);
        await child.handle.join();
        here.close();
      }
    }
  },
  withProcess,
);

testEach("Connection comes back as a result", async (way, world) => {
  const [here, there] = way.make();
  await here.send(1);
  const back = await world.run(targets.giveBack, [there]);
  there.close();
  assert(!back.closed);
  for (const form of way.forms) {
    assertEquals(await recvBy(back, form), 1);
    await sendBy(back, 2, form);
    assertEquals(await recvBy(here, form), 2);
    await here.send(1);
  }
  closeAll(here, back);
});

testEach("Connection carries ends of other pipes", async (way, world) => {
  for (const form of way.forms) {
    const [here, there] = way.make();
    const [a, b] = way.make();
    const child = world.start(targets.useReceived, [there, form]);
    there.close();
    await sendBy(here, b, form);
    b.close();
    assertEquals(await recvBy(a, form), "through the other");
    await assertRejects(() => recvBy(a, form), EOFError);
    await assertRejects(() => recvBy(here, form), EOFError);
    await child.result();
    closeAll(a, here);
  }
});

testEach("Connection carries a lock that works", async (way, world) => {
  for (const form of way.forms) {
    const [here, there] = way.make();
    const lock = new way.face.Lock();
    const child = world.start(targets.isLocked, [there, form]);
    there.close();
    using _ = await lock.acquire();
    await sendBy(here, { lock }, form);
    assertEquals(await recvBy(here, form), true);
    await child.result();
    here.close();
  }
}, {
  only: ({ name }) => name !== "gone over",
  skip: ({ isApart }) => isApart ? inMemory.skip : {},
});

testEach("Connection of a child that is ended in recv() is over", async (way, world) => {
  for (const form of way.forms) {
    const [here, there] = way.make();
    const child = world.start(targets.echo, [there, form], { mayFail: true });
    there.close();
    await sendBy(here, 1, form);
    assertEquals(await recvBy(here, form), 1);
    if (way.forms.length === 2) await untilWaiting(world, child);
    child.kill();
    await assertRejects(() => child.result());
    await assertRejects(() => recvBy(here, form), EOFError);
    here.close();
  }
}, withProcess);
