import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/timer.ts", args, { flags: ["--allow-read"] });
const DING = "egg timer: ding! the tea is ready";

Deno.test("threads/timer.ts rings when the time is over", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines[0], "main: the egg timer is set to 300 ms");
    assertEquals(lines.filter((line) => line === DING).length, 1);
    assertMatch(lines.at(-1)!, /^it rang, after \d+ ms: done$/);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/timer.ts --ms sets another time", async () => {
  const { code, lines, stderr } = await script("--ms", "1");
  assertEquals(stderr, "");
  assertEquals(lines[0], "main: the egg timer is set to 1 ms");
  assert(lines.includes(DING));
  assertEquals(code, 0);
});

Deno.test("threads/timer.ts --cancel ends it before it rings", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    // The program would take a minute, had the timer not been cancelled.
    const { code, lines, stderr, leftovers } = await script("--cancel", "--ms", "60000");
    assertEquals(stderr, "");
    assertEquals(lines, [
      "main: the egg timer is set to 60000 ms",
      "main: cancelled, I take coffee",
      "it never rang: cancelled",
    ]);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/timer.ts --cancel --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--cancel", "--ms", "60000", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "主线程：闹钟定在 60000 毫秒之后",
    "主线程：取消了，我喝咖啡",
    "一直没响：已取消",
  ]);
});

testUsage("threads/timer.ts", script, ["--ms", "--cancel", "--lang"], [
  [["--snooze"], 'timer: unknown argument "--snooze"'],
  [["--ms", "soon"], 'timer: --ms must be a whole number from 1 to 60000, received "soon"'],
]);
