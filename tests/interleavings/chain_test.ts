/**
 * The end of a chain, under the explorer. What it shares with piles is in `carriers_test.ts`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Chain } from "../../lib/channel/memory/chain.ts";
import { ShutDown } from "../../lib/errors.ts";
import { chain, handles, read, test } from "./_carriers.ts";
import type { Party } from "./_explorer.ts";

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
    test(`Chain.${how} lets nobody wait, and nothing through, of ${frames}`, {
      preemptions: frames === 1 ? 1 : 2,
      setup(world) {
        const [a, b, c] = handles(world, 3, chain, { frames }) as [Chain, Chain, Chain];
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

  test(`Chain.${how} wakes who waits for room`, {
    preemptions: 1,
    setup(world) {
      const [a, b, c] = handles(world, 3, chain, { frames: 1 }) as [Chain, Chain, Chain];
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

  test(`Chain.${how} is done or not when it is killed at any point`, {
    kill: 1,
    most: 15_000,
    preemptions: 2,
    setup(world) {
      const [a, b, c] = handles(world, 3, chain) as [Chain, Chain, Chain];
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
    test(`Chain.${how} ends all though a ${who} is killed at any point`, {
      kill: victim,
      most: 5_000,
      preemptions: 1,
      setup(world) {
        const [a, b, c, d] = handles(world, 4, chain) as [Chain, Chain, Chain, Chain];
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
