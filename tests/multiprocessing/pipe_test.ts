/**
 * Pipes between processes, in shared memory and over a socket: what others do not have, and what
 * deaths leave. What all promise is in `tests/conformance/connection_test.ts`.
 * `SWITCHYARD_ROUNDS` sets how often random kills are tried.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { fileURLToPath } from "node:url";
import { ringPipe } from "../../lib/channel/memory/pipe.ts";
import { connectTo } from "../../lib/channel/socket/place.ts";
import { EOFError, ShareError, TimeoutError } from "../../lib/errors.ts";
import { type Connection, Process, Queue } from "../../lib/multiprocessing.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { BACK, frameOf, HELLO, SEND, TICKET } from "../../lib/multiprocessing/pipe_protocol.ts";
import type { PipeAddress } from "../../lib/multiprocessing/pipe_tickets.ts";
import { packFor } from "../../lib/transfer/flight.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import { Thread } from "../../lib/threading.ts";
import { KILLED } from "../_help/alive.ts";
import { LACKS, temporaryIn, unless } from "../_help/lacks.ts";
import { randoms } from "../_help/random.ts";
import { LIMIT as USUAL, within } from "../_help/within.ts";
import * as targets from "./_pipe_targets.ts";

const ROUNDS = Number(Deno.env.get("SWITCHYARD_ROUNDS") ?? 5);
const LIMIT = USUAL + 500 * ROUNDS;
/** How soon the death of a process is noticed, in ms: the contract's 2 s. */
const NOTICED = 2_000;

type End = Connection<unknown>;
type Make = (duplex?: boolean) => [End, End];
type Child = Process | Thread;

/** `lack` says why a system has none. */
const ways: { name: string; make: Make; lack: string | undefined }[] = [
  {
    name: "memory",
    make: (duplex = true) => ringPipe(duplex),
    lack: LACKS.memory,
  },
  {
    name: "socket",
    make: (duplex = true) => socketPipe(duplex),
    lack: undefined,
  },
  {
    name: "gone over",
    make: (duplex = true) => goneOver(duplex),
    lack: LACKS.memory,
  },
];

/** A pipe in memory that was to be given to a process without FFI. */
function goneOver(duplex: boolean): [End, End] {
  const ends = ringPipe<unknown>(duplex, socketPipe);
  packFor("equal", () => ends[0][SHARE]("process", () => "end"), false);
  return ends;
}

async function limited(fn: () => Promise<void> | void): Promise<void> {
  await within(LIMIT, fn());
}

/** Defines a test for each way. */
function test(
  name: string,
  fn: (make: Make, way: string) => Promise<void> | void,
  lackOfAll?: string,
): void {
  for (const { name: way, make, lack } of ways) {
    Deno.test({
      ...unless(lack ?? lackOfAll, `${name} [${way}]`),
      fn: () => limited(() => fn(make, way)),
    });
  }
}

const worlds: [string, (target: unknown, args: unknown[]) => Child][] = [
  ["process", (target, args) => new Process(target as never, { args } as never)],
  ["thread", (target, args) => new Thread(target as never, { args } as never)],
];

/** Defines a test for each way and each kind of child. */
function testWith(
  name: string,
  fn: (make: Make, start: (target: unknown, args: unknown[]) => Child) => Promise<void>,
): void {
  for (const [world, child] of worlds) {
    for (const { name: way, make, lack } of ways) {
      Deno.test({
        ...unless(lack, `${name} [${way}, ${world}]`),
        fn: () =>
          limited(() =>
            fn(make, (target, args) => child(target, args).start() as unknown as Child)
          ),
      });
    }
  }
}

function closeAll(...ends: End[]): void {
  for (const end of ends) end.close();
}

test("Connection.send() waits for room, in order, and gives up in time", async (make) => {
  const [a, b] = make();
  const large = "x".repeat(600_000);
  await a.send(large);
  const second = a.send(large);
  const third = a.send("third");
  await assertRejects(() => a.send("fourth", { timeout: 20 }), TimeoutError, "no room");
  const controller = new AbortController();
  const fifth = a.send("fifth", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assertRejects(() => fifth, Error, "enough");
  assertEquals(await b.recv(), large);
  assertEquals(await b.recv(), large);
  assertEquals(await b.recv(), "third");
  await Promise.all([second, third]);
  assertEquals(await b.poll(), false);
  closeAll(a, b);
});

test("Connection moves nothing to another process", async (make) => {
  const [a, b] = make();
  await assertRejects(() => a.send(1, { transfer: [new ArrayBuffer(1)] }), TypeError, "transfer");
  assertEquals(await b.poll(), false);
  closeAll(a, b);
});

test("Connection gives all that a killed sender had sent, and no half message", async (make) => {
  for (let round = 0; round < ROUNDS; round++) {
    const [here, there] = make();
    const child = new Process(targets.count, {
      args: [there, "x".repeat(500), 1e9],
      stderr: "null",
    });
    child.start();
    there.close();
    const stop = 1 + Math.floor(Math.random() * 200);
    let next = 0;
    for await (const value of here) {
      const [who, k] = value as [string, number];
      assertEquals([who.length, k], [500, next++]);
      if (next === stop) child.kill();
    }
    assert(next >= stop);
    here.close();
    await child.join();
  }
});

test("Connection survives receivers that are killed at random", async (make) => {
  const [here, there] = make();
  for (let round = 0; round < ROUNDS; round++) {
    const child = new Process(targets.echo, { args: [there], stderr: "null" }).start();
    const stop = Math.floor(Math.random() * 100);
    await here.send(0);
    await here.recv();
    for (let k = 0; k < stop; k++) {
      await here.send(k);
      // At most what the killed one had been given is lost.
      if (k === stop - 1) child.kill();
      else assertEquals(await here.recv(), k);
    }
    if (stop === 0) child.kill();
    await child.join();
    while (await there.poll()) await there.recv();
    while (await here.poll()) await here.recv();
  }
  closeAll(here, there);
});

testWith("Connection of a child's own pipe works here", async (make, start) => {
  const [here, there] = make();
  const child = start(targets.makePipe, [there]);
  there.close();
  const end = await here.recv() as Connection<string>;
  assertEquals(await end.recv(), "from a pipe made there");
  await end.send("thanks");
  assertEquals(await child.result(), "thanks");
  await child.join();
  closeAll(end, here);
});

test("Connection is passed on to a grandchild", async (make) => {
  const [here, there] = make();
  const child = new Process(targets.passOn, { args: [there] }).start();
  there.close();
  for (let k = 0; k < 3; k++) {
    await here.send(k);
    assertEquals(await here.recv(), k);
  }
  here.close();
  assertEquals(await child.result(), 3);
  await child.join();
});

test("Connection gives each message to one of several receivers, from several senders", async (make) => {
  const [receiver, sender] = make(false);
  const [a, b] = ["a", "b"].map((who) =>
    new Process(targets.count, { args: [sender, who, 200] }).start()
  );
  const [c, d] = [0, 1].map(() => new Process(targets.drain, { args: [receiver] }).start());
  closeAll(sender, receiver);
  const got = await Promise.all([c!.result(), d!.result()]);
  assertEquals(got.map(({ error }) => error), ["EOFError", "EOFError"]);
  const all = got.flatMap(({ values }) => values).map(String).sort();
  const expected = ["a", "b"].flatMap((who) =>
    Array.from({ length: 200 }, (_, k) => `${who},${k}`)
  );
  assertEquals(all, expected.sort());
  for (const { values } of got) {
    for (const who of ["a", "b"]) {
      const mine = (values as [string, number][]).filter(([name]) => name === who);
      assertEquals(mine, mine.toSorted(([, k], [, m]) => k - m));
    }
  }
  for (const child of [a, b, c, d]) await child!.join();
});

/** Settles with a process that has reported. */
function reported<A extends unknown[]>(
  target: (...args: A) => unknown,
  args: A,
): Promise<Process> {
  return new Promise((resolve) => {
    const child: Process = new Process(target as never, {
      args,
      stderr: "null",
      onReport: () => resolve(child),
    } as never);
    child.start();
  });
}

test("Connection ends when the process at the other end is killed", async (make) => {
  const [here, there] = make();
  const child = await reported(targets.sendAndHold, [there, [1, 2]]);
  there.close();
  const began = performance.now();
  child.kill();
  assertEquals(await here.recv(), 1);
  assertEquals(await here.recv(), 2);
  await assertRejects(() => here.recv(), EOFError);
  await assertRejects(async () => {
    for (;;) await here.send("x".repeat(10_000));
  }, EOFError);
  assert(performance.now() - began < NOTICED);
  here.close();
  await child.join();
});

test("Connection ends when its receiver died before it took the end", async (make) => {
  const [here, there] = make();
  // It is killed long before it can have come so far.
  const child = new Process(targets.hold, { args: [there], stderr: "null" }).start();
  there.close();
  child.kill();
  const began = performance.now();
  await assertRejects(() => here.recv(), EOFError);
  assert(performance.now() - began < NOTICED);
  await child.join();
  here.close();
});

test("Connection ends when its receiver could not be started", async (make) => {
  const [here, there] = make();
  const options = { args: [there, Symbol("never")], stderr: "null" as const };
  assertThrows(() => new Process(targets.hold as never, options as never).start(), ShareError);
  there.close();
  await assertRejects(() => here.recv(), EOFError);
  here.close();
});

test("Connection ends only when the last copy of the other end is closed", async (make) => {
  const [here, there] = make();
  const first = await reported(targets.hold, [there]);
  const second = await reported(targets.hold, [there]);
  there.close();
  first.kill();
  await first.join();
  await assertRejects(() => here.recv({ timeout: 150 }), TimeoutError);
  second.kill();
  await assertRejects(() => here.recv(), EOFError);
  await second.join();
  here.close();
});

/**
 * Gives an end away in a message that its receiver never opens; looks whether the other end hears
 * of it.
 */
async function loseOnTheWay(
  make: Make,
  lose: (carrier: End, carried: End, far: End) => Promise<void>,
): Promise<void> {
  const [carrier, far] = make();
  const [here, there] = make();
  // Somebody else is there all the time, who might have it.
  const [idle, unused] = make();
  const bystander = await reported(targets.hold, [idle]);
  await lose(carrier, there, far);
  there.close();
  const began = performance.now();
  await assertRejects(() => here.recv(), EOFError);
  assert(performance.now() - began < NOTICED);
  closeAll(carrier, far, here, idle, unused);
  bystander.kill();
  await bystander.join();
}

test("Connection ends when it was on its way to one who died before the message came", (make) =>
  loseOnTheWay(make, async (carrier, carried, far) => {
    const child = await reported(targets.hold, [far]);
    far.close();
    await carrier.send({ carried });
    child.kill();
    await child.join();
  }));

test("Connection ends when the sender of its only copy died, and then the receiver", (make) =>
  loseOnTheWay(make, async (carrier, carried, far) => {
    const receiver = await reported(targets.hold, [far]);
    const sender = await reported(targets.sendAndHold, [carrier, [carried]]);
    closeAll(carrier, far);
    for (const child of [sender, receiver]) {
      child.kill();
      await child.join();
    }
  }));

test("Connection ends when its receiver died with the message in its hand", (make) =>
  loseOnTheWay(make, async (carrier, carried, far) => {
    const child = await reported(targets.dieOnReceipt, [far]);
    await carrier.send({ carried });
    await child.join();
    assertEquals(child.exitcode, KILLED.exitcode);
  }));

test("Connection ends when it was on its way through a pipe that was on its way itself", (make) =>
  loseOnTheWay(make, async (carrier, carried, far) => {
    const [a, b] = make();
    await a.send(carried);
    await carrier.send(b);
    closeAll(a, b, carrier, far);
  }));

test(
  "Connection ends when it was in a pipe whose maker and receiver died",
  (make, way) =>
    loseOnTheWay(make, async (carrier, carried, far) => {
      const child = await reported(targets.makeAndHold, [far, way]);
      const end = await carrier.recv() as End;
      await end.send({ carried });
      child.kill();
      await child.join();
      await assertRejects(() => end.recv(), EOFError);
      end.close();
    }),
);

test("Connection comes whole through a pipe that was on its way itself", async (make) => {
  const [carrier, far] = make();
  const [a, b] = make();
  const [here, there] = make();
  await a.send(there);
  await carrier.send(b);
  closeAll(there, b);
  await here.send("for later");
  await assertRejects(() => here.recv({ timeout: 200 }), TimeoutError);
  const way = await far.recv() as End;
  const end = await way.recv() as End;
  assertEquals(await end.recv(), "for later");
  closeAll(a, way, end, carrier, far);
  await assertRejects(() => here.recv(), EOFError);
  here.close();
});

test("Connection is not held open by a message that was never sent", async (make) => {
  const [here, there] = make();
  const [a, b] = make();
  await assertRejects(() => here.send([b, () => {}]), ShareError);
  b.close();
  await assertRejects(() => a.recv(), EOFError);
  closeAll(a, here, there);
});

Deno.test({
  ...unless(
    LACKS.orphans,
    "Connection ends at all other processes when its home dies [socket]",
  ),
  fn: () =>
    limited(async () => {
      const script = fileURLToPath(new URL("./_pipe_home.ts", import.meta.url));
      const home = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script],
        stdout: "piped",
      }).spawn();
      const lines = home.stdout.pipeThrough(new TextDecoderStream());
      let said = "";
      for await (const part of lines) {
        said += part;
        // It kills itself once its orphans hold the ends.
      }
      await home.status;
      assertEquals(said.trim().split("\n").sort(), [
        "begun",
        "begun",
        "recv EOFError",
        "recv EOFError",
      ]);
    }),
});

Deno.test({
  ...unless(LACKS.memory, "Connection has Sync forms between processes [memory]"),
  fn: () =>
    limited(async () => {
      const [here, there] = ringPipe<unknown>(true);
      const child = new Process(targets.echoSync, { args: [there] }).start();
      there.close();
      for (let k = 0; k < 1000; k++) {
        here.sendSync({ k });
        assertEquals(here.recvSync(), { k });
      }
      assertThrows(() => here.recvSync({ timeout: 5 }), TimeoutError);
      assertEquals(here.pollSync(), false);
      assertEquals(here.pollSync(5), false);
      here.sendSync(null);
      assertThrows(() => here.recvSync(), EOFError);
      assertThrows(() => here.sendSync(1), EOFError);
      assertEquals(await child.result(), 1000);
      await child.join();
      here.close();
    }),
});

Deno.test({
  ...unless(LACKS.memory, "Connection's memory serves again when both ends are closed [memory]"),
  fn: () =>
    limited(async () => {
      // Each pipe takes a block of 256 KiB: they would not last.
      for (let k = 0; k < 20_000; k++) {
        const [a, b] = ringPipe<unknown>(true);
        a.sendSync(k);
        assertEquals(k % 2 === 0 ? b.recvSync() : k, k);
        await Promise.resolve();
        closeAll(a, b);
      }
    }),
});

Deno.test({
  ...unless(
    LACKS.memory,
    "Connection that waits in a queue is open until somebody has it [memory]",
  ),
  fn: () =>
    limited(async () => {
      const queue = new Queue<End>();
      const [here, there] = ringPipe<unknown>(true);
      await queue.put(there as End);
      there.close();
      await assertRejects(() => here.recv({ timeout: 100 }), TimeoutError);
      const end = await queue.get();
      await end.send("hello");
      assertEquals(await here.recv(), "hello");
      end.close();
      await assertRejects(() => here.recv(), EOFError);
      here.close();
    }),
});

Deno.test({
  ...unless(
    LACKS.memory,
    "Connection ends when it waits in a queue whose users have died [memory]",
  ),
  fn: () =>
    limited(() =>
      loseOnTheWay((duplex = true) => ringPipe(duplex), async (_carrier, carried) => {
        const child = await reported(targets.hideInQueue, [carried]);
        child.kill();
        await child.join();
      })
    ),
});

Deno.test({
  ...unless(
    LACKS.memory,
    "Connection that waits in a queue is open as long as one has the queue [memory]",
  ),
  fn: () =>
    limited(async () => {
      const [queue, way] = [new Queue<End>(), new Queue<Queue<End>>()];
      const [here, there] = ringPipe<unknown>(true);
      const child = await reported(targets.takeQueue, [way]);
      await queue.put(there as End);
      there.close();
      // Longer than one alone would wait, before any gives it up.
      await assertRejects(() => here.recv({ timeout: 1_200 }), TimeoutError);
      await way.put(queue);
      assertEquals(await here.recv(), "found");
      await assertRejects(() => here.recv(), EOFError);
      here.close();
      await child.join();
    }),
});

Deno.test({
  name: "Connection says what its Sync forms need [socket]",
  fn: () =>
    limited(() => {
      const [a, b] = socketPipe<number>(true);
      for (const call of [() => a.sendSync(), () => a.recvSync(), () => a.pollSync()]) {
        assertThrows(call, Deno.errors.NotCapable, "--allow-ffi");
      }
      closeAll(a, b);
    }),
});

Deno.test({
  name: "Connection works in a child that may only read its modules [socket]",
  fn: () =>
    limited(async () => {
      const [here, there] = socketPipe<unknown>(true);
      const permissions = { read: [new URL("../../", import.meta.url)] };
      const none = { write: false, net: false, env: false, run: false, ffi: false, sys: false };
      const child = new Process(targets.echo, {
        args: [there],
        permissions: { ...none, ...permissions },
      }).start();
      there.close();
      await here.send(1);
      assertEquals(await here.recv(), 1);
      here.close();
      assertEquals(await child.result(), 1);
      await child.join();
    }),
});

Deno.test({
  name: "Connection outlives strangers and garbage at its home's socket [socket]",
  fn: () =>
    limited(async () => {
      const [here, there] = socketPipe<unknown>(true);
      const state = there[SHARE]("process", () => "there") as unknown as PipeAddress;
      const { mode } = Deno.statSync(state.folder);
      if (Deno.build.os !== "windows") assertEquals(mode! & 0o777, 0o700);
      const token = Uint8Array.fromHex(state.token);
      const hello = frameOf(HELLO, new TextEncoder().encode(JSON.stringify(state)));
      const random = randoms(7);
      for (let k = 0; k < 500; k++) {
        const conn = await connectTo(state.folder);
        const parts: Uint8Array[] = [token.slice()];
        if (k % 4 === 0) parts[0]![random(32)]! ^= 1 + random(255);
        if (k % 4 > 1) parts.push(framed(hello));
        const words = k % 4 < 3 ? 256 : 20;
        for (let m = 0; m < 3; m++) {
          const garbage = new Uint8Array(1 + random(30)).map(() => random(256));
          garbage[0] = random(words);
          // Messages of garbage would arrive, and copies that are announced be waited for, as they
          // should.
          if ([SEND, BACK, TICKET].includes(garbage[0])) garbage[0] = 0;
          parts.push(k % 2 === 0 ? framed(garbage) : garbage);
        }
        for (const part of parts) await conn.write(part).catch(() => {});
        conn.close();
      }
      await there.send("still here");
      assertEquals(await here.recv(), "still here");
      const child = new Process(targets.echo, { args: [there] }).start();
      there.close();
      await here.send(2);
      assertEquals(await here.recv(), 2);
      child.kill();
      await child.join();
      here.close();
    }),
});

/** A frame as it is on the wire. */
function framed(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  frame.set(bytes, 4);
  return frame;
}

Deno.test({
  name: "pipe() works without FFI, and leaves nothing behind",
  fn: () =>
    limited(async () => {
      const folder = await Deno.makeTempDir();
      try {
        const script = fileURLToPath(new URL("./_pipe_home.ts", import.meta.url));
        const { stdout, success } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--deny-ffi", "--no-check", script, "talk"],
          env: temporaryIn(folder),
          stderr: "inherit",
        }).output();
        assert(success);
        assertEquals(new TextDecoder().decode(stdout), "hello\n");
        assertEquals([...Deno.readDirSync(folder)], []);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
});

test("Connection waits for a child that takes long to start", async (make) => {
  const [here, there] = make();
  const child = new Process(targets.echo, { args: [there] }).start();
  // It is not there yet: nobody but this process is.
  Deno.kill(child.pid!, "SIGSTOP");
  there.close();
  const answer = here.recv();
  const early = await Promise.race([answer.then(() => "early", (error) => error), delay(1500)]);
  assertEquals(early, undefined);
  Deno.kill(child.pid!, "SIGCONT");
  await here.send("hello");
  assertEquals(await answer, "hello");
  here.close();
  await child.join();
}, LACKS.signals);
