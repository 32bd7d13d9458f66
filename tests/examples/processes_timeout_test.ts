import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
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

Deno.test(unless(LACKS.posix, "processes/timeout.ts shows all of it"), async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines, ALL);
    assertEquals([code, leftovers], [0, []]);
  }
});

Deno.test(unless(LACKS.posix, "processes/timeout.ts --form shows one of them"), async () => {
  const alone = await script("--form", "alone");
  assertEquals([alone.code, alone.stderr], [1, ""]);
  assertEquals(alone.lines.at(-1), "one was left behind: WRONG");
  const tree = await script("--form", "tree");
  assertEquals([tree.code, tree.lines.at(-1), tree.stderr], [0, "nobody was left behind", ""]);
});

Deno.test(unless(LACKS.posix, "processes/timeout.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--form", "alone");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines, [
    "alone：kill()",
    "  子进程：启动了一个",
    "  子进程：退出码 -9",
    "  孙进程：还在干活",
    "留下了一个没人管：错误",
  ]);
});

testUsage("processes/timeout.ts", script, ["--form", "--lang"], [
  [["--smoke"], 'timeout: unknown argument "--smoke"'],
  [["--form", "x"], "timeout: --form must be all or run or communicate or alone or tree, received"],
]);
