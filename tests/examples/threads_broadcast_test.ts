import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const SAID = ["The train is late", "The train is coming", "Mind the doors", "Good night"];
const script = (...args: string[]) =>
  run("threads/broadcast.ts", args, { flags: ["--allow-read"] });

for (const listeners of [1, 3, 8]) {
  Deno.test(`threads/broadcast.ts reaches ${listeners} listeners, and a latecomer`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const args = listeners === 3 ? [] : ["--listeners", `${listeners}`];
      const { code, lines, stderr, leftovers } = await script(...args);
      assertEquals(stderr, "");
      assertEquals(lines.at(-1), "all heard what was said while they were there: clear");
      assertEquals(code, 0);
      const announced = textsOf(lines, "MainThread announces: ");
      assertEquals(announced, SAID);
      for (let k = 1; k <= listeners; k++) {
        assertEquals(textsOf(lines, `  listener-${k} hears: `), SAID);
        assert(lines.includes(`listener-${k} heard 4 of 4`), lines.join("\n"));
      }
      assertEquals(textsOf(lines, "  latecomer hears: "), SAID.slice(2));
      assert(lines.includes("latecomer heard 2 of 4"), lines.join("\n"));
      assertEquals(lines.length, 4 + 4 * listeners + 2 + listeners + 2);
      assertEquals(leftovers, []);
    }
  });
}

Deno.test("threads/broadcast.ts names the permission that it lacks, and ends", async () => {
  const { code, stderr } = await run("threads/broadcast.ts", [], { flags: ["--no-prompt"] });
  assertStringIncludes(stderr, "--allow-read");
  assertEquals(code, 1);
});

Deno.test("threads/broadcast.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--listeners", "1", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(textsOf(lines, "  迟到者 听到："), ["请注意车门", "晚安"]);
  assert(lines.includes("乘客1 听到了 4 条里的 4 条"), lines.join("\n"));
  assertEquals(lines.slice(-2), [
    "迟到者 听到了 4 条里的 2 条",
    "在场时播的，人人都听到了：正确",
  ]);
});

testUsage("threads/broadcast.ts", script, ["--listeners", "--lang"], [
  [["--volume"], 'broadcast: unknown argument "--volume"'],
  [
    ["--listeners", "0"],
    'broadcast: --listeners must be a whole number from 1 to 100, received "0"',
  ],
]);

function textsOf(lines: string[], start: string): string[] {
  return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}
