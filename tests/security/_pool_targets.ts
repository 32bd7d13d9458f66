/**
 * Workers of pools that say what no worker of ours says: their code is in their own hands.
 *
 * @module
 */
import { context, task } from "../../lib/task.ts";
import { Link } from "../../lib/channel/socket/link.ts";
import {
  DONE,
  FAILED,
  FrameWriter,
  HEAD,
  ReplyHead,
  REPORT,
  START_FAILED,
  STARTED,
} from "../../lib/pool/transport/frames.ts";
import { Span, writePayload } from "../../lib/pool/payload.ts";
import { Ring, RING_WORDS } from "../../lib/pool/transport/ring.ts";
import type { Connection } from "../../lib/multiprocessing.ts";
import type { Event } from "../../lib/threading.ts";

/** What is forged. */
export type Forgery =
  | "ready again"
  | "broken"
  | "done for another's call"
  | "done for no call"
  | "failed for no call"
  | "too few items"
  | "too many items"
  | "minus one item"
  | "an unknown word"
  | "a word to workers"
  | "a value that is none"
  | "a length behind the end"
  | "a negative length"
  | "half a frame";

type Say = (reply: Partial<ReplyHead>, value: Span) => void;

/** How many bytes a worker's ring has. */
const ROOM = 1 << 17;
const nothing = writePayload(undefined, "process", "nothing") as Span;

/**
 * Changes how this worker speaks, once: `say` is called with what it was to say, and says something
 * else.
 */
function corrupt(change: (say: Say, was: ReplyHead, value: Span) => void): void {
  const { add } = FrameWriter.prototype;
  const { push } = Ring.prototype;
  const restore = () => {
    FrameWriter.prototype.add = add;
    Ring.prototype.push = push;
  };
  FrameWriter.prototype.add = function (head, value) {
    restore();
    const say: Say = (reply, value) => add.call(this, new ReplyHead(reply), value);
    change(say, head as ReplyHead, value as Span);
  };
  Ring.prototype.push = function (head, value) {
    restore();
    let isPushed = true;
    const say: Say = (reply, value) => {
      isPushed = push.call(this, new ReplyHead(reply), value) && isPushed;
    };
    change(say, head, value);
    return isPushed;
  };
}

/** Has the next frame, or record of the ring, claim another length. */
function corruptLength(length: number): void {
  const { take } = FrameWriter.prototype;
  FrameWriter.prototype.take = function () {
    FrameWriter.prototype.take = take;
    const frame = take.call(this);
    new Int32Array(frame.buffer)[4] = length;
    return frame;
  };
  corrupt((say, was, value) => {
    const { store } = Atomics;
    // The ring's memory can be seen where its position is moved on.
    Atomics.store = ((words: Int32Array, index: number, value: number) => {
      Atomics.store = store;
      const start = words[index]! & ROOM - 1;
      words[index + RING_WORDS + (start >> 2)] = length;
      return store(words, index, value);
    }) as typeof store;
    say(was, value);
    Atomics.store = store;
  });
}

/**
 * Gives its argument, in a frame that is forged; `other` is the id of a call that it was not given.
 */
export const forge = task(import.meta, function forge(what: Forgery, other: number): string {
  const value = writePayload(["FORGED"], "process", "forged") as Span;
  const anothers = (kind: number) => ({ kind, id: other, micros: 1, items: 1 });
  switch (what) {
    case "ready again":
      corrupt((say, was, value) => (say({ kind: STARTED }, nothing), say(was, value)));
      break;
    case "broken":
      corrupt((say, was, value) => (say({ kind: START_FAILED }, nothing), say(was, value)));
      break;
    case "done for another's call":
    case "done for no call":
      corrupt((say, was, honest) => (say(anothers(DONE), value), say(was, honest)));
      break;
    case "failed for no call":
      corrupt((say, was, honest) => (say(anothers(FAILED), value), say(was, honest)));
      break;
    case "too few items":
      corrupt((say, was, value) => say({ ...was, items: 0 }, value));
      break;
    case "too many items":
      corrupt((say, was, value) => say({ ...was, items: 1_000_000 }, value));
      break;
    case "minus one item":
      corrupt((say, was, value) => say({ ...was, kind: FAILED, items: -1 }, value));
      break;
    case "an unknown word":
      corrupt((say, was, value) => (say({ kind: 99 }, nothing), say(was, value)));
      break;
    case "a word to workers":
      corrupt((say, was, value) => (say({ kind: 1, id: was.id }, nothing), say(was, value)));
      break;
    case "a value that is none":
      corrupt((say, was) => {
        // It claims modules that it has not.
        const bytes = new Uint8Array(16).fill(0xff);
        say(was, new Span(bytes, 0, bytes.length));
      });
      break;
    case "a length behind the end":
      corruptLength(1 << 30);
      break;
    case "a negative length":
      corruptLength(-77);
      break;
    case "half a frame": {
      const { take } = FrameWriter.prototype;
      FrameWriter.prototype.take = function () {
        FrameWriter.prototype.take = take;
        return take.call(this).subarray(0, HEAD - 8) as Uint8Array<ArrayBuffer>;
      };
      // Too long for the ring.
      return "honest".repeat(10_000);
    }
  }
  return "honest";
});

/** One item of a map, whose chunk's answer is forged: with other results than it has items. */
export const forgeChunk = task(
  import.meta,
  function forgeChunk([k, what]: [number, "none" | "more" | "less" | "no list" | "sparse"]) {
    if (what === "none") return k;
    const results: Record<string, unknown> = {
      more: Array(14).fill("FORGED"),
      less: [],
      "no list": { length: 1, 0: "FORGED" },
      sparse: Object.assign(Array(1 << 20), { 0: "FORGED" }),
    };
    corrupt((say, was) => say(was, writePayload(results[what], "process", "forged") as Span));
    return k;
  },
);

/** Reports for a call that it does not have. */
export const forgeReport = task(import.meta, function forgeReport(other: number) {
  corrupt((say, was, value) => say({ ...was, kind: REPORT, id: other }, value));
  context().report("FORGED");
  return "honest";
});

/** Begins with what no worker says. */
export const forgeStart = task(import.meta, function forgeStart(kind: "done" | "twice") {
  corrupt((say, was, value) => {
    if (kind === "done") say({ kind: DONE, id: 1, micros: 1, items: 1 }, nothing);
    say(was, value);
    if (kind === "twice") say(was, value);
  });
});

/**
 * Says that it runs, and waits until it is told to end: by an event, or where it may share none by
 * a message.
 */
export const linger = task(import.meta, async function linger(gate: Event | Connection<unknown>) {
  context().report("runs");
  if ("recv" in gate) await gate.recv();
  else await gate.wait();
  return "innocent";
});

export const square = task(import.meta, (x: number) => x * x);
export const bytes = task(import.meta, (length: number) => new Uint8Array(length).fill(7));
export const failLong = task(import.meta, function failLong(length: number) {
  throw new Error("x".repeat(length));
});
export const reportLong = task(import.meta, function reportLong(length: number) {
  context().report(new Uint8Array(length));
});
/** Tries what a worker with fewer permissions may not. */
export const mayRun = task(import.meta, async () => {
  return (await Deno.permissions.query({ name: "run" })).state;
});

/** Says a message that is longer than it may say, past the checks of its own side. */
export const flood = task(import.meta, function flood(length: number) {
  const { take } = FrameWriter.prototype;
  FrameWriter.prototype.take = function () {
    FrameWriter.prototype.take = take;
    take.call(this);
    return new Uint8Array(length);
  };
  // Too long for the ring.
  return "flooded".repeat(10_000);
});

/** Says a frame that claims to be long. */
export const claim = task(import.meta, function claim(length: number) {
  const { send } = Link.prototype;
  const { setUint32 } = DataView.prototype;
  Link.prototype.send = function (bytes) {
    Link.prototype.send = send;
    DataView.prototype.setUint32 = function (at) {
      DataView.prototype.setUint32 = setUint32;
      setUint32.call(this, at, length);
    };
    send.call(this, bytes);
  };
  return "claimed";
});
