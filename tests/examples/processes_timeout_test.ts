import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "./_example.ts";

const LEAST = ["--allow-run"];
const script = (...args: string[]) => run("processes/timeout.ts", args, { flags: LEAST });

const ROUNDS = 3;
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

Deno.test("processes/timeout.ts --help shows the flags", async () => {
  const { code, lines, stderr } = await script("--help");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.some((line) => line.includes("--form")));
});

const WRONG: [args: string[], message: string][] = [
  [["--smoke"], 'timeout: unknown argument "--smoke"'],
  [["--form", "x"], "timeout: --form must be all or run or communicate or alone or tree, received"],
];

for (const [args, message] of WRONG) {
  Deno.test(`processes/timeout.ts refuses ${args.join(" ")}`, async () => {
    const { code, lines, stderr } = await script(...args);
    assertStringIncludes(stderr, message);
    assertEquals([code, lines], [2, []]);
  });
}
