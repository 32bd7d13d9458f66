/**
 * What carries frames in shared memory, under the explorer: the chain, and the pile in both orders.
 * Every item once, no lost wake-up, and what is left when a writer or a reader is killed at any
 * point.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Carrier,
  chain,
  drain,
  handles,
  type Make,
  type Most,
  piles,
  reader,
  test,
  writer,
} from "./_carriers.ts";
import type { Scenario } from "./_explorer.ts";

/** A carrier, whether it keeps the order of puts, and the most schedules of a large exploration. */
interface Kind {
  make: Make<Carrier>;
  isOrdered: boolean;
  most?: number;
}

const KINDS: Record<string, Kind> = {
  Chain: { make: chain, isOrdered: true },
  ...Object.fromEntries(
    Object.entries(piles).map(([first, make]) => [
      `Pile, ${first} first,`,
      { make, isOrdered: false, most: 4_000 },
    ]),
  ),
};

for (const [kind, { make, isOrdered, most }] of Object.entries(KINDS)) {
  const large = most === undefined ? {} : { most };
  /** What must be of what was got and what is left: the order of one writer's items. */
  const assertOrder = (items: number[], put: number[]) => {
    if (isOrdered) assertEquals(items, put.slice(0, items.length));
    else assertEquals(items.toSorted(), put.filter((item) => items.includes(item)));
  };

  const plain = (limits: Most, rest: Omit<Scenario, "setup">): Scenario => ({
    setup(world) {
      const [a, b, c] = handles(world, 3, make, limits) as [Carrier, Carrier, Carrier];
      const got: number[] = [];
      const put: number[] = [];
      return {
        parties: [writer(a, [1, 2], put), writer(b, [11], put), reader(c, 3, got)],
        // One that gave up has put or taken less.
        standstill: () => rest.cancel !== undefined,
        check() {
          assertEquals([a.frames, a.puts], [put.length - got.length, put.length]);
          assertOrder(got.filter((item) => item < 10), put.filter((item) => item < 10));
          assertEquals([...got, ...drain(a)].sort(), [...put].sort());
        },
      };
    },
    ...rest,
  });

  test(`${kind} brings every item over once`, plain({}, { preemptions: 1 }));

  test(`${kind} of one item brings them over`, plain({ frames: 1 }, { preemptions: 1 }));

  for (const party of [0, 2]) {
    const who = party === 0 ? "writer" : "reader";
    test(
      `${kind} is as before when a ${who} gives up`,
      plain({ frames: 1 }, {
        ...large,
        preemptions: 1,
        cancel: { party, how: ["timeout", "abort"] },
      }),
    );
  }

  test(`${kind} keeps what was put when a writer is killed at any point`, {
    kill: 0,
    preemptions: 1,
    setup(world) {
      const [a, b, c] = handles(world, 3, make) as [Carrier, Carrier, Carrier];
      const got: number[] = [];
      const put: number[] = [];
      return {
        parties: [writer(a, [1, 2], put), writer(b, [11, 12], put), reader(c, 4, got)],
        standstill: () => world.isDead(0),
        check() {
          // The survivor's items are all there, and of the victim's those that it knows it put, or
          // one more.
          const all = [...got, ...drain(c)];
          const survivors = all.filter((item) => item > 10);
          if (isOrdered) assertEquals(survivors, [11, 12]);
          else assertEquals(survivors.sort(), [11, 12]);
          const victims = all.filter((item) => item < 10);
          if (!isOrdered) victims.sort();
          const known = put.filter((item) => item < 10);
          assertEquals(victims, [1, 2].slice(0, victims.length));
          assert(victims.length >= known.length && victims.length <= known.length + 1);
        },
      };
    },
  });

  test(`${kind} loses one item at most when a reader is killed at any point`, {
    kill: 0,
    most: most ?? 20_000,
    preemptions: 1,
    setup(world) {
      const [a, b, c] = handles(world, 3, make, { frames: 2 }) as [Carrier, Carrier, Carrier];
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
}
