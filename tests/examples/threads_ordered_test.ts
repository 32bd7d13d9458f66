import { assertEquals, assertNotEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/ordered.ts", args, { flags: ["--allow-read"] });

Deno.test("threads/ordered.ts prints A, B, C in turn", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines, [..."ABCABCABCABCABC", "5 times ABC: in order"]);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/ordered.ts prints as many letters as often as it is told", async () => {
  const { code, lines } = await script("--letters", "DRAW", "--times", "40");
  assertEquals([code, lines.at(-1)], [0, "40 times DRAW: in order"]);
  assertEquals(lines.slice(0, -1).join(""), "DRAW".repeat(40));
});

Deno.test("threads/ordered.ts is always out of order without the locks", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--no-locks");
    assertEquals(stderr, "");
    assertEquals(lines[0], "C");
    assertEquals(lines.at(-1), "5 times ABC: OUT OF ORDER");
    const printed = lines.slice(0, -1);
    assertNotEquals(printed.join(""), "ABCABCABCABCABC");
    assertEquals(printed.toSorted().join(""), "AAAAABBBBBCCCCC");
    assertEquals(code, 1);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/ordered.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--letters", "甲乙", "--times", "2", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [..."甲乙甲乙", "甲乙 打印 2 遍：顺序正确"]);
});

testUsage("threads/ordered.ts", script, ["--letters", "--times", "--no-locks", "--lang"], [
  [["--chaos"], 'ordered: unknown argument "--chaos"'],
  [["--times=0"], 'ordered: --times must be a whole number from 1 to 1000, received "0"'],
  [["--letters", "A"], 'ordered: --letters must be 2 to 26 different letters, received "A"'],
  [["--letters", "AA"], 'ordered: --letters must be 2 to 26 different letters, received "AA"'],
]);
