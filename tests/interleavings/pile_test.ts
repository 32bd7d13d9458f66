/**
 * The order of a pile, and its end, under the explorer. What it shares with chains is in
 * `carriers_test.ts`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Pile } from "../../lib/channel/memory/pile.ts";
import { ShutDown } from "../../lib/errors.ts";
import { drain, handles, piles, reader, test, writer } from "./_carriers.ts";
import type { Party } from "./_explorer.ts";

for (const [first, make] of Object.entries(piles)) {
  test(`Pile keeps its order, ${first} first`, {
    preemptions: 2,
    setup(world) {
      const [a, b] = handles(world, 2, make) as [Pile, Pile];
      const put: number[] = [];
      return {
        parties: [writer(a, [3, 1], put), writer(b, [4, 2], put)],
        check() {
          const [all, left] = [[...put], drain(a)];
          if (first === "the least") assertEquals(left, [1, 2, 3, 4]);
          else assertEquals([...left].sort(), all.sort());
        },
      };
    },
  });

  for (const immediate of [false, true]) {
    const end = `shutDown(${immediate})`;
    for (const kill of [false, true]) {
      const when = kill ? "is done or not when it is killed at any point" : "lets nobody wait";
      test(`Pile.${end} ${when}, ${first} first`, {
        ...kill ? { kill: 1 } : {},
        most: 4_000,
        preemptions: 1,
        setup(world) {
          const [a, b, c] = handles(world, 3, make, { frames: 1 }) as [Pile, Pile, Pile];
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
