/**
 * What dump() shows, in both worlds, and at a signal while the main thread is blocked.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  arriveOften,
  awaitEvent,
  awaitPhase,
  FORMS,
  hold,
  takeAndTell,
  takeBoth,
} from "./_targets.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { until } from "../_help/until.ts";
import { test, type World, type WorldName } from "./_world.ts";

/** The line of the dump that is about a child. */
function lineOf(world: World, name: string): string {
  return world.face.dump().split("\n").find((line) => line.startsWith(`  ${name} `)) ?? "";
}

test("dump() shows who runs, holds and waits, by name", async (world) => {
  const lock = new world.face.Lock({ name: "till" });
  const go = new world.face.Event({ name: "go" });
  const holder = world.start(hold, [lock, go, 1, "sync"], { name: "cashier" });
  await holder.next();
  const waiters = FORMS.map((form) =>
    world.start(takeAndTell, [lock, form], { name: `customer ${form}` })
  );
  await world.untilWaiting(holder, ...waiters);
  const cashier = lineOf(world, "cashier");
  assertMatch(cashier, /waiting/);
  assertMatch(cashier, /holds 'till'/);
  assertMatch(cashier, /waits for 'go'/);
  for (const { name } of waiters) {
    const line = lineOf(world, name);
    assertMatch(line, /waiting/);
    assertMatch(line, /waits for 'till'.*cashier.*since \d\d:\d\d:\d\d/);
    assert(!line.includes("holds"), line);
  }
  go.set();
  await Promise.all(waiters.map((child) => child.result()));
});

test("dump() shows this thread, and what it holds", ({ face }) => {
  const lock = new face.Lock({ name: "till" });
  const nested = new face.RLock({ name: "drawer" });
  const before = face.dump();
  assertMatch(before, /Main(Thread|Process)/);
  assert(!before.includes("till"), before);
  {
    using _lock = lock.acquireSync();
    using _outer = nested.acquireSync();
    using _inner = nested.acquireSync();
    assertMatch(face.dump(), /running +holds 'till', 'drawer'/);
  }
  assertEquals(face.dump().includes("'till'"), false);
  assertEquals(face.dump().includes("'drawer'"), false);
});

test("dump() shows those who wait for an event, a condition, a barrier or a permit", async (world) => {
  const { Event, Condition, Barrier, Semaphore, Value } = world.face;
  const event = new Event({ name: "green" });
  const condition = new Condition(undefined, { name: "room" });
  const barrier = new Barrier(2, { name: "start" });
  const semaphore = new Semaphore(0, { name: "pumps" });
  const children = [
    world.start(awaitEvent, [event, "sync"], { name: "driver" }),
    world.start(awaitPhase, [condition, new Semaphore(0), new Value("i32"), "async"], {
      name: "guest",
    }),
    world.start(arriveOften, [barrier, 1, "sync"], { name: "runner" }),
    world.start(takeAndTell, [semaphore, "async"], { name: "car" }),
  ];
  await world.untilWaiting(...children);
  assertMatch(lineOf(world, "driver"), /waits for 'green'/);
  assertMatch(lineOf(world, "guest"), /waits for 'room'/);
  assertMatch(lineOf(world, "runner"), /waits for 'start'/);
  assertMatch(lineOf(world, "car"), /waits for 'pumps'/);
  event.set();
  barrier.waitSync();
  semaphore.release();
  {
    using _ = await condition.acquire();
    condition.notify();
  }
  await world.join();
  for (const name of ["driver", "guest", "runner", "car"]) assertEquals(lineOf(world, name), "");
});

test("dump() ends with the deadlocks", async (world) => {
  const locks = ["A", "B"].map((name) => new world.face.Lock({ name }));
  const met = new world.face.Barrier(2);
  const children = [0, 1].map((k) =>
    world.start(takeBoth, [locks[k], locks[1 - k], met, false, "sync"], { name: `side-${k}` })
  );
  await until(() => world.face.dump().includes("Deadlock: "));
  assertMatch(world.face.dump(), /Deadlock: side-\d holds '[AB]' and waits for '[AB]'; side-\d /);
  locks[0].release();
  await Promise.all(children.map((child) => child.result()));
  assert(!world.face.dump().includes("Deadlock"));
});

test("dump.onSignal() refuses what is no signal", ({ face }) => {
  assertThrows(() => face.dump.onSignal("SIGNONE" as never), TypeError, "SIGNONE");
  assertThrows(() => face.dump.onSignal(3 as never), TypeError);
});

for (const name of ["threads", "processes"] satisfies WorldName[]) {
  const prints = "dump.onSignal() prints while the main thread is blocked";
  for (const when of ["", ", by a lock that is made later"]) {
    Deno.test({
      ...unless(LACKS.signals ?? LACKS.memory, `${prints}${when} [${name}]`),
      async fn() {
        const program = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", fileURLToPath(new URL("_dump_program.ts", import.meta.url)), name],
          env: { NO_COLOR: "1" },
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const limit = setTimeout(() => program.kill("SIGKILL"), 15_000);
        Deno.unrefTimer(limit);
        const [out, err] = [program.stdout, program.stderr].map((stream) =>
          stream.pipeThrough(new TextDecoderStream()).getReader()
        );
        const readUntil = async (reader: typeof out, pattern: RegExp) => {
          let text = "";
          while (!pattern.test(text)) {
            const { value, done } = await reader.read();
            assert(!done, `ended with: ${text}`);
            text += value;
          }
          return text;
        };
        // It may not have come so far yet: ask until it has.
        const ask = async (pattern: RegExp) => {
          const asking = setInterval(() => program.kill("SIGQUIT"), 100);
          program.status.finally(() => clearInterval(asking));
          const text = await readUntil(err, pattern);
          clearInterval(asking);
          return text;
        };
        await readUntil(out, /listens\n/);
        if (when !== "") await ask(/MainThread +running/);
        await program.stdin.close();
        await readUntil(out, /blocks next\n/);
        const text = await ask(/Main\w+.* waits for 'till'.*\n/);
        assertMatch(text, /cashier.* waiting +holds 'till'; waits for 'never'/);
        program.kill("SIGKILL");
        await Promise.all([out, err].map(async (reader) => {
          while (!(await reader.read()).done);
        }));
        await program.status;
        clearTimeout(limit);
      },
    });
  }

  Deno.test({
    ...unless(
      LACKS.signals ?? LACKS.memory,
      `dump.onSignal() ends when it is disposed of [${name}]`,
    ),
    async fn() {
      const { code, signal } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          fileURLToPath(new URL("_dump_program.ts", import.meta.url)),
          name,
          "--dispose",
        ],
        stdin: "null",
        stdout: "null",
        stderr: "null",
        signal: AbortSignal.timeout(15_000),
      }).output();
      // Nobody listens any more: the signal does what it does by default.
      assertEquals([code, signal], [128 + 12, "SIGUSR2"]);
    },
  });
}
