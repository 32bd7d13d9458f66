/** What the children of pipes_test.ts and folders_test.ts do, with the least permissions. */
import { context, task } from "../../lib/task.ts";
import { type Connection, pipe } from "../../lib/multiprocessing.ts";
import { packetOf } from "../../lib/multiprocessing/pipe_hub.ts";
import { SocketConnection, socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { frameOf, SEND } from "../../lib/multiprocessing/pipe_protocol.ts";
import { packFor } from "../../lib/transfer/flight.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import { addressOf, parcel, Peer } from "./_peer.ts";

type End = Connection<unknown>;

/** The state of the end that this child was given: restoring is what would have opened it. */
export const steal = task(import.meta, async function steal(end: End) {
  // A copy of its own end, opened as if it were the other one.
  const address = addressOf(end);
  const peer = await Peer.at(address, { ...address, end: 0, pipe: "", duplex: true });
  await peer.isIn;
  peer.say(frameOf(2), frameOf(2), frameOf(2));
  await peer.ended;
  return peer.heard.includes(11);
});

/** Sends so many values. */
export const sendAll = task(import.meta, async function sendAll(end: End, values: unknown[]) {
  for (const value of values) await end.send(value);
  end.close();
});

/** Holds an end and says that it does. */
export const hold = task(import.meta, async function hold(_end: End) {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 1000));
});

/** Makes a copy that nobody will ever open, and is ended. */
export const announceAndWait = task(import.meta, async function announceAndWait(end: End) {
  await end.send("here");
  addressOf(end);
  await end.send("announced");
  await new Promise(() => setInterval(() => {}, 1000));
});

/** Returns a connection whose address is made up. */
export const returnForged = task(import.meta, function returnForged(address: object) {
  const [end] = forged(address);
  return end;
});

function forged(address: object): [SocketConnection, SocketConnection] {
  const ends = socketPipe<unknown>(true);
  for (const end of ends) {
    Object.defineProperty(end, SHARE, { value: () => address });
  }
  return ends;
}

/** Sends a message with made up addresses in it, as they are sent for ends of pipes. */
export const sendForged = task(
  import.meta,
  async function sendForged(end: End, addresses: object[]) {
    const { bytes } = { bytes: parcel("nothing", addresses) };
    const address = addressOf(end);
    const peer = await Peer.at(address);
    await peer.isIn;
    peer.say(frameOf(SEND, bytes));
    await peer.link.flushed();
    await end.send("sent");
    await peer.close();
  },
);

/** Sends far more than there is room for, as fast as it goes, and says how much went. */
export const flood = task(import.meta, async function flood(end: End, limit: number) {
  const address = addressOf(end);
  const peer = await Peer.at(address);
  await peer.isIn;
  const frame = new Uint8Array((1 << 20) + 9);
  new DataView(frame.buffer).setUint32(0, frame.length - 4);
  frame[4] = SEND;
  let sent = 0;
  context().report("begun");
  while (sent < limit) {
    for (let at = 0; at < frame.length;) at += await peer.conn.write(frame.subarray(at));
    sent += frame.length;
    if (sent % (16 << 20) < frame.length) context().report(sent);
  }
});

/** Sends a value whose module is not one of the receiver's. */
export const sendForeign = task(
  import.meta,
  async function sendForeign(end: End, bytes: Uint8Array) {
    const address = addressOf(end);
    const peer = await Peer.at(address);
    await peer.isIn;
    peer.say(frameOf(SEND, packetOf(bytes, [])));
    await peer.link.flushed();
    // Until it was received.
    await end.recv();
    await peer.close();
  },
);

/** Gives on what it was given, and says what it may do with the folder that it leads to. */
export const lookAt = task(
  import.meta,
  (_end: unknown, folder: string) =>
    (["read", "write"] as const).map((name) =>
      Deno.permissions.querySync({ name, path: folder }).state
    ),
);

/** Returns an end of a pipe of its own, and lives on. */
export const returnOwn = task(import.meta, async function returnOwn(way: End) {
  const [mine, theirs] = pipe<unknown>();
  await way.send(theirs);
  theirs.close();
  for await (const value of mine) await mine.send(value);
});

/** Returns an end of a pipe of its own, and sends bytes of its choice there. */
export const returnOwnWith = task(
  import.meta,
  async function returnOwnWith(way: End, bytes: Uint8Array) {
    const [mine, theirs] = socketPipe<unknown>(true);
    // At its home it is nobody with fewer permissions.
    const peer = await Peer.at(addressOf(mine));
    await way.send(theirs);
    peer.say(frameOf(SEND, packetOf(bytes, [])));
    theirs.close();
    await mine.recv().catch(() => {});
    mine.close();
    await peer.close();
  },
);

/** Sends an end on and ends. */
export const sendOn = task(import.meta, async function sendOn(way: End, end: End) {
  await way.send(end);
  end.close();
  way.close();
});

/**
 * Makes a pipe, gives one end to its parent, and receives an end by the other when it is told to.
 */
export const receiveLate = task(import.meta, async function receiveLate(way: End) {
  const [mine, theirs] = socketPipe<unknown>(true);
  await way.send(theirs);
  theirs.close();
  await way.recv();
  const end = await mine.recv() as End;
  await end.send("opened late");
  end.close();
  mine.close();
});

/**
 * Makes copies of its end without a pause, and one of a copy, before it has been let in anywhere.
 */
export const copyAtOnce = task(import.meta, async function copyAtOnce(end: End, count: number) {
  const copies: SocketConnection[] = [];
  const open = (address: ReturnType<typeof addressOf>) => {
    const copy = new SocketConnection(address, address.end, address.duplex);
    copies.push(copy);
    return copy;
  };
  for (let k = 0; k < count; k++) open(addressOf(open(addressOf(end))));
  // It blocks: its own announcements are not out yet.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  for (const [k, copy] of copies.entries()) await copy.send(k);
  for (const copy of copies) copy.close();
  end.close();
});

/** Copies its end by a ticket whose mark it strikes out; whether it is let in. */
export const strikeOut = task(import.meta, async function strikeOut(end: End) {
  const address = packFor("below", () => addressOf(end));
  const tries = [
    { ...address, ticket: address.ticket.replace(/b$/, "") },
    { ...address, ticket: `${address.ticket}/1`, key: "0".repeat(64) },
    { ...address, key: address.key.replace(/^./, (digit) => digit === "0" ? "1" : "0") },
    { ...address, ticket: address.ticket.replace(/^./, (digit) => digit === "0" ? "1" : "0") },
  ];
  const isIn: boolean[] = [];
  for (const hello of tries) {
    const peer = await Peer.at(address, hello);
    isIn.push(await peer.isIn);
    await peer.close();
  }
  // The true one is good still, and then is not.
  for (let k = 0; k < 2; k++) {
    const peer = await Peer.at(address);
    isIn.push(await peer.isIn);
    await peer.close();
  }
  return isIn;
});

export const twice = task(import.meta, (x: number) => 2 * x);
