/**
 * The chain of `lib/channel/` under the explorer: every item once, in order, no lost wake-up, and
 * what is left when a writer or a reader is killed at any point.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Chain, CHAIN_WORDS, type ChainOptions } from "../../lib/channel/memory/chain.ts";
import type { Read } from "../../lib/channel/memory/frames.ts";
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
  assert(CHAIN_WORDS < OBJECT_WORDS);
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
        // The survivor's items are all there, and of the victim's those that it knows it put, or
        // one more.
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

/** What is known of a chain that is shut down while others use it. */
class Closing {
  readonly put: number[] = [];
  readonly got: number[] = [];
  /** How many were refused, by party. */
  readonly refused: string[] = [];
  /** Whether `shutDown()` has returned. */
  isShut = false;
  readonly #immediate: boolean;

  constructor(immediate: boolean) {
    this.#immediate = immediate;
  }

  shutter(chain: Chain): Party {
    const immediate = this.#immediate;
    const close = () => {
      chain.shutDown(immediate);
      this.isShut = true;
    };
    return function* shut(world) {
      yield* world.pause();
      close();
    };
  }

  writer(chain: Chain, items: number[]): Party {
    const { put } = this;
    const see = (): boolean => this.isShut;
    const refuse = (error: unknown) => this.#refuse("writer", error);
    return function* write(world) {
      for (const item of items) {
        const wasShut = see();
        try {
          yield* world.call(chain.putting(new Uint8Array([item]), 1, 0));
        } catch (error) {
          return refuse(error);
        }
        assert(!wasShut, "put after the end");
        put.push(item);
      }
    };
  }

  /** Gets until it is refused. */
  reader(chain: Chain): Party {
    const { got } = this;
    const see = (): boolean => this.isShut && this.#immediate;
    const refuse = (error: unknown) => this.#refuse("reader", error);
    return function* get(world) {
      for (;;) {
        const wasShut = see();
        let found: { value: number } | undefined;
        try {
          found = yield* world.call(chain.getting(read, 0));
        } catch (error) {
          return refuse(error);
        }
        assert(!wasShut, "got after the end");
        got.push(found!.value);
      }
    };
  }

  #refuse(who: string, error: unknown): void {
    if (!(error instanceof ShutDown)) throw error;
    this.refused.push(who);
  }

  /** What was got is what was put, in order and once; all of it, unless it was dropped. */
  check(chain: Chain): void {
    assertEquals(this.got, this.put.slice(0, this.got.length));
    if (!this.#immediate) assertEquals(this.got.length, this.put.length);
    assertEquals(chain.frames, 0);
    if (this.#immediate) assertEquals(chain.puts, this.got.length);
  }
}

for (const immediate of [false, true]) {
  const how = immediate ? "shutDown(true)" : "shutDown(false)";

  for (const frames of [1, Infinity]) {
    test(`Chain.${how} lets nobody wait, and nothing through, of ${frames} [interleavings]`, {
      preemptions: frames === 1 ? 1 : 2,
      setup(world) {
        const [a, b, c] = chains(world, 3, { frames }) as [Chain, Chain, Chain];
        const closing = new Closing(immediate);
        return {
          parties: [closing.writer(a, [1, 2]), closing.shutter(b), closing.reader(c)],
          check() {
            closing.check(a);
            assert(closing.refused.includes("reader"));
          },
        };
      },
    });
  }

  test(`Chain.${how} wakes who waits for room [interleavings]`, {
    preemptions: 1,
    setup(world) {
      const [a, b, c] = chains(world, 3, { frames: 1 }) as [Chain, Chain, Chain];
      const closing = new Closing(immediate);
      return {
        parties: [closing.writer(a, [1, 2]), closing.writer(b, [1, 2]), closing.shutter(c)],
        check() {
          assertEquals(closing.refused, ["writer", "writer"]);
          assertEquals(a.frames, immediate ? 0 : closing.put.length);
        },
      };
    },
  });

  test(`Chain.${how} is done or not when it is killed at any point [interleavings]`, {
    kill: 1,
    most: 15_000,
    preemptions: 2,
    setup(world) {
      const [a, b, c] = chains(world, 3, {}) as [Chain, Chain, Chain];
      const closing = new Closing(immediate);
      const isOpen = () => {
        try {
          return a.tryPut(new Uint8Array([9]), 1) || a.frames > 0;
        } catch (error) {
          assert(error instanceof ShutDown);
          return false;
        }
      };
      return {
        parties: [closing.writer(a, [1]), closing.shutter(b), closing.reader(c)],
        standstill() {
          // Not done: the reader has all, and waits for more.
          if (!world.isDead(1)) return false;
          assertEquals([closing.put, closing.got, closing.refused], [[1], [1], []]);
          return isOpen();
        },
        check() {
          if (closing.refused.length === 0) return;
          closing.check(a);
          assert(!isOpen());
        },
      };
    },
  });

  for (const victim of [0, 2]) {
    const who = victim === 0 ? "writer" : "reader";
    test(`Chain.${how} ends all though a ${who} is killed at any point [interleavings]`, {
      kill: victim,
      most: 5_000,
      preemptions: 1,
      setup(world) {
        const [a, b, c, d] = chains(world, 4, {}) as [Chain, Chain, Chain, Chain];
        const closing = new Closing(immediate);
        let puts = -1;
        const joiner: Party = function* join(world) {
          yield* world.pause();
          if (!closing.isShut) return;
          yield* world.call(d.settling());
          puts = d.puts;
        };
        return {
          parties: [
            closing.writer(a, [1, 2]),
            closing.shutter(b),
            closing.reader(c),
            joiner,
          ],
          check() {
            const { put, got } = closing;
            const known = victim === 0 ? put.length + 1 : 2;
            assertEquals(got, [1, 2].slice(0, got.length));
            assert(got.length <= known);
            // A victim may have had one more than it could say.
            if (immediate && puts >= 0) {
              assertEquals(a.puts, puts);
              const most = got.length + (world.isDead(2) ? 1 : 0);
              assert(puts >= got.length && puts <= most, `${puts} of ${got.length}`);
            }
          },
        };
      },
    });
  }
}
