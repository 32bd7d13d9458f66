import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) =>
  run("threads/semaphore.ts", args, { flags: ["--allow-read"] });

Deno.test("threads/semaphore.ts never lets in more than three", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "8 visitors, at most 3 on 3 places: orderly");
    assertEquals(code, 0);
    assertEquals(mostInside(lines), 3);
    assertEquals(lines.length, 16);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/semaphore.ts --no-semaphore always lets in all at once", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--no-semaphore");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "8 visitors, at most 8 on 3 places: CROWDED");
    assertEquals(code, 1);
    assertEquals(mostInside(lines), 8);
    assertEquals(leftovers, []);
  }
});

const SIZES: [args: string[], verdict: string][] = [
  [["--places", "1", "--visitors", "3"], "3 visitors, at most 1 on 1 places: orderly"],
  [["--places", "5", "--visitors", "2"], "2 visitors, at most 2 on 5 places: orderly"],
  [["--no-semaphore", "--visitors", "2"], "2 visitors, at most 2 on 3 places: orderly"],
];

for (const [args, verdict] of SIZES) {
  Deno.test(`threads/semaphore.ts ${args.join(" ")} is as full as can be`, async () => {
    const { code, lines, stderr } = await script(...args, "--stay", "0");
    assertEquals(stderr, "");
    assertEquals([code, lines.at(-1)], [0, verdict]);
  });
}

Deno.test({
  ...unless(LACKS.ctrlC, "threads/semaphore.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, lines, stderr } = await run(
      "threads/semaphore.ts",
      ["--stay", "60000"],
      {
        detached: true,
        onLine(line, child) {
          if (line.endsWith("3 inside")) Deno.kill(-child.pid, "SIGINT");
        },
      },
    );
    assertEquals(stderr, "");
    assertEquals([code, signal, lines.length], [130, null, 3]);
  },
});

Deno.test("threads/semaphore.ts names the permission that it lacks, and ends", async () => {
  const { code, stderr } = await run("threads/semaphore.ts", [], { flags: ["--no-prompt"] });
  assertStringIncludes(stderr, "--allow-read");
  assertEquals(code, 1);
});

Deno.test("threads/semaphore.ts --lang zh speaks Chinese", async () => {
  const args = ["--visitors", "1", "--stay", "0", "--lang", "zh"];
  const { code, lines, stderr } = await script(...args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "1 号车开进：场内 1 辆",
    "1 号车开出：场内 0 辆",
    "1 辆车，3 个车位，场内最多 1 辆：秩序井然",
  ]);
});

testUsage("threads/semaphore.ts", script, [
  "--places",
  "--visitors",
  "--stay",
  "--no-semaphore",
  "--lang",
], [
  [["--valet"], 'semaphore: unknown argument "--valet"'],
  [["--places", "0"], 'semaphore: --places must be a whole number from 1 to 100, received "0"'],
  [["--visitors", "1.5"], "semaphore: --visitors must be a whole number from 1 to 100"],
  [["--stay", "long"], "semaphore: --stay must be a whole number from 0 to 60000"],
]);

/** Counts anew, from who drove in and out. */
function mostInside(lines: string[]): number {
  const inside = new Set<string>();
  let most = 0;
  for (const line of lines) {
    const parts = /^(visitor-\d+) drives (in: |out:) (\d+) inside$/.exec(line);
    assert(parts !== null, line);
    const [, name, way, told] = parts;
    if (way === "in: ") inside.add(name);
    else assert(inside.delete(name), line);
    assertEquals(inside.size, Number(told), line);
    most = Math.max(most, inside.size);
  }
  assertEquals(inside.size, 0);
  return most;
}
