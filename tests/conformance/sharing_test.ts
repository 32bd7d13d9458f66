/**
 * How synchronizers travel: nested, returned, through several hands, in both worlds.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ShareError } from "../../lib/errors.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import {
  contentOf,
  giveBack,
  isTouched,
  isTouchedThere,
  type Kind,
  KINDS,
  make,
  makeThere,
  nameOf,
  type Nest,
  touch,
  touchBelow,
  touchNest,
} from "./_targets.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { type Face, test } from "./_world.ts";

/** One of the kind in each place that arguments can have. */
function nestOf(face: Face, kind: Kind): Nest {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => make(face, kind, name));
  return {
    list: [1, a],
    deep: { er: { still: b } },
    map: new Map([["key", c]]),
    set: new Set([d]),
  };
}

for (const kind of KINDS) {
  test(`${kind} works nested in arrays, objects, Maps and Sets`, async (world) => {
    const nest = nestOf(world.face, kind);
    assertEquals(contentOf(nest).map((each) => isTouched(kind, each)), Array(4).fill(false));
    assertEquals(await world.run(touchNest, [kind, nest]), ["a", "b", "c", "d"]);
    assertEquals(contentOf(nest).map((each) => isTouched(kind, each)), Array(4).fill(true));
  });

  test(`${kind} comes back as what went, and keeps its identity in one message`, async (world) => {
    const one = make(world.face, kind, "one");
    const { first, nested } = await world.run(giveBack, [one, one]);
    assertEquals(nested[0].get("same"), true);
    assertInstanceOf(first, world.face[kind]);
    assertEquals(nameOf(first), "one");
    touch(kind, first);
    assertEquals(await world.run(isTouchedThere, [kind, one]), true);
  });

  test(`${kind} made by a child outlives it`, async (world) => {
    const child = world.start(makeThere, [world.name, kind, "made there"]);
    const made = await child.result();
    await child.handle.join();
    assertInstanceOf(made, world.face[kind]);
    assertEquals([nameOf(made), isTouched(kind, made)], ["made there", false]);
    const nest: Nest = { ...nestOf(world.face, kind), list: [1, made] };
    await world.run(touchNest, [kind, nest]);
    assertEquals(isTouched(kind, made), true);
  });

  for (const below of ["threads", "processes"] as const) {
    const skip = below === "threads" ? {} : {
      skip: { threads: "a threading object does not go to a process" },
    };
    test(`${kind} is passed on to ${below} of a child`, async (world) => {
      const nest = nestOf(world.face, kind);
      assertEquals(await world.run(touchBelow, [below, kind, nest]), ["a", "b", "c", "d"]);
      assertEquals(contentOf(nest).map((each) => isTouched(kind, each)), Array(4).fill(true));
    }, skip);
  }

  Deno.test(`threading.${kind} given to a process is a ShareError with its place and the class to use`, () => {
    const cases: [place: string, args: (given: unknown) => unknown[]][] = [
      ["args[1]", (given) => [kind, given]],
      ["args[0].list[1]", (given) => [{ list: [1, given] }]],
      ['args[0].map.get("key").still', (given) => [{ map: new Map([["key", { still: given }]]) }]],
    ];
    for (const [place, argsOf] of cases) {
      const args = argsOf(make(threading, kind, "here"));
      const process = new multiprocessing.Process(touchNest as never, { args });
      const error = assertThrows(() => process.start(), ShareError, `multiprocessing.${kind}`);
      assertEquals(error.place, place);
      assert(error.message.includes(`threading.${kind}`), error.message);
      assertEquals(process.isAlive(), false);
    }
  });

  Deno.test(unless(LACKS.memory, `multiprocessing.${kind} extends threading's`), () => {
    const made = make(multiprocessing, kind, "both");
    assertInstanceOf(made, threading[kind]);
    assert(!(make(threading, kind, "here") instanceof multiprocessing[kind]));
  });

  Deno.test(
    unless(LACKS.memory, `multiprocessing.${kind} is shared by a thread and a process at once`),
    async () => {
      const nest = nestOf(multiprocessing, kind);
      {
        await using thread = new threading.Thread(touchNest, { args: [kind, nest] }).start();
        await thread.result();
      }
      assertEquals(contentOf(nest).map((each) => isTouched(kind, each)), Array(4).fill(true));
      const made = make(multiprocessing, kind, "made here");
      await using process = new multiprocessing.Process(touchNest, {
        args: [kind, { ...nestOf(multiprocessing, kind), list: [1, made] }],
      }).start();
      await process.result();
      await using thread = new threading.Thread(isTouchedThere, { args: [kind, made] }).start();
      assertEquals(await thread.result(), true);
    },
  );
}
