import { assert, assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/semaphore.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.memory, "processes/semaphore.ts never lets in more than three"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "8 visitors, at most 3 on 3 places: orderly");
      assertEquals(code, 0);
      assertEquals(mostInside(lines), 3);
      assertEquals(lines.length, 16);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/semaphore.ts --no-semaphore always lets in all at once"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--no-semaphore");
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "8 visitors, at most 8 on 3 places: CROWDED");
      assertEquals(code, 1);
      assertEquals(mostInside(lines), 8);
      assertEquals(leftovers, []);
    }
  },
);

const SIZES: [args: string[], verdict: string][] = [
  [["--places", "1", "--visitors", "3"], "3 visitors, at most 1 on 1 places: orderly"],
  [["--places", "5", "--visitors", "2"], "2 visitors, at most 2 on 5 places: orderly"],
  [["--no-semaphore", "--visitors", "2"], "2 visitors, at most 2 on 3 places: orderly"],
];

for (const [args, verdict] of SIZES) {
  Deno.test(
    unless(LACKS.memory, `processes/semaphore.ts ${args.join(" ")} is as full as can be`),
    async () => {
      const { code, lines, stderr } = await script(...args, "--stay", "0");
      assertEquals(stderr, "");
      assertEquals([code, lines.at(-1)], [0, verdict]);
    },
  );
}

Deno.test({
  ...unless(LACKS.ctrlC, "processes/semaphore.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, lines, stderr } = await run(
      "processes/semaphore.ts",
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

Deno.test(unless(LACKS.memory, "processes/semaphore.ts --lang zh speaks Chinese"), async () => {
  const args = ["--places", "1", "--visitors", "1", "--stay", "0"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "1 号车进场：场内 1 辆",
    "1 号车出场：场内 0 辆",
    "1 辆车，1 个车位，最多时 1 辆：秩序井然",
  ]);
});

testUsage(
  "processes/semaphore.ts",
  script,
  ["--places", "--visitors", "--stay", "--no-semaphore", "--lang"],
  [
    [["--valet"], 'semaphore: unknown argument "--valet"'],
    [["--places", "0"], 'semaphore: --places must be a whole number from 1 to 100, received "0"'],
    [["--visitors", "1.5"], "semaphore: --visitors must be a whole number from 1 to 100"],
    [["--stay", "long"], "semaphore: --stay must be a whole number from 0 to 60000"],
  ],
);

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
