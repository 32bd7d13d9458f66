import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const REPORTS = [
  "Deadlock: accounts-1 holds 'A' and waits for 'B'; accounts-2 holds 'B' and waits for 'A'",
  "Deadlock: accounts-2 holds 'B' and waits for 'A'; accounts-1 holds 'A' and waits for 'B'",
];
const VERDICT = "A has 100, B has 100, both moved: no deadlock";
const script = (...args: string[]) => run("processes/deadlock.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.memory, "processes/deadlock.ts --way none always hangs, and main says why"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--way", "none");
      assertEquals(stderr, "");
      assertEquals(lines.slice(0, 2).sort(), ["accounts-1 holds A", "accounts-2 holds B"]);
      assertEquals(lines[2], "nothing has moved for 500 ms; main looks why:");
      assert(REPORTS.includes(lines[3]), lines[3]);
      assertEquals(lines.slice(4), ["A has 100, B has 100, nothing moved: DEADLOCK"]);
      assertEquals(code, 1);
      assertEquals(leftovers, []);
    }
  },
);

for (const way of ["timeout", "order", "detect"]) {
  Deno.test(
    unless(LACKS.memory, `processes/deadlock.ts --way ${way} always gets out of it`),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, lines, stderr, leftovers } = await script("--way", way);
        assertEquals(stderr, "");
        assertEquals(lines.at(-1), VERDICT);
        assertEquals(code, 0);
        assertEquals(lines.filter((line) => line.includes("holds both, and moves")).length, 2);
        const gaveUp = lines.filter((line) => line.includes("gives up waiting for"));
        const told = lines.filter((line) => line.includes("is told: "));
        assertEquals(gaveUp.length > 0, way === "timeout");
        assertEquals(told.length > 0, way === "detect");
        for (const line of told) {
          assertMatch(line, /^accounts-[12] is told: /);
          assert(REPORTS.includes(line.replace(/^.* is told: /, "")), line);
        }
        if (way === "order") {
          assertEquals(lines.filter((line) => /^accounts-[12] holds A$/.test(line)).length, 2);
          assertEquals(lines.length, 5);
        }
        assertEquals(leftovers, []);
      }
    },
  );
}

Deno.test(
  unless(LACKS.memory, "processes/deadlock.ts shows the detection if it is not told what"),
  async () => {
    const { code, lines } = await script();
    assertEquals([code, lines.at(-1)], [0, VERDICT]);
    assert(lines.some((line) => line.includes("is told: Deadlock: ")));
  },
);

Deno.test({
  ...unless(LACKS.ctrlC, "processes/deadlock.ts ends cleanly on Ctrl-C while both processes hang"),
  async fn() {
    let held = 0;
    const { code, signal, stderr } = await run("processes/deadlock.ts", ["--way", "none"], {
      detached: true,
      onLine(line, child) {
        if (/^accounts-[12] holds/.test(line) && ++held === 2) Deno.kill(-child.pid, "SIGINT");
      },
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
  },
});

Deno.test(unless(LACKS.memory, "processes/deadlock.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--way", "order");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("会计乙两把锁都拿到了，从 B 转 10 到 A"), lines.join("\n"));
  assertEquals(lines.at(-1), "A 有 100，B 有 100，两笔都转了：没有死锁");
});

testUsage("processes/deadlock.ts", script, ["--way W", "--lang"], [
  [["--hang"], 'deadlock: unknown argument "--hang"'],
  [["--way", "out"], 'deadlock: --way must be none or timeout or order or detect, received "out"'],
]);
