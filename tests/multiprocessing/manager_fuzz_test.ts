/**
 * What a manager's server makes of strangers, and of frames that are none.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Manager } from "../../lib/multiprocessing.ts";
import { ShutDown, WorkerLostError } from "../../lib/errors.ts";
import { encode } from "../../lib/transfer/codec.ts";
import { sentOf, test } from "./_manager.ts";

const FRAMES = 2_000;
/** So many frames of one connection are tried before the server is asked whether it is well. */
const BATCH = 50;

/** mulberry32: the same numbers in every run with the same seed. */
function randoms(seed: number): (below: number) => number {
  return (below) => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return Math.floor(((t ^ t >>> 14) >>> 0) / 2 ** 32 * below);
  };
}

/** Connects as a client would, or a stranger. */
async function connect(folder: string, token: Uint8Array): Promise<Deno.Conn> {
  const conn = await Deno.connect({ transport: "unix", path: `${folder}/socket` });
  await conn.write(token);
  return conn;
}

async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  try {
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    return true;
  } catch {
    return false;
  }
}

/** Reads until the server closes the connection. */
async function untilClosed(conn: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(1 << 16);
  while (await conn.read(bytes).catch(() => null) !== null);
}

function frameOf(message: unknown): Uint8Array {
  const body = encode(message, () => {
    throw new TypeError("plain");
  }, "frame");
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

const value = encode({ a: [1, "x"] }, () => {
  throw new TypeError("plain");
}, "value");

/** Good frames, for each object a server can have. */
async function goodFrames(manager: Manager): Promise<unknown[][]> {
  await manager.list([1, 2]);
  await manager.Queue(2);
  await manager.Lock();
  await manager.BoundedSemaphore(2);
  await manager.Event();
  await manager.Condition();
  await manager.Barrier(2);
  await manager.Value("i32");
  await manager.Array("f64", 3);
  const calls: [string, ...unknown[]][] = [
    ["get", value],
    ["set", value, value],
    ["entries"],
    ["size"],
    ["update", value, "file:///none.ts", "none", 1, value],
    ["push", [value]],
    ["at", 0],
    ["splice", 0, 1, [value]],
    ["slice", 0, 2],
    ["put", 0, value],
    ["get", 0],
    ["join", 5],
    ["taskDone"],
    ["acquire", 0],
    ["acquire", 5],
    ["release", 1],
    ["giveBack", 1],
    ["locked"],
    ["wait", 5],
    ["notify", 1],
    ["finish", 1, true],
    ["reset"],
    ["add", 1],
    ["compareExchange", 1, 2],
    ["create", "x", "y", 1, value],
  ];
  const factories: [string, ...unknown[]][] = [
    ["dict", [value, value]],
    ["list", [value]],
    ["queue", 2],
    ["lock", true, "name"],
    ["semaphore", 2, true],
    ["condition", 4],
    ["barrier", 2, true, 5, "name"],
    ["value", "i32", 1],
    ["create", "x", "y", 1, value],
  ];
  const frames: unknown[][] = [[3], [4, "name"]];
  let id = 0;
  for (const [method, ...args] of factories) frames.push([0, ++id, 0, method, ...args]);
  for (let object = 1; object <= 14; object++) {
    for (const [method, ...args] of calls) {
      frames.push([0, ++id, object, method, ...args]);
      if (id % 7 === 0) frames.push([1, id, false], [2, id]);
    }
  }
  return frames;
}

/** Changes a frame in its bytes. */
function mutate(frame: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = frame.slice();
  for (let k = random(4) + 1; k > 0; k--) {
    const at = random(bytes.length);
    const kind = random(5);
    if (kind === 0) bytes[at] = random(256);
    else if (kind === 1) bytes[at]! ^= 1 << random(8);
    else if (kind === 2) bytes = bytes.slice(0, at + 1);
    else if (kind === 3) {
      bytes = new Uint8Array([...bytes.slice(0, at), random(256), ...bytes.slice(at)]);
    } else bytes.copyWithin(at, random(bytes.length));
  }
  // Mostly with a right length, so that it is looked into.
  if (random(8) !== 0 && bytes.length >= 4) {
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, bytes.length - 4);
  }
  return bytes;
}

test(`${FRAMES} mutated frames end no server, and no other client`, async (manager) => {
  const seed = Date.now() & 0xffff;
  console.log(`seed ${seed}`);
  const random = randoms(seed);
  const dict = await manager.dict<string, number>([["n", 1]]);
  const { address: { folder, token } } = sentOf(dict);
  const frames = (await goodFrames(manager)).map(frameOf);
  const pending = await manager.Event();
  const waiting = pending.wait();
  let conn: Deno.Conn | undefined;
  let read: Promise<void> | undefined;
  for (let k = 0; k < FRAMES; k++) {
    if (conn === undefined) {
      conn = await connect(folder, token);
      read = untilClosed(conn);
    }
    const good = frames[random(frames.length)]!;
    const went = await write(conn, random(4) === 0 ? good : mutate(good, random));
    if (went && k % BATCH !== 0) continue;
    conn.close();
    await read;
    conn = undefined;
    const other = await manager.dict<string, number>([["n", k]]);
    assertEquals(await other.get("n"), k);
  }
  conn?.close();
  await read;
  await pending.set();
  assertEquals(await waiting, true);
}, 30_000);

test("a stranger without the token is turned away, and one that says nothing keeps nobody out", async (manager) => {
  const dict = await manager.dict<string, number>([["n", 1]]);
  const { address: { folder, token } } = sentOf(dict);
  const wrong = token.slice();
  wrong[31]! ^= 1;
  const stranger = await connect(folder, wrong);
  await write(stranger, frameOf([0, 1, 0, "shutdown"]));
  await untilClosed(stranger);
  const silent = await connect(folder, new Uint8Array());
  const brief = await connect(folder, token.slice(0, 5));
  brief.close();
  assertEquals(await dict.get("n"), 1);
  silent.close();
  stranger.close();
});

test("a manager's folder is its user's alone", async (manager) => {
  const { address: { folder } } = sentOf(await manager.dict());
  assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
});

test("a corrupt frame ends its own connection, which is told why", async (manager) => {
  const dict = await manager.dict<string, number>([["n", 1]]);
  const { address: { folder, token } } = sentOf(dict);
  for (const message of [5, [], [9, 1], [0, 0, 0, "dict"], [0, 1, 0, 7], [0, "1", 0, "dict", []]]) {
    const conn = await connect(folder, token);
    await write(conn, frameOf(message));
    const bytes = new Uint8Array(1 << 12);
    const count = await conn.read(bytes);
    assert(new TextDecoder().decode(bytes.subarray(0, count ?? 0)).includes("Cannot read a frame"));
    await untilClosed(conn);
    conn.close();
  }
  const huge = await connect(folder, token);
  await write(huge, new Uint8Array([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
  await untilClosed(huge);
  huge.close();
  assertEquals(await dict.get("n"), 1);
});

test("what does not exist is an error of that call alone", async (manager) => {
  const dict = await manager.dict<string, number>([["n", 1]]);
  const { address, object } = sentOf(dict);
  const conn = await connect(address.folder, address.token);
  const bytes = new Uint8Array(1 << 12);
  const calls = [[object, "constructor"], [object, "whenFree"], [999, "get"], [
    object,
    "__proto__",
  ]];
  for (const [k, [target, method]] of calls.entries()) {
    await write(conn, frameOf([0, k + 1, target, method]));
    const count = await conn.read(bytes);
    const text = new TextDecoder().decode(bytes.subarray(0, count ?? 0));
    assert(text.includes("Cannot call a method"), text);
  }
  conn.close();
  assertEquals(await dict.get("n"), 1);
});

test("an item that never reached its client is dropped with its queue", async (manager) => {
  const queue = await manager.Queue<number>();
  await queue.put(1);
  const { address: { folder, token }, object } = sentOf(queue);
  const silent = await connect(folder, token);
  await write(silent, frameOf([0, 1, object, "get"]));
  assert(await silent.read(new Uint8Array(1 << 12)) !== null);
  await queue.shutdown({ immediate: true });
  assertEquals(await queue.join({ timeout: 5 }), false);
  // It was given the item, and ends without having confirmed it.
  silent.close();
  assertEquals(await queue.join({ timeout: 5_000 }), true);
  await assertRejects(() => queue.get(), ShutDown);
});

test("a proxy whose server is gone is lost, also where nobody has connected yet", async (manager) => {
  const dict = await manager.dict<string, number>([["n", 1]]);
  await manager.shutdown();
  await assertRejects(() => dict.get("n"), WorkerLostError);
});
