/**
 * What a manager's server makes of strangers, and of frames that are none.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { makePrivateFolder } from "../../lib/channel/socket/private_folder.ts";
import { newToken, PrivateSocket } from "../../lib/channel/socket/private_socket.ts";
import { ShutDown, WorkerLostError } from "../../lib/errors.ts";
import { serverAt } from "../../lib/multiprocessing/manager/client.ts";
import { Objects } from "../../lib/multiprocessing/manager/objects/factory.ts";
import { DONE, fromFrame, newId } from "../../lib/multiprocessing/manager/protocol.ts";
import { attend } from "../../lib/multiprocessing/manager/server.ts";
import { encode } from "../../lib/transfer/codec/codec.ts";
import { watchLoads } from "../../lib/transfer/task.ts";
import { connectTo } from "../../lib/channel/socket/place.ts";
import { error, forged, instance, target, withTable } from "../security/_forge.ts";
import { randoms } from "../_help/random.ts";
import { withoutStacks } from "../_help/stacks.ts";
import { sentOf, test } from "./_manager.ts";

/** So many are read in this process, from memory or a socket. */
const FRAMES = 100_000;
/** So many go to a server in its own process. */
const OVER_SOCKET = 400;
/** So many frames of one connection are tried before the server is asked whether it is well. */
const BATCH = 50;

/** Connects as a client would, or a stranger. */
async function connect(folder: string, token: Uint8Array): Promise<Deno.Conn> {
  const conn = await connectTo(folder);
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

function joined(frames: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  frames.reduce((at, frame) => (bytes.set(frame, at), at + frame.length), 0);
  return bytes;
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

/** What makes objects of each kind at the manager itself. */
const FACTORIES: [string, ...unknown[]][] = [
  ["dict", [value, value]],
  ["list", [value]],
  ["queue", 2],
  ["lock", true, "name"],
  ["lock", false, "name"],
  ["semaphore", 2, true],
  ["event"],
  ["condition"],
  ["barrier", 2, true, 5, "name"],
  ["value", "i32", 1],
  ["array", "f64", 3],
];

/** Good calls of each kind of object, by the factory that makes it. */
const CALLS: Record<string, [string, ...unknown[]][]> = {
  dict: [
    ...[["get", value], ["set", value, value], ["has", value], ["delete", value], ["entries"]],
    ...[["keys"], ["values"], ["size"], ["clear"]],
    ["update", value, "file:///none.ts", "none", 1, value],
  ] as [string][],
  list: [
    ...[["push", [value]], ["pop"], ["unshift", [value]], ["shift"], ["indexOf", value]],
    ...[["at", 0], ["set", 0, value], ["splice", 0, 1, [value]], ["slice", 0, 2], ["length"]],
    ["update", 0, "file:///none.ts", "none", 1, value],
  ] as [string][],
  queue: [["put", 0, value], ["put", 5, value], ["get", 0], ["get", 5], ["join", 5], ["taskDone"]],
  lock: [["acquire", 0], ["acquire", 5], ["release", 1], ["giveBack", 1], ["locked"]],
  semaphore: [["acquire", 0], ["acquire", 5], ["release", 1], ["giveBack", 1], ["locked"]],
  event: [["set"], ["clear"], ["isSet"], ["wait", 5]],
  condition: [["acquire", 0], ["wait", 5], ["notify", 1], ["release", 1]],
  barrier: [["wait", 5], ["finish", 1, true], ["reset"], ["abort"]],
  value: [["get"], ["set", 1], ["add", 1], ["compareExchange", 1, 2]],
  array: [["at", 0], ["set", 0, 1], ["slice", 0, 2], ["length"]],
};
const KINDS = Object.keys(CALLS);

/** What stands where something else should. */
const FORGED: unknown[] = [
  ...["data:text/javascript,globalThis.evil = 1", "npm:evil", "https://example.com/x.ts"],
  ...["file:///etc/passwd", "node:child_process", "execSync", "__proto__", "constructor", "then"],
  ...["/tmp/switchyard-1-1-x", "0".repeat(32), "f".repeat(32), "", "\0", "x".repeat(5000)],
  ...[0, 1, -1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 53, -0, 1e308, 5n, true, null, undefined],
  ...[[], {}, [[[]]], [value], { length: 1e9 }, new Uint8Array(32), value.subarray(1), new Map()],
];

type Random = (below: number) => number;

function pick<T>(list: readonly T[], random: Random): T {
  return list[random(list.length)]!;
}

/** An object, and what made it. */
type Known = readonly [kind: string, object: unknown];

/** A frame that is well formed, and says what no client would, in one part or none. */
function wordOf(id: number, objects: readonly Known[], random: Random): unknown[] {
  const [kind, object] = pick(objects, random);
  const [method, ...args] = pick(CALLS[random(20) === 0 ? pick(KINDS, random) : kind]!, random);
  const word = [0, id, object, method, ...args];
  switch (random(20)) {
    case 0:
      return [1, 1 + random(id), random(2) === 0];
    case 1:
      return [2, 1 + random(id)];
    case 2:
      return [4, pick(FORGED, random), pick(FORGED, random)];
    case 3:
      return [3];
    case 4:
      return [0, id, pick(FORGED, random), pick(FACTORIES, random)[0], ...args];
    case 5:
      return [0, id, pick(FORGED, random), pick(["own", "shutdown", "register", "create"], random)];
    case 6:
    case 7:
    case 8:
    case 9:
      word[2 + random(word.length - 2)] = pick(FORGED, random);
      return word;
    case 10:
      return random(10) === 0 ? [pick(FORGED, random), id] : [...word, pick(FORGED, random)];
    default:
      return word;
  }
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

/**
 * A connection in memory: it reads these frames, one at a time, and then ends; what is written is
 * heard.
 */
function connectionOf(next: () => Uint8Array | undefined, hear: (frame: Uint8Array) => void) {
  let frame: Uint8Array | undefined = new Uint8Array();
  return {
    read(into: Uint8Array): Promise<number | null> {
      if (frame?.length === 0) frame = next();
      if (frame === undefined) return Promise.resolve(null);
      const count = Math.min(into.length, frame.length);
      into.set(frame.subarray(0, count));
      frame = frame.subarray(count);
      return Promise.resolve(count);
    },
    write(bytes: Uint8Array): Promise<number> {
      hear(bytes.subarray(4));
      return Promise.resolve(bytes.length);
    },
    close() {},
  } as unknown as Deno.Conn;
}

/** A client that means well, over a connection in memory. */
function clientOf(objects: Objects, rank: Uint8Array) {
  const outbox: Uint8Array[] = [];
  const answers = new Map<number, PromiseWithResolvers<unknown[]>>();
  let rang = Promise.withResolvers<void>();
  let isOver = false;
  let last = 0;
  const conn = connectionOf(() => outbox.shift(), (frame) => {
    const answer = fromFrame(frame);
    answers.get(answer[0] as number)!.resolve(answer);
  });
  const { read } = conn;
  conn.read = async (into) => {
    while (outbox.length === 0 && !isOver) await rang.promise;
    rang = Promise.withResolvers();
    return await read.call(conn, into);
  };
  const ended = attend(conn, objects, rank);
  return {
    async call(object: unknown, method: string, ...args: unknown[]): Promise<unknown> {
      const answer = Promise.withResolvers<unknown[]>();
      answers.set(++last, answer);
      outbox.push(frameOf([0, last, object, method, ...args]));
      rang.resolve();
      const [, status, value] = await answer.promise;
      assertEquals(status, DONE);
      return value;
    },
    async end() {
      isOver = true;
      rang.resolve();
      await ended;
    },
  };
}

Deno.test(`a manager's server takes ${FRAMES} forged frames: they load, reach and end nothing`, async () => {
  const seed = Number(Deno.env.get("SWITCHYARD_SEED") ?? Date.now() & 0xffff);
  console.log(`seed ${seed}`);
  const random = randoms(seed);
  const [id, rank] = [newId(), newToken()];
  const objects = new Objects(id, () => {
    throw new Error(`the server was shut down, seed ${seed}`);
  });
  const client = clientOf(objects, rank);
  const known: Known[] = [];
  for (const [kind, ...args] of FACTORIES) {
    const made = await client.call(id, kind, ...args);
    // A number has a lock.
    const [object, lock] = typeof made === "string" ? [made] : made as string[];
    known.push([kind, object], ...lock === undefined ? [] : [["lock", lock] as const]);
  }
  const SECRET = "correct horse battery staple";
  const secret = encode(SECRET, () => 0 as never, "secret");
  const hidden = await client.call(id, "dict", [secret, secret]);
  const event = await client.call(id, "event");
  const waiting = client.call(event, "wait");
  const loads: string[] = [];
  watchLoads((module) => loads.push(module));
  let frames = 0;
  let answers = 0;
  const statuses = [0, 0, 0];
  const hear = (frame: Uint8Array) => {
    const [, status] = fromFrame(frame);
    statuses[status as number]!++;
    answers++;
    // Of many answers, as looking takes long.
    if (answers % 16 === 0) assert(!decoder.decode(frame).includes(SECRET), `seed ${seed}`);
  };
  const decoder = new TextDecoder("latin1");
  try {
    await withoutStacks(async () => {
      while (frames < FRAMES) {
        let ids = 0;
        let left = 1 + random(40);
        const next = () => {
          if (left-- === 0) return undefined;
          frames++;
          const frame = frameOf(wordOf(++ids, known, random));
          return random(10) === 0 ? mutate(frame, random) : frame;
        };
        await attend(connectionOf(next, hear), objects, rank);
      }
    });
    assertEquals([loads, objects.owner], [[], undefined], `seed ${seed}`);
  } finally {
    watchLoads(undefined);
  }
  // Each status was met, most often after a frame had got far.
  assert(answers > FRAMES / 4 && statuses.every((count) => count > 0), `${statuses}, seed ${seed}`);
  assertEquals(await client.call(hidden, "entries"), [secret, secret]);
  await client.call(event, "set");
  assertEquals(await waiting, true);
  await client.end();
});

Deno.test(`a manager's client takes ${FRAMES} forged answers: they load nothing, and each call ends`, async () => {
  const seed = Number(Deno.env.get("SWITCHYARD_SEED") ?? Date.now() & 0xffff);
  console.log(`seed ${seed}`);
  const random = randoms(seed);
  const MODULE = "data:text/javascript,globalThis.evil = 1";
  const values: unknown[] = [
    ...FORGED,
    forged(instance(MODULE, "A", 0, {})),
    forged(target(MODULE, "f")),
    forged(error(MODULE, "Bad")),
    forged(error("", "SystemExit", { fields: [["code", 0, true]] })),
    withTable(1, [MODULE]),
  ];
  const token = newToken();
  let frames = 0;
  const served: Promise<void>[] = [];
  const socket = new PrivateSocket(makePrivateFolder(), token, (conn) => {
    const said = Array.from({ length: 500 }, () => {
      const answer = [1 + random(20), random(4), pick(values, random), random(2) === 0, true];
      if (random(50) === 0) answer[random(5)] = pick(values, random);
      const frame = frameOf(answer);
      return random(200) === 0 ? mutate(frame, random) : frame;
    });
    frames += said.length;
    served.push((async () => {
      const read = untilClosed(conn);
      await write(conn, joined(said));
      conn.close();
      await read;
    })());
  });
  const loads: string[] = [];
  watchLoads((module) => loads.push(module));
  let settled = 0;
  try {
    while (frames < FRAMES) {
      // Each time another server, to this client's mind.
      const address = { folder: socket.folder, token, name: "m", rank: newToken(), isBelow: true };
      const server = serverAt(address);
      const calls = Array.from({ length: 10 }, () => server.call(newId(), "get", []));
      settled += (await Promise.allSettled(calls)).length;
      // Its connection has ended, or does when all has come.
      while (await server.call(newId(), "get", []).then(() => true, () => false));
    }
    assert(settled > 0);
    assertEquals(loads, [], `seed ${seed}`);
    await Promise.all(served);
  } finally {
    watchLoads(undefined);
    socket.end();
  }
});

test(`${OVER_SOCKET} forged frames over the socket end no server, and no other client`, async (manager) => {
  const seed = Number(Deno.env.get("SWITCHYARD_SEED") ?? Date.now() & 0xffff);
  console.log(`seed ${seed}`);
  const random = randoms(seed);
  const dict = await manager.dict<string, number>([["n", 1]]);
  const { address: { folder, token, rank } } = sentOf(dict);
  const known: Known[] = [
    ["dict", sentOf(dict).object],
    ["list", sentOf(await manager.list([1, 2])).object],
    ["queue", sentOf(await manager.Queue(2)).object],
    ["lock", sentOf(await manager.Lock()).object],
    ["semaphore", sentOf(await manager.BoundedSemaphore(2)).object],
    ["event", sentOf(await manager.Event()).object],
    ["condition", sentOf(await manager.Condition()).object],
    ["barrier", sentOf(await manager.Barrier(2)).object],
    ["value", sentOf(await manager.Value("i32")).object],
    ["array", sentOf(await manager.Array("f64", 3)).object],
  ];
  const pending = await manager.Event();
  const waiting = pending.wait();
  let conn: Deno.Conn | undefined;
  let read: Promise<void> | undefined;
  for (let k = 0; k < OVER_SOCKET; k++) {
    if (conn === undefined) {
      conn = await connect(folder, token);
      read = untilClosed(conn);
      if (random(2) === 0) await write(conn, frameOf([4, "equal", rank]));
    }
    const frame = frameOf(wordOf(k + 1, known, random));
    const went = await write(conn, random(4) === 0 ? mutate(frame, random) : frame);
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
});

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
  const { address: { folder, token, rank } } = sentOf(dict);
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
  // From a client below no longer frame is taken than 64 MiB.
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, (64 << 20) + 1);
  const long = await connect(folder, token);
  await write(long, head);
  await untilClosed(long);
  long.close();
  const equal = await connect(folder, token);
  await write(equal, frameOf([4, "equal", rank]));
  await write(equal, head);
  const ended = untilClosed(equal).then(() => "ended");
  assertEquals(await dict.get("n"), 1);
  assertEquals(await Promise.race([ended, delay(100)]), undefined);
  equal.close();
  await ended;
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
