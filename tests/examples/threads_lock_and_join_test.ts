import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

// A hundred threads may take a while on a machine that has other work.
const script = (...args: string[]) =>
  run("threads/lock_and_join.ts", args, { flags: ["--allow-read"], limit: 120_000 });

Deno.test("threads/lock_and_join.ts takes a hundred threads", async () => {
  const { code, lines, stderr, leftovers } = await script("--form", "race");
  assertEquals(stderr, "");
  assertEquals(lines[0], "100 threads take 1 each from n = 100");
  assertEquals([code, lines.at(-1), leftovers], [1, "99 of 100 left: WRONG", []]);
});

Deno.test("threads/lock_and_join.ts shows all forms", async () => {
  const { code, lines, stderr, leftovers } = await script("--threads", "25");
  assertEquals(stderr, "");
  assertEquals(lines.shift(), "25 threads take 1 each from n = 25");
  assertEquals(lines.shift(), "form   left    ms  what runs when");
  assertEquals(lines.pop(), "wrong: race; right: part, whole, join");
  assertEquals(code, 0);
  const table = lines.map((line) => line.trim().split(/\s+/).slice(0, 2));
  assertEquals(table, [["race", "24"], ["part", "0"], ["whole", "0"], ["join", "0"]]);
  assertEquals(leftovers, []);
});

Deno.test("threads/lock_and_join.ts --form race always leaves all but one", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr } = await script("--form", "race", "--threads", "8");
    assertEquals(stderr, "");
    assertEquals([code, lines.at(-1)], [1, "7 of 8 left: WRONG"]);
    assertEquals(lines.length, 4);
  }
});

for (const form of ["part", "whole", "join"]) {
  Deno.test(`threads/lock_and_join.ts --form ${form} leaves nothing`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const args = ["--form", form, "--threads", "8"];
      const { code, lines, stderr } = await script(...args);
      assertEquals(stderr, "");
      assertEquals([code, lines.at(-1)], [0, "0 of 8 left: exact"]);
      assertMatch(lines[2], new RegExp(`^${form} +0 +\\d+  `));
      assertEquals(lines.length, 4);
    }
  });
}

Deno.test("threads/lock_and_join.ts names the permission that it lacks, and ends", async () => {
  const { code, stderr } = await run("threads/lock_and_join.ts", [], { flags: ["--no-prompt"] });
  assertStringIncludes(stderr, "--allow-read");
  assertEquals(code, 1);
});

Deno.test("threads/lock_and_join.ts --form race --lang zh speaks Chinese", async () => {
  const args = ["--form", "race", "--threads", "2", "--lang", "zh"];
  const { code, lines, stderr } = await script(...args);
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines.slice(0, 2), [
    "2 个线程，每个从 n = 2 里减 1",
    "形式   剩余  毫秒  怎样进行",
  ]);
  assertEquals(lines.at(-1), "共 2，剩余 1：错误");
});

testUsage("threads/lock_and_join.ts", script, ["--form", "--threads", "--look", "--lang"], [
  [["--lock"], 'lock_and_join: unknown argument "--lock"'],
  [
    ["--form", "half"],
    'lock_and_join: --form must be all or race or part or whole or join, received "half"',
  ],
  [["--threads", "1"], "lock_and_join: --threads must be a whole number from 2 to 500"],
  [["--look", "long"], "lock_and_join: --look must be a whole number from 0 to 60000"],
]);
