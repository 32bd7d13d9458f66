import { assertEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const LEAST = ["--allow-run"];
const script = (...args: string[]) => run("processes/timeout.ts", args, { flags: LEAST });

const ALL = [
  "run: { timeout: 300 }",
  "  TimeoutExpired after 300 ms, with what there was: half of it",
  "communicate: { timeout: 300 }, then once more",
  "  TimeoutExpired, so far: half of it",
  "  at the end: half of it, the other half",
  "alone: kill()",
  "  child: started one",
  "  child: ended with -9",
  "  grandchild: still at work",
  "one was left behind: WRONG",
  "tree: kill({ tree: true })",
  "  child: started one",
  "  child: ended with -9",
  "nobody was left behind",
  "wrong: alone; right: run, communicate, tree",
];

Deno.test("processes/timeout.ts shows all of it", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines, ALL);
    assertEquals([code, leftovers], [0, []]);
  }
});

Deno.test("processes/timeout.ts --form shows one of them", async () => {
  const alone = await script("--form", "alone");
  assertEquals([alone.code, alone.stderr], [1, ""]);
  assertEquals(alone.lines.at(-1), "one was left behind: WRONG");
  const tree = await script("--form", "tree");
  assertEquals([tree.code, tree.lines.at(-1), tree.stderr], [0, "nobody was left behind", ""]);
});

testUsage("processes/timeout.ts", script, ["--form"], [
  [["--smoke"], 'timeout: unknown argument "--smoke"'],
  [["--form", "x"], "timeout: --form must be all or run or communicate or alone or tree, received"],
]);
