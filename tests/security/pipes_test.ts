/**
 * Pipes over a socket, when who has one end says whatever it likes: it stays at that end, and at
 * what was sent there.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { exists } from "@std/fs";
import { encode, modulesOf } from "../../lib/transfer/codec/codec.ts";
import { EOFError, ShareError } from "../../lib/errors.ts";
import { type Connection, pipe, Process } from "../../lib/multiprocessing.ts";
import { ProcessPoolExecutor } from "../../lib/futures.ts";
import { Pool } from "../../lib/multiprocessing.ts";
import {
  ASK,
  ASK_NOW,
  BACK,
  BYE,
  frameOf,
  HELLO,
  ITEM,
  itemIn,
  numberFrame,
  RECEIVED,
  SEND,
  textFrame,
  TICKET,
  WANT,
} from "../../lib/multiprocessing/pipe_protocol.ts";
import {
  checkAddress,
  Copier,
  type Ticket,
  Tickets,
} from "../../lib/multiprocessing/pipe_tickets.ts";
import { contentOf, Hub, type Kept, ROOM } from "../../lib/multiprocessing/pipe_hub.ts";
import { SocketConnection, socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import {
  gatherFlights,
  type Lost,
  packedFor,
  packFor,
  receiverMaps,
} from "../../lib/transfer/flight.ts";
import { SHARE, shareable } from "../../lib/transfer/shareable.ts";
import { within } from "../_help/within.ts";
import { Link } from "../../lib/channel/socket/link.ts";
import { listenIn, usesLoopback } from "../../lib/channel/socket/place.ts";
import { makePrivateFolder, removeFolder } from "../../lib/channel/socket/private_folder.ts";
import { connect, newToken } from "../../lib/channel/socket/private_socket.ts";
import { addressOf, LEAST, parcel, Peer } from "./_peer.ts";
import * as attackers from "./_pipe_attackers.ts";
import { evil, runsNothing } from "./_watch.ts";

type End = Connection<unknown>;

const LIMIT = 20_000;
/** How soon a death is noticed, in ms: the contract's 2 s. */
const NOTICED = 2_000;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name} [socket]`, fn: () => within(LIMIT, fn()) });
}

/** Starts a child with the least permissions. */
function start(target: unknown, args: unknown[], options: object = {}): Process {
  return new Process(
    target as never,
    { args, permissions: LEAST, stderr: "null", ...options } as never,
  ).start() as unknown as Process;
}

test("a child with the sending end receives nothing that others send", async () => {
  const [receiver, sender] = socketPipe<unknown>(false);
  const thief = start(attackers.steal, [sender]);
  const sibling = start(attackers.sendAll, [sender, [1, 2, 3, 4]]);
  sender.close();
  assertEquals(await thief.result(), false);
  assertEquals(await Array.fromAsync(receiver), [1, 2, 3, 4]);
  receiver.close();
  for (const child of [thief, sibling]) await child.join();
});

test("who has one end of a one-way pipe may do there what that end does, and nothing else", async () => {
  const [receiver, sender] = socketPipe<unknown>(false);
  const forbidden: [SocketConnection, Uint8Array[]][] = [
    [sender, [frameOf(WANT), numberFrame(ASK, 1), numberFrame(ASK_NOW, 1)]],
    [receiver, [frameOf(SEND, parcel("forged"))]],
  ];
  for (const [end, frames] of forbidden) {
    for (const frame of frames) {
      const peer = await Peer.at(addressOf(end));
      assertEquals(await peer.isIn, true);
      peer.say(frame);
      await peer.ended;
      assert(!peer.heard.includes(ITEM));
    }
  }
  await sender.send("true");
  assertEquals(await receiver.recv(), "true");
  assertEquals(await receiver.poll(), false);
  sender.close();
  receiver.close();
});

test("a ticket lets in once, and only with its own key, by its own name", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const child = start(attackers.strikeOut, [there]);
  assertEquals(await child.result(), [false, false, false, false, true, false]);
  await child.join();
  // What is not a ticket at all, and what a ticket was for in other times.
  const address = addressOf(there);
  const hellos: object[] = [
    { ...address, ticket: "" },
    { ...address, ticket: crypto.randomUUID(), end: 0 },
    { ...address, ticket: { toString: () => address.ticket } },
    { ...address, key: "x".repeat(64) },
    { ...address, ticket: `${address.ticket}/0` },
    { ...address, ticket: `${address.ticket}/-1` },
    { ...address, ticket: address.ticket + "/1".repeat(17) },
    [],
  ];
  for (const hello of hellos) {
    const peer = await Peer.at(address, hello);
    assertEquals(await peer.isIn, false, JSON.stringify(hello));
    await peer.close();
  }
  await here.send(1);
  assertEquals(await there.recv(), 1);
  here.close();
  const peer = await Peer.at(address);
  assertEquals(await peer.isIn, true);
  await peer.close();
  there.close();
});

test("nobody gives back a message that it was not given", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const peer = await Peer.at(addressOf(there));
  assertEquals(await peer.isIn, true);
  // As it was once: the bytes of a message.
  peer.say(frameOf(BACK, parcel({ job: "FORGED JOB" })));
  await peer.ended;
  const second = await Peer.at(addressOf(there));
  peer.say();
  second.say(numberFrame(BACK, 1));
  await second.ended;
  const third = await Peer.at(addressOf(there));
  third.say(numberFrame(RECEIVED, 1));
  await third.ended;
  await here.send("true");
  assertEquals(await there.recv(), "true");
  assertEquals(await there.poll(), false);
  here.close();
  there.close();
});

test("what a party was given and has not received is there for the next, as it was sent", async () => {
  const [here, there] = socketPipe<unknown>(true);
  for (const value of [1, 2, 3]) await here.send(value);
  const peer = await Peer.at(addressOf(there));
  peer.say(frameOf(WANT), frameOf(WANT));
  const [number] = itemIn(await peer.hear(ITEM));
  peer.say(numberFrame(BACK, number), frameOf(BYE));
  await peer.ended;
  assertEquals([await there.recv(), await there.recv(), await there.recv()], [1, 2, 3]);
  here.close();
  there.close();
});

test("recv() ends when a copy that nobody opened was its holder's, which has died", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const child = start(attackers.announceAndWait, [there]);
  there.close();
  assertEquals([await here.recv(), await here.recv()], ["here", "announced"]);
  const ended = assertRejects(() => here.recv(), EOFError);
  const began = performance.now();
  child.kill();
  await ended;
  assertLess(performance.now() - began, NOTICED);
  await child.join();
  here.close();
});

test("a copy of a copy comes in before either was announced, each once", async () => {
  const [receiver, sender] = socketPipe<unknown>(false);
  const child = start(attackers.copyAtOnce, [sender, 4]);
  sender.close();
  const got = await Array.fromAsync(receiver);
  assertEquals(got.toSorted(), [0, 1, 2, 3, 4, 5, 6, 7]);
  receiver.close();
  await child.result();
  await child.join();
});

test("a copy lives on in a message when its sender has ended, wherever the pipe is at home", async () => {
  const [way, far] = socketPipe<unknown>(true);
  // A pipe of that child's; the end that goes through it is of a pipe made here.
  const keeper = start(attackers.receiveLate, [far], { permissions: undefined });
  far.close();
  const carrier = await way.recv() as End;
  const [here, there] = socketPipe<unknown>(true);
  const sender = start(attackers.sendOn, [carrier, there], { permissions: undefined });
  carrier.close();
  there.close();
  await sender.join();
  // Longer than a ticket lives for which nobody answers.
  await delay(1_500);
  assertEquals(await here.poll(), false);
  await way.send("receive it");
  assertEquals(await here.recv(), "opened late");
  await assertRejects(() => here.recv(), EOFError);
  for (const end of [way, here]) end.close();
  await keeper.join();
});

test("a copy is over when its sender has ended, and then who had the message", async () => {
  const [way, far] = socketPipe<unknown>(true);
  const keeper = start(attackers.receiveLate, [far], { permissions: undefined });
  far.close();
  const carrier = await way.recv() as End;
  const [here, there] = socketPipe<unknown>(true);
  const sender = start(attackers.sendOn, [carrier, there], { permissions: undefined });
  carrier.close();
  there.close();
  await sender.join();
  const ended = assertRejects(() => here.recv(), EOFError);
  const began = performance.now();
  keeper.kill();
  await ended;
  assertLess(performance.now() - began, NOTICED);
  await keeper.join();
  for (const end of [way, here]) end.close();
});

test("a sender that heeds no room is held back", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const said: number[] = [];
  const child = start(attackers.flood, [there, 1 << 30], { onReport: (n: number) => said.push(n) });
  there.close();
  while (said.length === 0) await delay(10);
  // It goes on as fast as it can; what is between the two of them holds less than that.
  await delay(700);
  assertEquals(said.filter((n) => n > 0), []);
  // Who had to wait for it hears of its end.
  const ended = (async () => {
    for (;;) await here.send("x".repeat(100_000));
  })().catch((error) => error);
  child.kill();
  await child.join();
  const error = await within(NOTICED, ended);
  assert(error instanceof EOFError, String(error));
  here.close();
});

test("a frame that is too long ends the connection before it has come", async () => {
  const [here, there] = socketPipe<unknown>(true);
  for (const length of [0x7fffffff, (1 << 26) + 1_000, 0xffffffff]) {
    const peer = await Peer.at(addressOf(there));
    assertEquals(await peer.isIn, true);
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, length);
    await peer.conn.write(head);
    await peer.ended;
  }
  await assertRejects(() => here.sendBytes(new Uint8Array((1 << 26) + 1)), RangeError, "at most");
  await here.send("short");
  assertEquals(await there.recv(), "short");
  here.close();
  there.close();
});

test("questions without end, and answers that nobody reads, end the connection or wait", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const curious = await Peer.at(addressOf(there));
  for (let k = 0; k < 5_000; k++) curious.say(numberFrame(ASK, k));
  await curious.ended;
  const hoarder = await Peer.at(addressOf(there));
  await hoarder.isIn;
  const base = new Copier("0".repeat(32), new Uint8Array(32));
  hoarder.say(textFrame(TICKET, base.next(false).ticket));
  await hoarder.ended;
  await here.send(1);
  assertEquals(await there.recv(), 1);
  here.close();
  there.close();
});

test("who reads no answers is not heard further", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const address = addressOf(there);
  const peer = await Peer.at(address);
  await peer.isIn;
  // It reads no more, and asks without end.
  const conn = await connect(address.folder, Uint8Array.fromHex(address.token));
  const hoarder = new Link(conn);
  hoarder.send(textFrame(HELLO, JSON.stringify(addressOf(there))));
  const question = numberFrame(ASK_NOW, 1);
  // More than the two sockets take.
  const frames = new Uint8Array(9 << (usesLoopback() ? 21 : 16));
  for (let at = 0; at + 9 <= frames.length; at += 9) {
    new DataView(frames.buffer).setUint32(at, question.length);
    frames.set(question, at + 4);
  }
  let written = 0;
  const asking = (async () => {
    while (written < frames.length) {
      written += await conn.write(frames.subarray(written, written + (1 << 14)));
    }
  })().catch(() => {});
  for (let last = -1; last !== written;) {
    last = written;
    await delay(300);
  }
  // The rest waits in the two sockets.
  assertLess(written, frames.length);
  hoarder.close();
  await asking;
  await here.send(1);
  assertEquals(await there.recv(), 1);
  await peer.close();
  here.close();
  there.close();
  while (await exists(address.folder)) await delay(5);
});

test("addresses in a message have its home go to few places at a time", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const folder = makePrivateFolder();
  const conns: Deno.Conn[] = [];
  const listener = listenIn(folder);
  const accepting = (async () => {
    for await (const conn of listener) conns.push(conn);
  })();
  const own = addressOf(there);
  const address = { ...own, folder };
  const peer = await Peer.at(own);
  await peer.isIn;
  for (let k = 0; k < 2; k++) {
    const cargo = Array.from(
      { length: 100 },
      () => ({ ...address, ticket: newToken().toHex().slice(32) }),
    );
    peer.say(frameOf(SEND, parcel("many", cargo)));
  }
  assertEquals([await here.recv(), await here.recv()], ["many", "many"]);
  while (conns.length < 64) await delay(5);
  await delay(100);
  assertEquals(conns.length, 64);
  listener.close();
  await accepting;
  for (const conn of conns) conn.close();
  await peer.close();
  here.close();
  there.close();
  removeFolder(folder);
  while (await exists(own.folder)) await delay(5);
});

Deno.test("a box holds only so much of all parties together", () => {
  const NONE: Kept = { isSettled: true, mark() {}, drop() {} };
  const hub = new Hub(true, () => {}, () => NONE);
  const party = () => ({
    isBelow: true,
    deliver() {},
    taken() {},
    broken() {},
    drained() {},
    answer() {},
  });
  hub.join(1, party());
  const message = new Uint8Array(1 << 26);
  for (let k = 0; k < 4; k++) {
    const from = party();
    hub.join(0, from);
    assertEquals(hub.roomFor(0, from, message.length), undefined);
    hub.send(0, from, message);
  }
  const late = party();
  hub.join(0, late);
  assertEquals(hub.roomFor(0, late, 10) instanceof Promise, true);
});

test("a party is given no more than there is room for until it has received that", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const peer = await Peer.at(addressOf(there));
  await peer.isIn;
  for (let k = 0; k < 10; k++) peer.say(frameOf(WANT));
  for (let k = 0; k < 3; k++) {
    const sent = here.sendBytes(new Uint8Array(ROOM - 1_000));
    if (k < 2) await sent;
    else await assertRejects(() => within(300, sent), Error, "hangs");
  }
  const items = () => peer.frames.filter(([word]) => word === ITEM);
  assertEquals(items().length, 1);
  peer.say(numberFrame(RECEIVED, itemIn(items()[0]!)[0]));
  while (items().length < 2) await delay(5);
  await peer.close();
  here.close();
  there.close();
});

/** What a message from somebody becomes that names this module: its text, when it has run. */
const EVIL = `data:text/javascript,globalThis.evil = true; export class X {}`;

class Foreign {}

function foreign(module = EVIL, name = "X"): Uint8Array {
  return encode(
    new Foreign(),
    () => ({
      kind: "instance",
      module,
      name,
      state: { print: 0, fields: {}, place: "value" },
    }),
    "value",
  );
}

test("what a child with fewer permissions sends is read as from one", async () => {
  const [here, there] = socketPipe<unknown>(true);
  assertEquals(modulesOf(foreign()), [EVIL]);
  const child = start(attackers.sendForeign, [there, foreign()]);
  await here.recv().catch(() => {});
  assertEquals((globalThis as { evil?: boolean }).evil, undefined);
  await here.send("received");
  there.close();
  await child.join();
  here.close();
});

test("what comes from a pipe of a child with fewer permissions is read as from there", async () => {
  await runsNothing(async () => {
    const [way, far] = socketPipe<unknown>(true);
    const child = start(attackers.returnOwnWith, [far, foreign(evil(), "Bad")], {
      permissions: { ...LEAST as object, write: true, net: true, read: true },
    });
    far.close();
    const end = await way.recv() as SocketConnection;
    await assertRejects(() => end.recv(), ShareError);
    for (const one of [end, way]) one.close();
    await child.join();
  });
});

test("messages are tagged by who sent them, and copies by whom they are for", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const tagged = async (address: ReturnType<typeof addressOf>) => {
    const reader = await Peer.at(addressOf(here));
    reader.say(frameOf(WANT));
    const peer = await Peer.at(address);
    assertEquals(await peer.isIn, true);
    peer.say(frameOf(SEND, parcel("hello")));
    const [, , isBelow] = itemIn(await reader.hear(ITEM));
    await peer.close();
    await reader.close();
    return isBelow;
  };
  /** As tagged(), of a copy that the holder of an address makes. */
  const taggedCopy = async (address: ReturnType<typeof addressOf>, isBelow: boolean) => {
    const is = await tagged(copyOf(address, isBelow));
    await (await Peer.at(address)).close();
    return is;
  };
  const forEqual = () => addressOf(there);
  const forBelow = () => packFor("below", () => addressOf(there));
  const copyOf = (address: ReturnType<typeof addressOf>, isBelow: boolean) => ({
    ...address,
    ...new Copier(address.ticket, Uint8Array.fromHex(address.key)).next(isBelow),
  });
  assertEquals(await tagged(forEqual()), false);
  assertEquals(await tagged(forBelow()), true);
  assertEquals(await taggedCopy(forEqual(), false), false);
  assertEquals(await taggedCopy(forEqual(), true), true);
  assertEquals(await taggedCopy(forBelow(), false), true);
  here.close();
  there.close();
});

test("a copy in a message that somebody with fewer permissions is given is theirs", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const [way, far] = socketPipe<unknown>(true);
  await way.send(there);
  const peer = await Peer.at(packFor("below", () => addressOf(far)));
  peer.say(frameOf(WANT));
  const item = itemIn(await peer.hear(ITEM))[1];
  const size = new DataView(item.buffer, item.byteOffset).getUint32(0);
  const [address] = JSON.parse(new TextDecoder().decode(item.subarray(4, 4 + size)));
  assertEquals(contentOf(item).length > 0, true);
  const thief = await Peer.at(address);
  assertEquals(await thief.isIn, true);
  const reader = await Peer.at(addressOf(here));
  reader.say(frameOf(WANT));
  thief.say(frameOf(SEND, parcel("hello")));
  assertEquals(itemIn(await reader.hear(ITEM))[2], true);
  for (const one of [peer, thief, reader]) await one.close();
  for (const end of [here, there, way, far]) end.close();
});

test("a connection that came from a child carries no permission of its choice", async () => {
  const [way, far] = socketPipe<unknown>(true);
  const giver = start(attackers.returnOwn, [far], {
    permissions: { ...LEAST as object, write: true, net: true, read: true },
  });
  far.close();
  const end = await way.recv() as SocketConnection;
  const { folder } = addressOf(end);
  const other = start(attackers.lookAt, [end, folder]);
  assertEquals(await other.result(), ["prompt", "prompt"]);
  await other.join();
  // One of this process's own goes with its folder.
  const [here, there] = socketPipe<unknown>(true);
  const own = addressOf(there);
  await (await Peer.at(own)).close();
  const friend = start(attackers.lookAt, [there, own.folder]);
  assertEquals(await friend.result(), ["granted", "granted"]);
  await friend.join();
  for (const one of [end, way, here, there]) one.close();
  giver.kill();
  await giver.join();
});

test("an address is checked before anybody goes there", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const address = addressOf(there);
  assertEquals(checkAddress({ ...address, more: 1 }), address);
  const wrong: Record<string, unknown[]> = {
    folder: [
      undefined,
      1,
      "/",
      "/tmp",
      "/etc",
      `${address.folder}/`,
      `${address.folder},/etc`,
      `${address.folder}/../x`,
      `/var${address.folder}`,
    ],
    token: [undefined, 1, "", "x".repeat(64), address.token.slice(2), `${address.token}00`],
    ticket: [undefined, 1, "", "../..", address.ticket.slice(1), `${address.ticket}/`],
    key: [undefined, 1, "", "g".repeat(64), address.key.slice(2)],
    end: [undefined, 2, -1, "0", true],
    duplex: [undefined, 1, "true"],
    isBelow: [undefined, 0, "false"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      assertThrows(() => checkAddress({ ...address, [name]: value }), ShareError, "none of ours");
    }
  }
  for (const sent of [null, undefined, 1, "x", []]) {
    assertThrows(() => checkAddress(sent), ShareError, "none of ours");
  }
  here.close();
  there.close();
  const peer = await Peer.at(address).catch(() => undefined);
  await peer?.close();
});

Deno.test("tickets that nobody uses do not pile up, however long one lives", () => {
  const NONE: Kept = { isSettled: true, mark() {}, drop() {} };
  const hub = new Hub(true, () => {}, () => NONE);
  const tickets = new Tickets(() => Promise.resolve());
  const party = {
    isBelow: false,
    deliver() {},
    taken() {},
    broken() {},
    drained() {},
    answer() {},
  };
  const root = tickets.issue(hub, 0, false);
  tickets.use(root, party);
  const copier = new Copier(root.path, root.key);
  const used: Ticket[] = [];
  for (let k = 0; k < 20_000; k++) {
    const { ticket, key } = copier.next(k % 2 === 0);
    const isEarly = k % 3 === 0;
    if (!isEarly) tickets.announce(root, ticket);
    const copy = tickets.open(ticket, Uint8Array.fromHex(key))!;
    assertEquals(copy.isBelow, k % 2 === 0);
    tickets.use(copy, { ...party });
    assertEquals(tickets.open(ticket, Uint8Array.fromHex(key)), undefined);
    hub.leave(0, copy.party!);
    tickets.leave(copy);
    assertEquals(tickets.open(ticket, Uint8Array.fromHex(key)), undefined);
    if (isEarly) tickets.announce(root, ticket);
    assertEquals(tickets.open(ticket, Uint8Array.fromHex(key)), undefined);
    used.push(copy);
  }
  assertEquals(root.early.size, 0);
  assertEquals(root.family.size, 1);
  // Early ones are few, and out of turn nothing is announced.
  const early = Array.from({ length: 200 }, () => copier.next(false));
  const opened = early.filter(({ ticket, key }) =>
    tickets.open(ticket, Uint8Array.fromHex(key)) !== undefined
  );
  assertEquals(opened.length, 100);
  assertThrows(() => tickets.announce(root, early[1]!.ticket), TypeError, "out of turn");
  tickets.leave(root);
  for (const { ticket, key } of early) {
    assertEquals(tickets.open(ticket, Uint8Array.fromHex(key)), undefined);
  }
});

for (
  const [what, make] of [
    ["Pool", (size: number) => new Pool(size, { permissions: LEAST })],
    [
      "ProcessPoolExecutor",
      (size: number) => new ProcessPoolExecutor(size, { permissions: LEAST }),
    ],
  ] as const
) {
  test(`${what} runs with workers that may do nothing`, async () => {
    await using pool = make(2);
    const got: unknown[] = [];
    for await (const value of await pool.map(attackers.twice, [1, 2, 3])) got.push(value);
    assertEquals(got, [2, 4, 6]);
  });
}

test("what home sends is packed for those who can receive it", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const seen: unknown[] = [];
  class Probe {
    [SHARE]() {
      seen.push([packedFor(), receiverMaps()]);
      return {};
    }
  }
  shareable(import.meta, "Probe", Probe, () => "probe");
  const send = async () => {
    await here.send(new Probe());
    assertEquals(await there.recv(), "probe");
  };
  await send();
  const copies: Lost[] = [];
  for (const [to, mayMap] of [["equal", true], ["below", true], ["below", false]] as const) {
    const give = () => gatherFlights(() => addressOf(there));
    copies.push(...packFor(to, give, mayMap).flights);
    await send();
  }
  // Those at its own end do not receive what it sends.
  await there.send(new Probe());
  assertEquals(await here.recv(), "probe");
  assertEquals(seen, [
    ["equal", true],
    ["equal", true],
    ["below", true],
    ["below", false],
    ["equal", true],
  ]);
  here.close();
  there.close();
  for (const lost of copies) await lost();
});

test("an end in memory can be given to a child without FFI by nobody but who made the pipe", async () => {
  const ends = pipe<unknown>();
  if (ends[0] instanceof SocketConnection) return ends.forEach((end) => end.close());
  // A copy, as another thread or process would have it.
  await ends[0].send(ends[1]);
  const copy = await ends[1].recv() as End;
  for (const end of [copy, ...ends]) {
    assertThrows(() => start(attackers.hold, [end]), ShareError, "pipe({ memory: false })");
  }
  copy.close();
  const [here, there] = pipe<unknown>({ memory: false });
  const child = start(attackers.sendAll, [there, ["hello"]]);
  there.close();
  assertEquals(await Array.fromAsync(here), ["hello"]);
  for (const end of [...ends, here]) end.close();
  await child.join();
});
