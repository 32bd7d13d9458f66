import { assert, assertEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const LEAST = ["--allow-run=printf,tr,sort,uniq,head,yes"];
const script = (...args: string[]) => run("processes/pipeline.ts", args, { flags: LEAST });

const ALL = [
  "words: tr | sort | uniq -c | sort -rn | head -n 3",
  "  3 the",
  "  2 and",
  "  1 dog",
  "  return codes: 0 0 0 0 0",
  "hands: printf | sort",
  "  apple",
  "  pear",
  "  plum",
  "  return codes: 0 0",
  "early: yes | head -n 2",
  "  y",
  "  y",
  "  return codes: -13 0: yes would have gone on for ever",
  "all went through the whole row",
];

Deno.test("processes/pipeline.ts shows all of it", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines, ALL);
    assertEquals([code, leftovers], [0, []]);
  }
});

Deno.test("processes/pipeline.ts --form words --text counts another text", async () => {
  const { code, lines, stderr } = await script("--form", "words", "--text", "a b a $(b)");
  assertEquals([code, stderr], [0, ""]);
  assertEquals([lines.length, lines[1]], [6, "  2 a"]);
  assert(lines.includes("  1 $(b)"));
});

Deno.test("processes/pipeline.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--form", "early");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "early：yes | head -n 2",
    "  y",
    "  y",
    "  退出码：-13 0，不然 yes 会永远写下去",
    "都从头走到了尾：正确",
  ]);
});

testUsage("processes/pipeline.ts", script, ["--form", "--lang"], [
  [["--smoke"], 'pipeline: unknown argument "--smoke"'],
  [["--form", "x"], "pipeline: --form must be all or words or hands or early, received"],
]);
