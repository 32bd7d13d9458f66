/**
 * Pipes in memory of which an end is given to a process that may not use that memory: they go over
 * to a socket. What such a pipe does here alone is tested in pipe_test.ts, as `[gone over]`.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { fileURLToPath } from "node:url";
import { ringPipe } from "../../lib/channel/memory/pipe.ts";
import { EOFError, ShareError, TimeoutError } from "../../lib/errors.ts";
import { ProcessPoolExecutor } from "../../lib/futures.ts";
import {
  type Connection,
  connectionWait,
  Lock,
  Manager,
  type Permissions,
  pipe,
  Pool,
  Process,
  Queue,
  SharedMemory,
} from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { LEAST } from "../security/_peer.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { isAlive } from "../_help/alive.ts";
import { within } from "../_help/within.ts";
import * as targets from "./_crossing_targets.ts";
import { dieWithin, echo as equalEcho } from "./_pipe_targets.ts";

type End = Connection<unknown>;

const LIMIT = 30_000;
/** How soon the death of a process is noticed, in ms: the contract's 2 s. */
const NOTICED = 2_000;
const LARGE = 8 << 20;
const MANY = 10_000;
const REMEDY = "pipe({ memory: false })";

function test(name: string, fn: () => Promise<void> | void): void {
  Deno.test({
    ...unless(LACKS.memory, name),
    fn: () => within(LIMIT, Promise.resolve(fn())),
  });
}

function closeAll(...ends: { close(): void }[]): void {
  for (const end of ends) end.close();
}

/** Starts a child that may do next to nothing. */
function start(target: unknown, args: unknown[], options: object = {}): Process {
  return new Process(
    target as never,
    { args, permissions: LEAST, stderr: "null", ...options } as never,
  ).start() as unknown as Process;
}

/** Settles with a child that has reported. */
function reported(target: unknown, args: unknown[]): Promise<Process> {
  return new Promise((resolve) => {
    const child = start(target, args, { onReport: () => resolve(child) });
  });
}

/** A pipe with one end given to a child. */
function pipeTo(target: unknown, ...more: unknown[]): { here: End; child: Process } {
  const [here, there] = pipe<unknown>();
  const child = start(target, [there, ...more]);
  there.close();
  return { here, child };
}

test("pipe() gives an end to a child without FFI, for messages of any size, both ways", async () => {
  const { here, child } = pipeTo(targets.echo);
  const values = [1, "two", new Map([[3, new Set([4])]]), { deep: [new Date(0), 5n, undefined] }];
  for (const value of values) {
    await here.send(value);
    assertEquals(await here.recv(), value);
  }
  const large = new Uint8Array(LARGE).map((_, k) => k * 7 >> 3);
  await here.send(large);
  assertEquals(await here.recv() as Uint8Array === large, false);
  await here.sendBytes(large);
  const back = await here.recvBytes();
  assertEquals(back.length, LARGE);
  assert(back.every((byte, k) => byte === large[k]));
  here.close();
  assertEquals(await child.result(), values.length + 2);
  await child.join();
});

test("pipe() gives an end to a child without FFI, and each message arrives once, in order", async () => {
  const { here, child } = pipeTo(targets.exchange, MANY);
  const sent = (async () => {
    for (let k = 0; k < MANY; k++) await here.send(k);
  })();
  for (let k = 0; k < MANY; k++) assertEquals(await here.recv(), k);
  await sent;
  assertEquals(await child.result(), true);
  here.close();
  await child.join();
});

test("pipe() gives either end of a one-way pipe to a child without FFI", async () => {
  const [receiver, sender] = pipe<unknown>({ duplex: false });
  const counts = start(targets.count, [sender, 100]);
  sender.close();
  assertEquals(await Array.fromAsync(receiver), Array.from({ length: 100 }, (_, k) => k));
  await assertRejects(() => receiver.send(1), Error, "only receives");
  receiver.close();
  const [theirs, mine] = pipe<unknown>({ duplex: false });
  const drains = start(targets.drain, [theirs]);
  theirs.close();
  for (let k = 0; k < 100; k++) await mine.send(k);
  await assertRejects(() => mine.recv(), Error, "only sends");
  mine.close();
  assertEquals(await drains.result(), Array.from({ length: 100 }, (_, k) => k));
  for (const child of [counts, drains]) await child.join();
});

test("pipe() gives both ends to children without FFI", async () => {
  const [a, b] = pipe<unknown>();
  const drains = start(targets.drain, [a]);
  const counts = start(targets.count, [b, 1_000]);
  closeAll(a, b);
  assertEquals(await drains.result(), Array.from({ length: 1_000 }, (_, k) => k));
  for (const child of [drains, counts]) await child.join();
});

test("pipe() gives both ends to one child, and one end to two", async () => {
  const [a, b] = pipe<unknown>();
  const child = start(targets.rights, [[a, b, a]]);
  const first = start(targets.echo, [a]);
  const second = start(targets.echo, [a]);
  a.close();
  for (let k = 0; k < 20; k++) {
    await b.send(k);
    assertEquals(await b.recv(), k);
  }
  b.close();
  const counts = [await first.result() as number, await second.result() as number];
  assertEquals(counts[0]! + counts[1]!, 20);
  for (const one of [child, first, second]) await one.join();
});

test("pipe() gives the other end to a child with FFI later on", async () => {
  const [a, b] = pipe<unknown>();
  const drains = start(targets.drain, [a]);
  const echoes = new Process(equalEcho, { args: [b] }).start();
  closeAll(a, b);
  // Nobody says anything: each waits for the other until one of them ends.
  drains.kill();
  assertEquals(await echoes.result(), 0);
  for (const child of [drains, echoes]) await child.join();
});

test("pipe() gives a child without FFI the way to its end, and nothing else", async () => {
  const [here, there] = pipe<unknown>();
  const script = new URL("./_crossing_targets.ts", import.meta.url);
  const permissions: Permissions = {
    ...LEAST as object,
    read: [new URL("../../lib", script), script],
  };
  const child = start(targets.rights, [there], { permissions });
  const other = start(targets.echo, [there], { permissions });
  there.close();
  assertEquals(await child.result(), []);
  await here.send("hello");
  assertEquals(await here.recv(), "hello");
  here.close();
  for (const one of [child, other]) await one.join();
});

test("Connection takes along what was sent before its pipe went over, in order", async () => {
  const [here, there] = pipe<unknown>();
  await here.send("first");
  await there.send("to here");
  await here.sendBytes(new Uint8Array([1, 2]));
  await here.send({ last: "x".repeat(200_000) });
  const child = start(targets.echo, [there]);
  const later = here.send("later");
  there.close();
  assertEquals(await here.recv(), "to here");
  const back = [];
  for (let k = 0; k < 4; k++) back.push(await here.recv());
  await later;
  assertEquals(back, ["first", new Uint8Array([1, 2]), { last: "x".repeat(200_000) }, "later"]);
  here.close();
  assertEquals(await child.result(), 4);
  await child.join();
});

test("Connection takes along what was sent by an end that is closed", async () => {
  const [here, there] = pipe<unknown>();
  for (let k = 0; k < 3; k++) await here.send(k);
  here.close();
  const child = start(targets.drain, [there]);
  there.close();
  assertEquals(await child.result(), [0, 1, 2]);
  await child.join();
});

test("Connection goes on with what waits when its pipe goes over", async () => {
  const [here, there] = pipe<unknown>();
  const controller = new AbortController();
  const late = assertRejects(() => here.recv({ timeout: 60 }), TimeoutError, "within 60 ms");
  const abandoned = assertRejects(
    () => here.recv({ signal: controller.signal }),
    Error,
    "enough",
  );
  const none = there.poll(60);
  const polled = here.poll(60_000);
  const ready = connectionWait([here]);
  const child = start(targets.echo, [there]);
  await late;
  controller.abort(new Error("enough"));
  await abandoned;
  assertEquals(await none, false);
  const early = await Promise.race([polled, ready, delay(50)]);
  assertEquals(early, undefined);
  there.close();
  await here.send("hello");
  assertEquals(await polled, true);
  assertEquals(await ready, [here]);
  assertEquals(await here.recv(), "hello");
  here.close();
  await child.join();
});

test("Connection.recvBytes() that waits when its pipe goes over gets the bytes that come", async () => {
  const [here, there] = pipe<unknown>();
  const bytes = here.recvBytes();
  const child = start(targets.echo, [there]);
  there.close();
  await here.sendBytes(new Uint8Array([7]));
  assertEquals(await bytes, new Uint8Array([7]));
  here.close();
  await child.join();
});

test("Connection.recvBytesInto() that waits when its pipe goes over gets the bytes that come", async () => {
  const [here, there] = pipe<unknown>();
  const buffer = new Uint8Array(3);
  const count = here.recvBytesInto(buffer, 1);
  const child = start(targets.echo, [there]);
  there.close();
  await here.sendBytes(new Uint8Array([7]));
  assertEquals(await count, 1);
  assertEquals(buffer, new Uint8Array([0, 7, 0]));
  here.close();
  await child.join();
});

test("Connection ends for a child without FFI when the other end is closed", async () => {
  const [here, there] = pipe<unknown>();
  const child = await reported(targets.outlive, [there]);
  there.close();
  const began = performance.now();
  here.close();
  assertEquals(await child.result(), ["EOFError", "EOFError"]);
  assertLess(performance.now() - began, NOTICED);
  await child.join();
});

test("Connection ends when the child without FFI at the other end is killed", async () => {
  for (const when of ["at once", "later"]) {
    const [here, there] = pipe<unknown>();
    const child = when === "later"
      ? await reported(targets.hold, [there])
      : start(targets.hold, [there]);
    there.close();
    const waiting = here.recv();
    const began = performance.now();
    child.kill();
    await assertRejects(() => waiting, EOFError);
    await assertRejects(() => here.send(1), EOFError);
    assertLess(performance.now() - began, NOTICED);
    here.close();
    await child.join();
  }
});

test("Connection holds a sender back while a child without FFI does not receive", async () => {
  const { here, child } = pipeTo(targets.hold);
  const part = new Uint8Array(1 << 18);
  let sent = 0;
  await assertRejects(async () => {
    for (;; sent++) await here.sendBytes(part, { timeout: 100 });
  }, TimeoutError);
  assertLess(sent * part.length, 2 << 20);
  child.kill();
  here.close();
  await child.join();
});

test("Connection is as it was when the child cannot be started", async () => {
  const [here, there] = pipe<unknown>();
  here.sendSync("before");
  const impossible = [
    { args: [there, Symbol("never")], permissions: LEAST },
    { args: [there], permissions: { ...LEAST as object, read: ["/there,x"] } },
    { args: [here, there], permissions: LEAST, cwd: "/there/is/no/such/folder" },
  ];
  for (const options of impossible) {
    assertThrows(() => new Process(targets.hold as never, options as never).start());
    here.sendSync("after");
    assertEquals(there.recvSync(), "before");
    assertEquals(there.recvSync(), "after");
    there.sendSync("back");
    assertEquals(here.recvSync(), "back");
    here.sendSync("before");
  }
  const child = start(targets.echo, [there]);
  assertEquals(await here.recv(), "before");
  closeAll(here, there);
  await child.join();
});

test("Connection says what its Sync forms need when its pipe has gone over", async () => {
  const { here, child } = pipeTo(targets.echo);
  const { NotCapable } = Deno.errors;
  const blocking = here as End & { sendBytesSync(b: Uint8Array): void; recvBytesSync(): void };
  assertThrows(() => here.sendSync(1), NotCapable, "await send()");
  assertThrows(() => here.recvSync(), NotCapable, "await recv()");
  assertThrows(() => here.pollSync(), NotCapable, "await poll()");
  assertThrows(() => blocking.sendBytesSync(new Uint8Array()), NotCapable, "await send()");
  assertThrows(() => blocking.recvBytesSync(), NotCapable, "await recv()");
  assertEquals(Deno.inspect(here), "Connection(open)");
  here.close();
  assertEquals(Deno.inspect(here), "Connection(closed)");
  await child.join();
});

test("Connection is taken by a worker without FFI of a Pool, as an argument", async () => {
  await using pool = new Pool(2, { permissions: LEAST });
  const [here, there] = pipe<unknown>();
  const echoed = pool.apply(targets.echo, [there]);
  there.close();
  for (let k = 0; k < 100; k++) {
    await here.send(k);
    assertEquals(await here.recv(), k);
  }
  here.close();
  assertEquals(await echoed, 100);
});

test("Connection is taken by a worker without FFI of an executor, as an argument and at its start", async () => {
  const [here, there] = pipe<unknown>();
  const [log, toLog] = pipe<unknown>();
  await using executor = new ProcessPoolExecutor(1, {
    permissions: LEAST,
    initializer: targets.count,
    initArgs: [toLog, 3],
  });
  const future = executor.submit(targets.echo, there);
  closeAll(there, toLog);
  assertEquals(await Array.fromAsync(log), [0, 1, 2]);
  await here.send("hello");
  assertEquals(await here.recv(), "hello");
  here.close();
  assertEquals(await future.result(), 1);
  log.close();
});

test("Connection goes to a child without FFI through another pipe, whichever that is", async () => {
  for (const memory of [true, false]) {
    const [way, there] = pipe<unknown>({ memory });
    const child = start(targets.useReceived, [there]);
    there.close();
    const [a, b] = pipe<unknown>();
    await way.send([b].at(0));
    b.close();
    assertEquals(await a.recv(), "through the other");
    await assertRejects(() => a.recv(), EOFError);
    closeAll(a, way);
    await child.join();
  }
});

test("Connection goes to a child without FFI through a pipe that the child has made", async () => {
  const [here, there] = pipe<unknown>();
  // What it takes to have a socket of one's own.
  const permissions = { ...LEAST as object, read: true, write: true, net: true };
  const child = start(targets.useOwn, [there], { permissions });
  there.close();
  const way = await here.recv() as End;
  const [a, b] = pipe<unknown>();
  await way.send(b);
  b.close();
  assertEquals(await a.recv(), "through the other");
  await assertRejects(() => way.send(new Lock()), ShareError, "Manager");
  closeAll(a, way, here);
  await child.join();
});

test("Connection that a child without FFI has been given reads its words as those of one with less", async () => {
  const { here, child } = pipeTo(targets.sendFunction);
  await assertRejects(() => here.recv(), ShareError, "echo");
  assertEquals(await here.recv(), "after it");
  here.close();
  await child.join();
});

test("pipe() cannot go over any more once others have an end of it in memory, and says what to do", async () => {
  const [here, there] = pipe<unknown>();
  const equal = new Process(equalEcho, { args: [there] }).start();
  for (const end of [here, there]) {
    const error = assertThrows(() => start(targets.hold, [end]), ShareError, REMEDY);
    assertEquals((error as ShareError).message.includes("args[0]"), true);
  }
  // Nothing has happened to it.
  there.close();
  here.sendSync("hello");
  assertEquals(here.recvSync(), "hello");
  here.close();
  await equal.join();
  const [a, b] = pipe<unknown>();
  const thread = new Thread(equalEcho, { args: [b] }).start();
  assertThrows(() => start(targets.hold, [b]), ShareError, REMEDY);
  closeAll(a, b);
  await thread.join();
});

test("pipe() goes over when those who had an end of it have left", async () => {
  const [here, there] = pipe<unknown>();
  const equal = new Process(equalEcho, { args: [there] }).start();
  await here.send(1);
  assertEquals(await here.recv(), 1);
  equal.kill();
  await equal.join();
  const child = start(targets.echo, [there]);
  there.close();
  await here.send(2);
  assertEquals(await here.recv(), 2);
  here.close();
  await child.join();
});

for (const call of ["send", "recv"] as const) {
  test(`pipe() goes over with all its messages when one was killed within ${call}()`, async () => {
    const [here, there] = pipe<unknown>();
    const equal = new Process(dieWithin, { args: [there, call] }).start();
    if (call === "recv") await here.send("taken by the dead");
    await equal.join();
    const sent = ["first", "second"];
    for (const text of sent) {
      here.sendSync(text);
      if (call === "recv") there.sendSync(text);
    }
    const back = call === "send" ? ["the last word"] : sent;
    // A start that fails puts all back.
    const options = { args: [there], permissions: LEAST, cwd: "/there/is/no/such/folder" };
    assertThrows(() => new Process(targets.echo as never, options as never).start());
    const child = start(targets.echo, [there]);
    there.close();
    for (const text of [...back, ...sent]) assertEquals(await here.recv(), text);
    here.close();
    await child.join();
  });
}

test("pipe() that takes the place of one whose reader was killed goes over with its messages", async () => {
  const [old, itsEnd] = pipe<unknown>();
  const equal = new Process(dieWithin, { args: [itsEnd, "recv"] }).start();
  await old.send("taken by the dead");
  await equal.join();
  closeAll(old, itsEnd);
  // The words of spent pipes serve again: one of these has those of the old one.
  const pipes = Array.from({ length: 8 }, () => pipe<unknown>());
  const children = pipes.map(([here, there], k) => {
    here.sendSync(k);
    const child = start(targets.echo, [there]);
    there.close();
    return child;
  });
  for (const [k, [here]] of pipes.entries()) assertEquals(await here.recv(), k);
  for (const [here] of pipes) here.close();
  for (const child of children) await child.join();
});

test("pipe() cannot go over while a send waits, or with shared objects on their way", async () => {
  const [here, there] = pipe<unknown>();
  const large = "x".repeat(700_000);
  await here.send(large);
  const second = here.send(large);
  assertThrows(() => start(targets.hold, [there]), ShareError, "a send waits for room");
  assertEquals(await there.recv(), large);
  assertEquals(await there.recv(), large);
  await second;
  await here.send([new Lock()]);
  await here.send("behind it");
  assertThrows(() => start(targets.hold, [there]), ShareError, "shared objects");
  assert((await there.recv() as [unknown])[0] instanceof Lock);
  assertEquals(await there.recv(), "behind it");
  closeAll(here, there);
});

test("pipe() cannot go over with a message on its way that no socket takes", async () => {
  const [here, there] = pipe<unknown>();
  const long = new Uint8Array(65 << 20);
  await here.sendBytes(long);
  assertThrows(() => start(targets.hold, [there]), ShareError, "too long for a socket");
  here.close();
  assertEquals((await there.recvBytes()).length, long.length);
  await assertRejects(() => there.recvBytes(), EOFError);
  there.close();
});

test("what is memory is refused to children without FFI at the call, with its remedy", async () => {
  using memory = new SharedMemory({ create: true, size: 8 });
  using queue = new Queue();
  await using pool = new Pool(1, { permissions: LEAST });
  await using executor = new ProcessPoolExecutor(1, { permissions: LEAST });
  const [way, there] = pipe<unknown>();
  const child = start(targets.hold, [there]);
  there.close();
  for (
    const [thing, remedy] of [[new Lock(), "Manager"], [queue, "Manager"], [memory, "--allow-ffi"]]
  ) {
    const text = remedy as string;
    assertThrows(() => start(targets.never, [thing]), ShareError, text);
    await assertRejects(() => pool.apply(targets.never, [thing]), ShareError, text);
    assertThrows(() => executor.submit(targets.never, thing), ShareError, text);
    await assertRejects(() => way.send({ thing }), ShareError, text);
  }
  assertEquals(await pool.apply(targets.never, ["plain"]), "never");
  child.kill();
  way.close();
  await child.join();
  memory.unlink();
});

test("Manager's proxies bring a child without FFI to their server", async () => {
  await using manager = await Manager.start();
  const queue = await manager.Queue<number>();
  const { here, child } = pipeTo(targets.echo);
  const other = start(targets.never, [queue]);
  assertEquals(await other.result(), "never");
  here.close();
  for (const one of [child, other]) await one.join();
});

test("Connection.recv() that waits when its end is closed takes nothing from a later pipe", async () => {
  // The words of spent pipes serve again.
  for (let k = 0; k < 10; k++) {
    const [a, b] = ringPipe<unknown>(true);
    const waiting = b.recv();
    closeAll(a, b);
    const later = Array.from({ length: 6 }, () => ringPipe<unknown>(true));
    for (const [here] of later) await here.send("for another");
    await assertRejects(() => waiting, Error, "closed");
    for (const [, there] of later) assertEquals(await there.recv({ timeout: 100 }), "for another");
    closeAll(...later.flat());
  }
});

/**
 * Runs a program in a temporary folder of its own; gives what it has printed, and sees that it
 * leaves nothing. What one leaves that is killed, its children cannot remove: they may not look
 * whether it lives. The next program does.
 */
async function run(how: string): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const lines = await runIn(folder, how);
    if (how === "beKilled") await runIn(folder, "talk");
    assertEquals([...Deno.readDirSync(folder)], []);
    return lines;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runIn(folder: string, how: string): Promise<string[]> {
  const script = fileURLToPath(new URL("./_crossing_program.ts", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, how],
    env: { TMPDIR: folder },
    stderr: "inherit",
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const pids = lines.filter((line) => line.startsWith("pid ")).map((line) => Number(line.slice(4)));
  assert(pids.length > 0);
  const began = performance.now();
  while (pids.some(isAlive)) {
    assertLess(performance.now() - began, NOTICED + 1_000);
    await delay(20);
  }
  return lines.filter((line) => !line.startsWith("pid "));
}

for (
  const [how, said] of [
    ["talk", ["hello"]],
    ["letGo", []],
    ["exit", []],
    ["beKilled", ["recv EOFError", "recv EOFError"]],
  ] as const
) {
  test(`a program that has given ends to children without FFI leaves nothing behind [${how}]`, async () => {
    assertEquals(await run(how), [...said]);
  });
}
