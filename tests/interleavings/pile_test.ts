/**
 * The pile of `lib/channel/` under the explorer: every item once, no lost wake-up, and what is left
 * when a writer or a reader is killed at any point. In both orders.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { CHAIN_WORDS } from "../../lib/channel/memory/chain.ts";
import type { Read } from "../../lib/channel/memory/frames.ts";
import { Pile, type PileOptions, type PileOrder } from "../../lib/channel/memory/pile.ts";
import { ShutDown } from "../../lib/errors.ts";
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
const read: Read<number> = (bytes, start) => bytes[start]!;

const LEAST_FIRST: PileOrder = {
  keyLength: () => 1,
  read: (bytes) => bytes[0],
  compare: (a, b) => (a as number) - (b as number),
};
const ORDERS: Record<string, PileOrder | undefined> = {
  "the newest first": undefined,
  "the least first": LEAST_FIRST,
};

function test(name: string, scenario: Scenario): void {
  Deno.test(name, () => {
    const { schedules, all } = explore(scenario);
    console.log(`    ${all ? "all" : "the first"} ${schedules.toLocaleString("en")} schedules`);
    assert(schedules > 1);
  });
}

/** A pile for each party, over the same words and blocks. */
function piles(world: World, parties: number, limits: PileOptions): Pile[] {
  for (let block = 0; block < 4; block++) {
    new Uint8Array(memory, block * BLOCK_WORDS * 4, 4096).fill(0);
  }
  const header = new Int32Array(2);
  assert(CHAIN_WORDS < OBJECT_WORDS);
  return world.handles(
    parties,
    (at) => new Pile(at[AT] as Placement, new Blocks(memory, header, 0), limits),
  );
}

function writer(pile: Pile, items: number[], put: number[]): Party {
  return function* write(world) {
    for (const item of items) {
      try {
        if (yield* world.call(pile.putting(new Uint8Array([item]), 1, 0))) put.push(item);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
  };
}

function reader(pile: Pile, count: number, got: number[]): Party {
  return function* get(world) {
    for (let k = 0; k < count; k++) {
      try {
        const found = yield* world.call(pile.getting(read, 0));
        if (found !== undefined) got.push(found.value);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
  };
}

/** What is left, in the order in which it is given out. */
function drain(pile: Pile): number[] {
  const left: number[] = [];
  while (pile.frames > 0) left.push(pile.tryGet(read) as number);
  return left;
}

for (const [how, order] of Object.entries(ORDERS)) {
  const plain = (limits: PileOptions, rest: Omit<Scenario, "setup">): Scenario => ({
    setup(world) {
      const [a, b, c] = piles(world, 3, { ...limits, order }) as [Pile, Pile, Pile];
      const got: number[] = [];
      const put: number[] = [];
      return {
        parties: [writer(a, [1, 2], put), writer(b, [11], put), reader(c, 3, got)],
        // One that gave up has put or taken less.
        standstill: () => rest.cancel !== undefined,
        check() {
          assertEquals(a.frames, put.length - got.length);
          assertEquals(a.puts, put.length);
          assertEquals([...got, ...drain(a)].sort(), [...put].sort());
        },
      };
    },
    ...rest,
  });

  test(`Pile brings every item over once, ${how} [interleavings]`, plain({}, { preemptions: 1 }));

  test(
    `Pile of one item brings them over, ${how} [interleavings]`,
    plain({ frames: 1 }, { preemptions: 1 }),
  );

  for (const party of [0, 2]) {
    const who = party === 0 ? "writer" : "reader";
    test(
      `Pile is as before when a ${who} gives up, ${how} [interleavings]`,
      plain({ frames: 1 }, {
        most: 4_000,
        preemptions: 1,
        cancel: { party, how: ["timeout", "abort"] },
      }),
    );
  }

  test(`Pile keeps its order, ${how} [interleavings]`, {
    preemptions: 2,
    setup(world) {
      const [a, b] = piles(world, 2, { order }) as [Pile, Pile];
      const put: number[] = [];
      return {
        parties: [writer(a, [3, 1], put), writer(b, [4, 2], put)],
        check() {
          const [all, left] = [[...put], drain(a)];
          if (order !== undefined) assertEquals(left, [1, 2, 3, 4]);
          else assertEquals([...left].sort(), all.sort());
        },
      };
    },
  });

  test(`Pile keeps what was put when a writer is killed at any point, ${how} [interleavings]`, {
    kill: 0,
    preemptions: 1,
    setup(world) {
      const [a, b, c] = piles(world, 3, { order }) as [Pile, Pile, Pile];
      const got: number[] = [];
      const put: number[] = [];
      return {
        parties: [writer(a, [1, 2], put), writer(b, [11, 12], put), reader(c, 4, got)],
        standstill: () => world.isDead(0),
        check() {
          // The survivor's items are all there, and of the victim's those that it knows it put, or
          // one more.
          const all = [...got, ...drain(c)];
          assertEquals(all.filter((item) => item > 10).sort(), [11, 12]);
          const victims = all.filter((item) => item < 10).sort();
          const known = put.filter((item) => item < 10);
          assertEquals(victims, [1, 2].slice(0, victims.length));
          assert(victims.length >= known.length && victims.length <= known.length + 1);
        },
      };
    },
  });

  test(`Pile loses one item at most when a reader is killed at any point, ${how} [interleavings]`, {
    kill: 0,
    most: 4_000,
    preemptions: 1,
    setup(world) {
      const [a, b, c] = piles(world, 3, { frames: 2, order }) as [Pile, Pile, Pile];
      const mine: number[] = [];
      const got: number[] = [];
      const put: number[] = [];
      return {
        parties: [reader(a, 2, mine), writer(b, [1, 2, 3], put), reader(c, 3, got)],
        standstill: () => got.length + mine.length >= 2,
        check() {
          assertEquals(put, [1, 2, 3]);
          const all = [...mine, ...got, ...drain(b)].sort();
          assertEquals(new Set(all).size, all.length);
          assert(all.length >= (world.isDead(0) ? 2 : 3));
        },
      };
    },
  });

  for (const immediate of [false, true]) {
    const end = `shutDown(${immediate})`;
    for (const kill of [false, true]) {
      const when = kill ? "is done or not when it is killed at any point" : "lets nobody wait";
      test(`Pile.${end} ${when}, ${how} [interleavings]`, {
        ...kill ? { kill: 1 } : {},
        most: 4_000,
        preemptions: 1,
        setup(world) {
          const [a, b, c] = piles(world, 3, { order, frames: 1 }) as [Pile, Pile, Pile];
          const [put, got]: number[][] = [[], []];
          let isOver = false;
          let refused = 0;
          const until = (party: Party): Party =>
            function* run(world) {
              try {
                yield* party(world);
              } catch (error) {
                if (!(error instanceof ShutDown)) throw error;
                refused++;
              }
            };
          return {
            parties: [
              until(writer(a, [1, 2], put)),
              function* (world) {
                yield* world.pause();
                b.shutDown(immediate);
                isOver = true;
              },
              until(reader(c, 3, got)),
            ],
            // Who is killed before it begins has shut nothing.
            standstill: () => world.isDead(1) && !c.isShut,
            check() {
              if (!c.isShut) return;
              assert(isOver || world.isDead(1));
              assert(refused > 0);
              assertEquals(new Set(got).size, got.length);
              if (!immediate) assertEquals([...got, ...drain(c)].sort(), put);
              assertEquals(c.frames, 0);
            },
          };
        },
      });
    }
  }
}
