import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const NO_FFI = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const FLAGS = [...NO_FFI, "--allow-ffi"];
const WAYS = ["initializer", "argument", "manager"];
const script = (...args: string[]) => run("processes/pool_queue.ts", args, { flags: FLAGS });

/** Checks what one way printed: each page once, in any order. */
function checkWay(lines: string[], way: string, pages: number): void {
  assertEquals(lines[0], `${way}:`);
  const seen = lines.slice(1, -1).map((line) => {
    assertMatch(line, /^ {2}\S+ read page \d+: 1[0-4]\d words$/);
    return Number(/page (\d+):/.exec(line)![1]);
  });
  assertEquals(seen.toSorted((a, b) => a - b), Array.from({ length: pages }, (_, k) => k + 1));
  assertEquals(lines.at(-1), `  ${pages} of ${pages} came through the queue: each page once`);
}

Deno.test("processes/pool_queue.ts gets every finding, whichever way the queue came", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.length, WAYS.length * 8);
    WAYS.forEach((way, k) => checkWay(lines.slice(8 * k, 8 * k + 8), way, 6));
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

for (const way of WAYS) {
  Deno.test(`processes/pool_queue.ts --way ${way} loses none of many`, async () => {
    const { code, lines, stderr, leftovers } = await script("--way", way, "--pages", "200");
    assertEquals(stderr, "");
    checkWay(lines, way, 200);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  });
}

Deno.test("processes/pool_queue.ts --way manager needs no FFI, the others say that they do", async () => {
  const flags = [...NO_FFI, "--no-prompt"];
  const manager = await run("processes/pool_queue.ts", ["--way", "manager"], { flags });
  assertEquals([manager.code, manager.stderr], [0, ""]);
  checkWay(manager.lines, "manager", 6);
  const argument = await run("processes/pool_queue.ts", ["--way", "argument"], { flags });
  assertEquals(argument.code, 1);
  assertStringIncludes(argument.stderr, "--allow-ffi");
  assertEquals(argument.leftovers, []);
});

Deno.test({
  ...unless(
    LACKS.ctrlC,
    "processes/pool_queue.ts ends cleanly on Ctrl-C, which hits workers and manager too",
  ),
  async fn() {
    for (const way of WAYS) {
      const { code, signal, stderr, leftovers } = await run(
        "processes/pool_queue.ts",
        ["--way", way, "--pages", "10000"],
        {
          detached: true,
          ctrlCAt: `${way}:`,
        },
      );
      assertEquals(stderr, "");
      assertEquals([code, signal], [130, null]);
      assertEquals(leftovers, []);
    }
  },
});

Deno.test("processes/pool_queue.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--way", "initializer");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(lines[1], /^ {2}\S+ 读了第 \d 页：1\d\d 个字$/);
  assertEquals(lines.at(-1), "  6 页，队列里来了 6 页：每页正好一次");
});

testUsage("processes/pool_queue.ts", script, ["--way", "--pages", "--lang"], [
  [["--book"], 'pool_queue: unknown argument "--book"'],
  [["--way", "x"], "pool_queue: --way must be all or initializer or argument or manager, received"],
  [["--pages", "0"], 'pool_queue: --pages must be a whole number from 1 to 10000, received "0"'],
]);
