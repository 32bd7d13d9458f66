/**
 * A child that has made itself master of its own side: it says any bytes at all, instead of what
 * the toolkit would say for it. And what makes such bytes.
 *
 * It may read the library and this file and nothing else: {@linkcode LEAST}.
 *
 * @module
 */
import { Chain } from "../../lib/channel/memory/chain.ts";
import { Link } from "../../lib/channel/socket/link.ts";
import type { FrameWriter } from "../../lib/pool/transport/frames.ts";
import type { Ring } from "../../lib/pool/transport/ring.ts";
import { encode } from "../../lib/transfer/codec/codec.ts";
import { HAS_MODULES } from "../../lib/transfer/codec/format.ts";
import type { Reduce, Reduction } from "../../lib/transfer/reduction.ts";
import { task } from "../../lib/transfer/task.ts";

const LIBRARY = new URL("../../lib/", import.meta.url);

const NOTHING = {
  write: false,
  net: false,
  env: false,
  run: false,
  ffi: false,
  sys: false,
  import: false,
};
/** What such a child may do. */
export const LEAST = { ...NOTHING, read: [LIBRARY, new URL(import.meta.url)] };
/** The same, and memory: it may still not write, run or connect. */
export const MAPPED = { ...LEAST, ffi: true };

/** Stands in a value for any reduction. */
export class Forged {
  constructor(readonly reduction: Reduction) {}
}

const reduce: Reduce = (value) => (value as Forged).reduction;

/** Encodes plain data, and any reductions in it. */
export function forged(value: unknown): Uint8Array {
  return encode(value, reduce);
}

/** A function that the child says is in a module. */
export function target(module: string, name: string, state: unknown = 0): Forged {
  return new Forged({ kind: "target", module, name, state });
}

/** An instance of a class. */
export function instance(module: string, name: string, print: number, fields: unknown): Forged {
  return new Forged({
    kind: "instance",
    module,
    name,
    state: { print, fields, place: "result" },
  });
}

/** An error. */
export function error(
  module: string,
  name: string,
  more: Record<string, unknown> = {},
): Forged {
  const state = { message: "forged", stack: "at forge", print: 0, fields: [], ...more };
  return new Forged({ kind: "error", module, name, state });
}

/** A shared object. */
export function shared(module: string, name: string, state: unknown): Forged {
  return new Forged({ kind: "share", module: new URL(module, LIBRARY).href, name, state });
}

/** Plain data with a table of modules that nothing in it refers to. */
export function withTable(value: unknown, modules: string[]): Uint8Array {
  const bytes = encode(value, reduce);
  bytes[0]! |= HAS_MODULES;
  const strings = modules.map((module) => encode(module, reduce).subarray(1));
  const table = [modules.length, ...strings.flatMap((string) => [...string])];
  const size = new Uint8Array(Uint32Array.of(table.length).buffer);
  return Uint8Array.of(...bytes, ...table, ...size);
}

/** The end of a child: a result. */
export function done(value: Uint8Array): Uint8Array {
  return forged({ type: "done", value });
}

/** The end of a child: an error. */
export function failed(error: Uint8Array): Uint8Array {
  return forged({ type: "failed", error, terminated: false });
}

/** A report. */
export function report(value: Uint8Array): Uint8Array {
  return forged({ type: "report", value });
}

/** Says these frames to the parent, and nothing else from then on. */
export const say: (frames: Uint8Array[]) => void = task(
  import.meta,
  function say(frames: Uint8Array[]) {
    const { send } = Link.prototype;
    const rest = [...frames];
    Link.prototype.send = function () {
      for (const frame of rest.splice(0)) send.call(this, frame);
    };
  },
);

/** Puts these messages into a carrier in memory, in place of what is sent or put there. */
export const carry: (
  carrier: { sendSync?(value: unknown): void; putSync?(value: unknown): void },
  messages: Uint8Array[],
) => void = task(import.meta, function carry(carrier, messages) {
  const { tryPut } = Chain.prototype;
  for (const message of messages) {
    Chain.prototype.tryPut = function () {
      return tryPut.call(this, message, message.length);
    };
    carrier.sendSync?.("in place of this");
    carrier.putSync?.("in place of this");
  }
  Chain.prototype.tryPut = tryPut;
});

/** How a pool's worker wrote its words at first. */
let honest: { add: FrameWriter["add"]; push: Ring["push"] } | undefined;

/** A pool's worker says this as the result of every call from now on. */
export const answer: (bytes: Uint8Array) => Promise<void> = task(
  import.meta,
  async function answer(bytes: Uint8Array) {
    const { DONE } = await import("../../lib/pool/transport/frames.ts");
    await speak(DONE, bytes);
  },
);

/** A pool's worker says this as its next report. */
export const answerReport: (bytes: Uint8Array) => Promise<string> = task(
  import.meta,
  async function answerReport(bytes: Uint8Array) {
    const { REPORT } = await import("../../lib/pool/transport/frames.ts");
    const { context } = await import("../../lib/task.ts");
    const stop = await speak(REPORT, bytes);
    context().report("in place of this");
    stop();
    return "said";
  },
);

/** Has a pool's worker say this in all words of a kind, by its ring and by its pipe, until stopped. */
async function speak(kind: number, bytes: Uint8Array): Promise<() => void> {
  const { FrameWriter } = await import("../../lib/pool/transport/frames.ts");
  const { Ring } = await import("../../lib/pool/transport/ring.ts");
  const { Span } = await import("../../lib/pool/payload.ts");
  const { add } = honest ??= { add: FrameWriter.prototype.add, push: Ring.prototype.push };
  const { push } = honest;
  const value = new Span(new Uint8Array(bytes), 0, bytes.length);
  FrameWriter.prototype.add = function (head, given) {
    return add.call(this, head, head.kind === kind ? value : given);
  };
  Ring.prototype.push = function (head, given) {
    return push.call(this, head, head.kind === kind ? value : given);
  };
  return () => {
    FrameWriter.prototype.add = add;
    Ring.prototype.push = push;
  };
}

/** Gives back what it was given. */
export const echo: (value: unknown) => unknown = task(
  import.meta,
  function echo(value: unknown) {
    return value;
  },
);

/** Says that a frame of so many bytes follows, and then goes on writing zeros. */
export const claim: (length: number, chunks: number) => void = task(
  import.meta,
  function claim(length: number, chunks: number) {
    const { send } = Link.prototype;
    const { setUint32 } = DataView.prototype;
    let isDone = false;
    Link.prototype.send = function () {
      if (isDone) return;
      isDone = true;
      DataView.prototype.setUint32 = function (at) {
        setUint32.call(this, at, length);
      };
      send.call(this, new Uint8Array(1 << 20));
      for (let k = 0; k < chunks; k++) send.call(this, new Uint8Array(1 << 20));
      DataView.prototype.setUint32 = setUint32;
    };
  },
);

/** Takes a queue from another, and puts these messages into it. */
export const carryInner: (
  outer: { get(): Promise<unknown> },
  messages: Uint8Array[],
) => Promise<void> = task(import.meta, async function carryInner(outer, messages) {
  carry(await outer.get() as { putSync(value: unknown): void }, messages);
});

/** Makes a queue with these messages in it. */
export const makeQueue: (messages: Uint8Array[]) => Promise<unknown> = task(
  import.meta,
  async function makeQueue(messages: Uint8Array[]) {
    const { Queue } = await import("../../lib/multiprocessing/queue.ts");
    const queue = new Queue();
    carry(queue, messages);
    return queue;
  },
);

/** Makes a pipe with these messages in it, and gives the end where they come out. */
export const makePipe: (messages: Uint8Array[]) => Promise<unknown> = task(
  import.meta,
  async function makePipe(messages: Uint8Array[]) {
    const { pipe } = await import("../../lib/multiprocessing/pipe.ts");
    const [here, there] = pipe();
    carry(here as { sendSync(value: unknown): void }, messages);
    return there;
  },
);
