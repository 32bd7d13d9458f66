/**
 * Corrupt and hostile bytes: whatever comes, reading gives a value or an error, in little time and
 * memory. `SWITCHYARD_SEED` repeats a run, `SWITCHYARD_FUZZ` sets how many inputs are tried.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Link } from "../../lib/channel/socket/link.ts";
import { loadFor, readBytes, readerOf, readValue, unwrap } from "../../lib/channel/message.ts";
import { readWord } from "../../lib/child/process/protocol.ts";
import { task } from "../../lib/task.ts";
import { decode, encode, modulesOf } from "../../lib/transfer/codec/codec.ts";
import { reviveFrom } from "../../lib/transfer/reduce.ts";
import type { Reduce, Reduction, Revive, TrustLevel } from "../../lib/transfer/reduction.ts";
import { SHAREABLES } from "../../lib/transfer/shareable.ts";
import { admit, referTo, toLoad, watchLoads } from "../../lib/transfer/task.ts";
import {
  done,
  error,
  Forged,
  forged,
  instance,
  report,
  target,
  withTable,
} from "../security/_forge.ts";
import { memoryOf } from "../_help/memory.ts";
import { randoms } from "../_help/random.ts";
import { withoutStacks } from "../_help/stacks.ts";

const SEED = Number(Deno.env.get("SWITCHYARD_SEED") ?? Date.now() % 1_000_000);
const TIMES = Number(Deno.env.get("SWITCHYARD_FUZZ") ?? 100_000);
/** How long one input may take, in ms: far more than any does, far less than a hang. */
const PATIENCE = 500;
/** How much memory reading may have taken in the end, in bytes: far less than lengths can claim. */
const MEMORY = 512 << 20;

class Point {
  constructor(public x: number, public next?: unknown) {}
}

const reduce: Reduce = (value) => {
  if (value instanceof Point) {
    return { kind: "instance", module: "file:///here.ts", name: "Point", state: { ...value } };
  }
  if (value instanceof Error) {
    return { kind: "error", module: "", name: value.name, state: { message: value.message } };
  }
  return { kind: "share", module: "file:///lock.ts", name: "Lock", state: 7 };
};

const revive: Revive = {
  shell: (kind) => kind === "instance" || kind === "error" ? {} : undefined,
  finish: (_kind, _module, _name, state, shell) =>
    shell === undefined ? { state } : Object.assign(shell, { state }),
};

function samples(): Uint8Array[] {
  const cycle: Record<string, unknown> = { name: "cycle", list: [1, 2] };
  cycle.self = cycle;
  let deep: unknown = "bottom";
  for (let k = 0; k < 600; k++) deep = k % 2 === 0 ? [deep] : { deep };
  const sparse: unknown[] = [];
  sparse[50] = 1;
  const values: unknown[] = [
    null,
    -0,
    1e300,
    2n ** 200n,
    -(2n ** 63n),
    "short",
    "ä".repeat(100),
    "\ud800 lone",
    { id: 1, tags: ["a", "b"], at: new Date(0), ok: true, none: undefined },
    Array.from({ length: 30 }, (_, k) => ({ id: k, name: `item ${k}` })),
    new Map<unknown, unknown>([["k", new Set([1, "2"])], [{ o: 1 }, /x+/gi]]),
    new Float64Array([1, 2, 3]),
    new DataView(new ArrayBuffer(9), 1, 4),
    new ArrayBuffer(100),
    new Point(1, new Point(2)),
    [new TypeError("wrong"), () => {}],
    sparse,
    cycle,
    deep,
  ];
  return values.map((value) => encode(value, reduce, "value"));
}

/**
 * Changes some bytes, cuts, doubles, moves or joins: what a broken sender might do, and an evil
 * one.
 */
function mutate(
  inputs: readonly Uint8Array[],
  random: (below: number) => number,
): Uint8Array<ArrayBuffer> {
  const source = inputs[random(inputs.length)]!;
  let bytes = source.slice();
  const changes = 1 + random(4);
  for (let k = 0; k < changes; k++) {
    const at = random(bytes.length + 1);
    switch (random(8)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes = joined(bytes.subarray(0, at), Uint8Array.of(random(256)), bytes.subarray(at));
        break;
      case 2: {
        const other = inputs[random(inputs.length)]!;
        bytes = joined(bytes.subarray(0, at), other.subarray(random(other.length)));
        break;
      }
      case 3:
        // A length that claims more than there is.
        for (let m = 0; m < 4 && at + m < bytes.length; m++) bytes[at + m] = 0xff;
        break;
      case 4:
        if (at < bytes.length) bytes[at] = [0, 0x7f, 0x80, 0xff, 0x50, 0x16, 0x17][random(7)]!;
        break;
      default:
        if (at < bytes.length) bytes[at] = random(256);
    }
  }
  return bytes;
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}

/** Runs a call, which may throw an Error; gives whether it did. */
function tried(call: () => unknown, input: Uint8Array, k: number, isAgain = false): boolean {
  const began = performance.now();
  let threw = false;
  try {
    call();
  } catch (error) {
    assert(error instanceof Error, `input ${k} of seed ${SEED} threw what is no Error: ${error}`);
    threw = true;
  }
  const took = performance.now() - began;
  // On a busy machine anything may take long, once.
  if (took >= PATIENCE && !isAgain) return tried(call, input, k, true);
  assert(took < PATIENCE, `input ${k} of seed ${SEED} took ${took} ms: ${input.toHex()}`);
  return threw;
}

Deno.test(`decode() gives a value or an error for ${TIMES} mutated inputs`, async () => {
  console.log(`seed ${SEED}`);
  const random = randoms(SEED);
  const inputs = samples();
  const before = memoryOf();
  let threw = 0;
  await withoutStacks(() => {
    for (let k = 0; k < TIMES; k++) {
      const input = mutate(inputs, random);
      if (tried(() => decode(input, revive), input, k)) threw++;
      tried(() => modulesOf(input), input, k);
      if (k % 10 === 0) {
        tried(() => readValue(input, 0, input.length), input, k);
        tried(() => readBytes(input, 0, input.length), input, k);
      }
      // Nothing is left over from one input to the next.
      if (k % 1000 === 0) assertEquals(decode(inputs[8]!, revive), decode(samples()[8]!, revive));
    }
  });
  const grown = memoryOf() - before;
  assert(grown < MEMORY, `memory grew by ${grown}, seed ${SEED}`);
  assert(threw > TIMES / 10 && threw < TIMES, `${threw} of ${TIMES} threw, seed ${SEED}`);
});

/** What a child that is not what it should be might say. */
function forgeries(): Uint8Array[] {
  const own = referTo(task(import.meta, function own() {}));
  const known = referTo(task(import.meta, Point));
  const modules = [
    "data:text/javascript,throw 1",
    "npm:left-pad",
    "https://example.com/x.ts",
    "file:///x.ts",
    "",
    own.module,
    ...SHAREABLES,
  ];
  const kinds: Reduction["kind"][] = ["share", "target", "instance", "error"];
  const names = [
    "Lock",
    "RingConnection",
    "Queue",
    "Point",
    "own",
    "#0",
    "then",
    "constructor",
    "TypeError",
  ];
  const states: unknown[] = [
    undefined,
    5,
    own.print,
    { at: 100_000, name: "x", entry: 1, end: 0, duplex: true, generation: 0, maxsize: 3 },
    { print: known.print, fields: { x: 1, then: 2, ["__proto__"]: 3 }, place: "value" },
    { message: "m", stack: "s", print: 0, fields: [["cause", { a: 1 }, true]] },
  ];
  const list: Uint8Array[] = [];
  modules.forEach((module, k) => {
    kinds.forEach((kind, j) => {
      const name = names[(k + j) % names.length]!;
      const state = states[(k + 2 * j) % states.length];
      list.push(forged([new Forged({ kind, module, name, state })]));
    });
    list.push(withTable({ k }, [module, module]));
  });
  const fn = target(own.module, own.name, own.print);
  list.push(
    forged({ then: fn, toJSON: [fn] }),
    forged(instance(known.module, known.name, known.print, { x: fn, next: {} })),
    forged(error(own.module, "Bad", { fields: [["then", fn, true]] })),
    done(forged(fn)),
    report(withTable(1, modules)),
  );
  return [...list, ...samples()];
}

// Who is trusted is told from who is not in a few lines of code: the attacks come from below.
for (const [source, times] of [["equal", TIMES / 10], ["below", TIMES]] as [TrustLevel, number][]) {
  Deno.test(`forged modules, kinds and counts load and run nothing: ${times} from ${source}`, async () => {
    console.log(`seed ${SEED}`);
    const random = randoms(SEED + 2);
    const inputs = forgeries();
    const read = readerOf(() => source);
    const loads: string[] = [];
    const before = memoryOf();
    watchLoads((module) => loads.push(module));
    let made = 0;
    try {
      await withoutStacks(() => {
        for (let k = 0; k < times; k++) {
          const input = mutate(inputs, random);
          if (!tried(() => decode(input, reviveFrom(source)), input, k)) made++;
          tried(() => readWord(input), input, k);
          if (k % 10 !== 0) continue;
          tried(() => unwrap(read(input, 0, input.length)), input, k);
          if (source === "equal") continue;
          let strange: string[] = [];
          tried(() => strange = toLoad(modulesOf(input), source), input, k);
          assertEquals(
            strange.filter((module) => !isOurs(module)),
            [],
            `input ${k} of seed ${SEED}`,
          );
        }
      });
      assertEquals(loads, []);
      // What is loaded for whoever is below is ours.
      for (const input of inputs) {
        await admit(modulesOf(input), "below");
        await loadFor({ bytes: input, level: "below" });
      }
      assertEquals(loads.filter((module) => !isOurs(module)), []);
    } finally {
      watchLoads(undefined);
    }
    const grown = memoryOf() - before;
    assert(grown < MEMORY, `memory grew by ${grown}, seed ${SEED}`);
    assert(made > 0 && made < times, `${made} of ${times} were made, seed ${SEED}`);
  });
}

function isOurs(module: string): boolean {
  return SHAREABLES.has(module) || module === import.meta.url;
}

/** A connection that gives bytes in pieces and then ends; it knows whether it was closed. */
function connectionOf(bytes: Uint8Array, random: (below: number) => number) {
  let at = 0;
  const state = { closed: 0, largest: 0 };
  const conn = {
    read(into: Uint8Array): Promise<number | null> {
      state.largest = Math.max(state.largest, into.length);
      if (at === bytes.length) return Promise.resolve(random(2) === 0 ? null : Promise.reject());
      const piece = bytes.subarray(at, at + Math.min(into.length, 1 + random(40)));
      into.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
    write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
    close: () => void state.closed++,
  };
  return { conn: conn as unknown as Deno.Conn, state };
}

Deno.test(`Link.frames() gives frames or an error for ${TIMES} mutated streams`, async () => {
  console.log(`seed ${SEED}`);
  const random = randoms(SEED + 1);
  const frames = samples().slice(0, 8).map((bytes) => {
    const frame = new Uint8Array(4 + bytes.length);
    new DataView(frame.buffer).setUint32(0, bytes.length);
    frame.set(bytes, 4);
    return frame;
  });
  const inputs = [
    ...frames,
    new Uint8Array(frames.flatMap((frame) => [...frame])),
    new Uint8Array([...frames[5]!, ...frames[6]!]),
    new Uint8Array(4),
  ];
  // Each costs a buffer: so many at a time are enough.
  const streams = Math.ceil(TIMES / 4);
  let refused = 0;
  for (let k = 0; k < streams; k++) {
    // Four mutated inputs in one stream.
    const input = joined(...[1, 2, 3, 4].map(() => mutate(inputs, random)));
    const { conn, state } = connectionOf(input, random);
    let bytes = 0;
    let got = 0;
    try {
      for await (const frame of new Link(conn).frames()) {
        bytes += frame.length;
        got++;
        assert(got <= input.length, `stream ${k} of seed ${SEED} does not end`);
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      refused++;
    }
    assert(bytes <= input.length, `stream ${k} of seed ${SEED} gave more than there was`);
    assertEquals(state.closed, 1, `stream ${k} of seed ${SEED} is not closed`);
    assert(state.largest <= 1 << 17, `stream ${k} of seed ${SEED} made room for ${state.largest}`);
  }
  assert(refused > 0);
});
