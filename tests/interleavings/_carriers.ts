/**
 * The parties of the explorations of what carries frames in shared memory: a chain, or a pile.
 *
 * @module
 */
import { assert } from "@std/assert";
import { Chain, CHAIN_WORDS } from "../../lib/channel/memory/chain.ts";
import type { Read } from "../../lib/channel/memory/frames.ts";
import { Pile, type PileOrder } from "../../lib/channel/memory/pile.ts";
import { BLOCK_WORDS, Blocks } from "../../lib/memory/blocks.ts";
import { AT, type Placement } from "../../lib/memory/placement.ts";
import {
  Aborted,
  explore,
  OBJECT_WORDS,
  type Party,
  type Scenario,
  type World,
} from "./_explorer.ts";

const memory = new ArrayBuffer(4 * BLOCK_WORDS * 4);

/** Reads an item, which is one byte. */
export const read: Read<number> = (bytes, start) => bytes[start]!;

/** A chain or a pile. */
export type Carrier = Chain | Pile;

/** What a carrier may hold. */
export interface Most {
  frames?: number;
}

/** Makes a carrier at a place. */
export type Make<C extends Carrier> = (placement: Placement, blocks: Blocks, most: Most) => C;

const LEAST_FIRST: PileOrder = {
  keyLength: () => 1,
  read: (bytes) => bytes[0],
  compare: (a, b) => (a as number) - (b as number),
};

/** Makes a chain. */
export const chain: Make<Chain> = (placement, blocks, most) => new Chain(placement, blocks, most);

/** Makes a pile of each order, by what it gives out first. */
export const piles: Record<string, Make<Pile>> = {
  "the newest": (placement, blocks, most) => new Pile(placement, blocks, most),
  "the least": (placement, blocks, most) =>
    new Pile(placement, blocks, { ...most, order: LEAST_FIRST }),
};

/** Defines a test that explores a scenario. */
export function test(name: string, scenario: Scenario): void {
  Deno.test(`${name} [interleavings]`, () => {
    const { schedules, all } = explore(scenario);
    console.log(`    ${all ? "all" : "the first"} ${schedules.toLocaleString("en")} schedules`);
    assert(schedules > 1);
  });
}

/** A handle of one carrier for each party, over the same words and blocks. */
export function handles<C extends Carrier>(
  world: World,
  parties: number,
  make: Make<C>,
  most: Most = {},
): C[] {
  for (let block = 0; block < 4; block++) {
    new Uint8Array(memory, block * BLOCK_WORDS * 4, 4096).fill(0);
  }
  const header = new Int32Array(2);
  assert(CHAIN_WORDS < OBJECT_WORDS);
  return world.handles(
    parties,
    (at) => make(at[AT] as Placement, new Blocks(memory, header, 0), most),
  );
}

/** Puts items; notes in `put` those that are in. */
export function writer(carrier: Carrier, items: number[], put: number[]): Party {
  return function* write(world) {
    for (const item of items) {
      try {
        if (yield* world.call(carrier.putting(new Uint8Array([item]), 1, 0))) put.push(item);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
  };
}

/** Gets so many items. */
export function reader(carrier: Carrier, count: number, got: number[]): Party {
  return function* get(world) {
    for (let k = 0; k < count; k++) {
      try {
        const found = yield* world.call(carrier.getting(read, 0));
        if (found !== undefined) got.push(found.value);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
  };
}

/** What is left, in the order in which it is given out. */
export function drain(carrier: Carrier): number[] {
  const left: number[] = [];
  while (carrier.frames > 0) left.push(carrier.tryGet(read) as number);
  return left;
}
