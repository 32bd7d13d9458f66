/**
 * What reads frames from a socket, given mutated ones: it settles, ends that connection alone, and
 * keeps little. `SWITCHYARD_SEED` repeats a run.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { delay } from "@std/async";
import { exists } from "@std/fs";
import { Link } from "../../lib/channel/socket/link.ts";
import { makePrivateFolder } from "../../lib/channel/socket/private_folder.ts";
import { newToken, PrivateSocket } from "../../lib/channel/socket/private_socket.ts";
import * as words from "../../lib/multiprocessing/pipe_protocol.ts";
import { frameOf, numberFrame, textFrame } from "../../lib/multiprocessing/pipe_protocol.ts";
import { SocketConnection, socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { memoryOf } from "../_help/memory.ts";
import { randoms } from "../_help/random.ts";
import { within } from "../_help/within.ts";
import { addressOf, parcel, Peer } from "./_peer.ts";

const FRAMES = 100_000;
const LIMIT = 120_000;
/** How much the process may have grown afterwards, in bytes. */
const MOST_GROWTH = 300 << 20;

const seed = Number(Deno.env.get("SWITCHYARD_SEED") ?? Math.floor(Math.random() * 2 ** 31));
const random = randoms(seed);

function pick<T>(list: readonly T[]): T {
  return list[random(list.length)]!;
}

/** Changes a byte, cuts, repeats or lengthens. */
function mutated(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  switch (random(6)) {
    case 0:
      if (copy.length > 0) copy[random(copy.length)] = random(256);
      return copy;
    case 1:
      return copy.subarray(0, random(copy.length + 1));
    case 2:
      return new Uint8Array([...copy, ...copy]);
    case 3:
      return new Uint8Array([...copy, ...new Uint8Array(random(20)).map(() => random(256))]);
    case 4:
      if (copy.length > 0) copy[0] = random(30);
      return copy;
    default:
      return copy;
  }
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `${name} [seed ${seed}]`,
    fn: () =>
      within(
        LIMIT,
        (async () => {
          const before = memoryOf();
          await fn();
          assertLess(memoryOf() - before, MOST_GROWTH);
        })(),
      ),
  });
}

test(`Link.frames() takes ${FRAMES} mutated frames for frames or throws`, async () => {
  let read = 0;
  for (let k = 0; read < FRAMES; k++) {
    const parts: Uint8Array[] = [];
    for (let n = 0; n < 50; n++) {
      const length = random(300) === 0 ? random(70_000) : random(40);
      const frame = new Uint8Array(4 + length);
      new DataView(frame.buffer).setUint32(0, length);
      parts.push(frame);
      read++;
    }
    // One head in the midst says something else.
    const odd = pick(parts);
    odd[random(4)] = random(256);
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    let at = 0;
    let isClosed = false;
    const conn = {
      read(into: Uint8Array) {
        if (at === bytes.length) return Promise.resolve(null);
        const count = Math.min(into.length, bytes.length - at, 1 + random(100_000));
        into.set(bytes.subarray(at, at + count));
        at += count;
        return Promise.resolve(count);
      },
      close: () => isClosed = true,
    } as unknown as Deno.Conn;
    const link = new Link(conn);
    link.longest = 1 << 20;
    try {
      for await (const frame of link.frames()) assertLess(frame.length, (1 << 20) + 1);
    } catch (error) {
      assert(error instanceof TypeError || error instanceof RangeError, String(error));
    }
    assertEquals(isClosed, true);
  }
});

test(`a pipe's home takes ${FRAMES} mutated frames of those who have an end`, async () => {
  const [here, there] = socketPipe<unknown>(true);
  const [a, b] = socketPipe<unknown>(true);
  const drain = (async () => {
    for (let k = 0;; k++) {
      const value = await here.recv().catch((error) => error);
      if (value === "last") return;
    }
  })();
  const makes: ((own: { ticket: string; key: string }) => Uint8Array)[] = [
    () => frameOf(words.SEND, parcel({ k: random(1000), text: "x".repeat(random(2000)) })),
    () => frameOf(words.SEND, parcel("cargo", [{}, null, 1])),
    ({ ticket, key }) => frameOf(words.SEND, parcel("own", [{ ...foreign, ticket, key }])),
    () => frameOf(words.WANT),
    () => frameOf(words.UNWANT),
    () => numberFrame(words.RECEIVED, 1 + random(4)),
    () => numberFrame(words.BACK, 1 + random(4)),
    () => numberFrame(words.NEXT, 1 + random(4)),
    () => numberFrame(words.ASK, random(10)),
    () => numberFrame(words.ASK_NOW, random(10)),
    () => numberFrame(words.UNASK, random(10)),
    ({ ticket }) => textFrame(words.TICKET, `${ticket}/${1 + random(3)}${pick(["", "b"])}`),
    ({ ticket }) => textFrame(words.REVOKE, `${ticket}/${1 + random(3)}`),
    () => textFrame(words.HELLO, "{}"),
    () => frameOf(words.MARK),
    () => frameOf(words.BYE),
  ];
  const foreign = { ...addressOf(b), pipe: "" };
  for (let said = 0; said < FRAMES;) {
    const address = addressOf(there);
    const peer = await Peer.at(address, { ...address, keeps: random(20) === 0 });
    for (let k = 0; k < 100; k++, said++) {
      // Most are good, so that one gets somewhere.
      const make = pick(random(3) === 0 ? makes : makes.slice(0, 5));
      const frame = make(address);
      peer.say(random(40) === 0 ? mutated(frame) : frame);
    }
    await peer.link.flushed();
    await peer.close();
  }
  await there.send("last");
  await drain;
  const lent = await Peer.at(foreign);
  await lent.close();
  await here.send("still here");
  assertEquals(await there.recv(), "still here");
  for (const end of [here, there, a, b]) end.close();
  // Copies that were announced and that nobody opened are over soon.
  while (await exists(foreign.folder)) await delay(50);
});

test(`a handle takes ${FRAMES} mutated frames of one who says to be its home`, async () => {
  const token = newToken();
  let said = 0;
  const good = parcel({ text: "x".repeat(100) });
  const item = () => {
    const frame = new Uint8Array(6 + good.length);
    frame[0] = words.ITEM;
    new DataView(frame.buffer).setUint32(2, random(5));
    frame.set(good, 6);
    return frame;
  };
  const base = new Uint8Array(16).toHex() + new Uint8Array(32).toHex();
  const makes = [
    item,
    () => numberFrame(words.TAKEN, random(2 ** 32)),
    () => frameOf(words.BROKEN),
    () => frameOf(words.DRAINED),
    () => numberFrame(pick([words.READY, words.NOT_READY]), random(5)),
    () => frameOf(words.UNWANTED),
    () => frameOf(words.KEPT),
    () => textFrame(words.WELCOME, base),
    () => textFrame(words.SETTLED, base),
  ];
  const socket = new PrivateSocket(makePrivateFolder(), token, async (conn) => {
    const link = new Link(conn);
    link.send(textFrame(words.WELCOME, base));
    for (let k = 0; k < 200; k++, said++) {
      const frame = pick(random(20) === 0 ? makes : makes.slice(0, 2))();
      link.send(random(100) === 0 ? mutated(frame) : frame);
    }
    await link.flushed();
    link.close();
  });
  const address = {
    ...{ folder: socket.folder, token: token.toHex(), ticket: "0".repeat(32), key: "0".repeat(64) },
    ...{ end: 0 as const, duplex: true, isBelow: true },
  };
  while (said < FRAMES) {
    const end = new SocketConnection(address, 0, true, true);
    const asked = [
      end.recv(),
      end.recv(),
      end.poll(5_000),
      end.send(1),
      end.recv({ timeout: 2_000 }),
    ];
    await Promise.allSettled(asked);
    end.close();
    await end.flushed();
  }
  socket.end();
});

/** A connection in memory that says these bytes, in pieces, and then ends. */
function greeting(bytes: Uint8Array) {
  let at = 0;
  const closed = Promise.withResolvers<void>();
  const state = { read: 0, heard: -1, closed: closed.promise };
  const conn = {
    read(into: Uint8Array): Promise<number | null> {
      if (at === bytes.length) return Promise.resolve(null);
      const count = Math.min(into.length, bytes.length - at, 1 + random(1 << 16));
      into.set(bytes.subarray(at, at += count));
      state.read = at;
      return Promise.resolve(count);
    },
    write(bytes: Uint8Array): Promise<number> {
      if (state.heard < 0) state.heard = bytes[4]!;
      return Promise.resolve(bytes.length);
    },
    close: () => closed.resolve(),
    ref() {},
    unref() {},
  };
  return { conn: conn as unknown as Deno.UnixConn, state };
}

test(`a pipe's home takes ${FRAMES} greetings, and lets in those that are true`, async () => {
  const came: ((conn: Deno.UnixConn) => void)[] = [];
  const listener = {
    addr: { port: 1 },
    accept: () => new Promise<Deno.UnixConn>((come) => came.push(come)),
    close() {},
    unref() {},
  };
  const [here, there] = socketPipe<unknown>(true);
  const { listen } = Deno;
  let base: ReturnType<typeof addressOf>;
  try {
    Deno.listen = (() => listener) as never;
    base = addressOf(there);
  } finally {
    Deno.listen = listen;
  }
  const token = Uint8Array.fromHex(base.token);
  const framed = (bytes: Uint8Array, length = bytes.length) => {
    const frame = new Uint8Array(4 + bytes.length);
    new DataView(frame.buffer).setUint32(0, length);
    frame.set(bytes, 4);
    return frame;
  };
  const helloOf = (hello: unknown) => textFrame(words.HELLO, JSON.stringify(hello));
  let good = framed(helloOf(base));
  const forged = (name: string): unknown =>
    pick<unknown>(
      name === "key"
        ? ["", 1, null, "0".repeat(64), base.token, `${base.key}00`, { length: 64 }]
        : ["", 1, null, "0".repeat(32), `${base.ticket}/1`, `${base.ticket}/1b`, [base.ticket]],
    );
  const said = (kind: number): Uint8Array[] => {
    switch (kind) {
      case 0:
        return [token.with(random(32), random(256)), good];
      case 1:
        return [token.subarray(0, random(32))];
      case 2:
        return [mutated(token), mutated(good)];
      case 3:
        return [token, framed(mutated(good.subarray(4)))];
      case 4: {
        const name = pick(["ticket", "key"]);
        return [token, framed(helloOf({ ...base, [name]: forged(name) }))];
      }
      case 5:
        return [token, framed(helloOf(pick([null, [], 5, "x", {}, { ticket: base.ticket }])))];
      case 6:
        return [token, framed(pick([frameOf(words.SEND), frameOf(words.WANT), new Uint8Array(0)]))];
      default:
        // It claims to be long, and goes on and on.
        return [
          token,
          framed(new Uint8Array(random(100) === 0 ? 1 << 20 : 10), 5_000 + random(2 ** 31)),
        ];
    }
  };
  const decoder = new TextDecoder();
  let letIn = 0;
  for (let k = 0; k < FRAMES; k++) {
    const isTrue = k % 50 === 0;
    const parts = isTrue ? [token, framed(helloOf(addressOf(there)))] : said(random(8));
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    const { conn, state } = greeting(bytes);
    while (came.length === 0) await Promise.resolve();
    came.shift()!(conn);
    await state.closed;
    assertLess(state.read, 1 << 18);
    if (isTrue) assertEquals(state.heard, words.WELCOME);
    if (state.heard !== words.WELCOME) continue;
    letIn++;
    if (isTrue) continue;
    // It was altered where that says nothing; what it was let in by is used.
    assertEquals(bytes.subarray(0, 32), token, bytes.toHex());
    const text = decoder.decode(bytes);
    const isOwn = text.includes(`"${base.ticket}"`) && text.includes(`"${base.key}"`);
    assert(isOwn, bytes.toHex());
    base = addressOf(there);
    good = framed(helloOf(base));
  }
  assert(letIn >= FRAMES / 50 && letIn < FRAMES / 10, `${letIn}`);
  for (const end of [here, there]) end.close();
});
