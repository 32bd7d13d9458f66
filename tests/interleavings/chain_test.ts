/**
 * The chain of `lib/channel/` under the explorer: every item once, in order, no lost wake-up, and what is left
 * when a writer or a reader is killed at any point.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Chain, CHAIN_WORDS, type ChainOptions, type Read } from "../../lib/channel/chain.ts";
import { BLOCK_WORDS, Blocks } from "../../lib/memory/blocks.ts";
import { AT, type Placement } from "../../lib/memory/placement.ts";
import { Aborted, explore, type Party, type Scenario, type World } from "./_explorer.ts";

const memory = new ArrayBuffer(4 * BLOCK_WORDS * 4);
const read: Read<number> = (bytes, start) => bytes[start]!;

function test(name: string, scenario: Scenario): void {
  Deno.test(name, () => {
    const { schedules, all } = explore(scenario);
    console.log(`    ${all ? "all" : "the first"} ${schedules.toLocaleString("en")} schedules`);
    assert(schedules > 1);
  });
}

/** A chain for each party, over the same words and blocks. */
function chains(world: World, parties: number, limits: ChainOptions): Chain[] {
  for (let block = 0; block < 4; block++) {
    new Uint8Array(memory, block * BLOCK_WORDS * 4, 64).fill(0);
  }
  const header = new Int32Array(2);
  assert(CHAIN_WORDS < 1024); // what the explorer gives to one object
  return world.handles(
    parties,
    (at) => new Chain(at[AT] as Placement, new Blocks(memory, header, 0), limits),
  );
}

function writer(chain: Chain, items: number[], put: number[]): Party {
  return function* write(world) {
    for (const item of items) {
      try {
        if (yield* world.call(chain.putting(new Uint8Array([item]), 1, 0))) put.push(item);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
  };
}

function reader(chain: Chain, count: number, got: number[]): Party {
  return function* get(world) {
    for (let k = 0; k < count; k++) {
      try {
        const found = yield* world.call(chain.getting(read, 0));
        if (found !== undefined) got.push(found.value);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
  };
}

const plain = (limits: ChainOptions, rest: Omit<Scenario, "setup">): Scenario => ({
  setup(world) {
    const [a, b, c] = chains(world, 3, limits) as [Chain, Chain, Chain];
    const got: number[] = [];
    const put: number[] = [];
    return {
      parties: [writer(a, [1, 2], put), writer(b, [11], put), reader(c, 3, got)],
      // One that gave up has put or taken less.
      standstill: () => rest.cancel !== undefined,
      check() {
        const firsts = got.filter((item) => item < 10);
        assertEquals(firsts, put.filter((item) => item < 10).slice(0, firsts.length));
        assertEquals(new Set(got).size, got.length);
        assertEquals(a.frames, put.length - got.length);
      },
    };
  },
  ...rest,
});
test("Chain brings every item over once [interleavings]", plain({}, { preemptions: 1 }));
test(
  "Chain of one item brings them over [interleavings]",
  plain({ frames: 1 }, { preemptions: 1 }),
);
for (const party of [0, 2]) {
  const who = party === 0 ? "writer" : "reader";
  test(
    `Chain is as before when a ${who} gives up [interleavings]`,
    plain({ frames: 1 }, { preemptions: 1, cancel: { party, how: ["timeout", "abort"] } }),
  );
}

test("Chain keeps what was put when a writer is killed at any point [interleavings]", {
  kill: 0,
  preemptions: 1,
  setup(world) {
    const [a, b, c] = chains(world, 3, {}) as [Chain, Chain, Chain];
    const got: number[] = [];
    const put: number[] = [];
    return {
      parties: [writer(a, [1, 2], put), writer(b, [11, 12], put), reader(c, 4, got)],
      standstill: () => world.isDead(0),
      check() {
        // The survivor's items are all there, and of the victim's those that it knows it put, or one more.
        assertEquals(got.filter((item) => item > 10), [11, 12]);
        const victims = got.filter((item) => item < 10);
        const known = put.filter((item) => item < 10);
        assertEquals(victims, [1, 2].slice(0, victims.length));
        assert(victims.length >= known.length && victims.length <= known.length + 1);
      },
    };
  },
});

test("Chain loses one item at most when a reader is killed at any point [interleavings]", {
  kill: 0,
  most: 20_000,
  preemptions: 1,
  setup(world) {
    const [a, b, c] = chains(world, 3, { frames: 2 }) as [Chain, Chain, Chain];
    const mine: number[] = [];
    const got: number[] = [];
    const put: number[] = [];
    return {
      parties: [reader(a, 2, mine), writer(b, [1, 2, 3], put), reader(c, 3, got)],
      standstill: () => got.length + mine.length >= 2,
      check() {
        assertEquals(put, [1, 2, 3]);
        const all = [...mine, ...got].sort();
        assertEquals(new Set(all).size, all.length);
        assert(all.length + b.frames >= (world.isDead(0) ? 2 : 3));
      },
    };
  },
});
