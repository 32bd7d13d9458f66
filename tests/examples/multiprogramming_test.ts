import { assert, assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("multiprogramming.ts", args, { flags: ["--allow-read"] });

const VERDICT = "same work in all; switching keeps the CPU busy, slices answer soonest: as told";

Deno.test("multiprogramming.ts draws the same jobs in three ways", async () => {
  const { code, lines, stderr } = await script();
  assertEquals([code, stderr, lines.at(-1)], [0, "", VERDICT]);
  assertEquals(lines.slice(0, 8), [
    "batch: one job after the other",
    "  report  ██████████░░░░██████",
    "  editor  ····················█░░░░░█░░░░░█",
    "  backup  ·································██░░░░░░██░░░░░░██",
    "  CPU     ██████████    ███████     █     ███      ██      ██",
    "          0         10        20        30        40        50",
    "  the CPU computes in 25 of 51 ticks: 49 %",
    "  ticks until it first has the CPU: report 0, editor 20, backup 33; mean 17.7",
  ]);
  assertEquals(lines.slice(-4, -1), [
    "batch    CPU  49 %, mean response 17.7 ticks",
    "switch   CPU  81 %, mean response  7.0 ticks",
    "slices   CPU  89 %, mean response  1.7 ticks",
  ]);
  assertEquals(lines.filter((line) => line.length > 80), []);
  // The same work: as many ticks of each kind, job by job.
  for (const [job, computes, waits] of [["report", 16, 4], ["editor", 3, 10], ["backup", 6, 12]]) {
    const rows = lines.filter((line) => line.startsWith(`  ${job}`));
    assertEquals(rows.map((row) => row.split("█").length - 1), [computes, computes, computes]);
    assertEquals(rows.map((row) => row.split("░").length - 1), [waits, waits, waits]);
  }
});

for (const slice of ["1", "9"]) {
  Deno.test(`multiprogramming.ts --slice ${slice} is as told, too`, async () => {
    const { code, lines } = await script("--slice", slice);
    assertEquals([code, lines.at(-1)], [0, VERDICT]);
  });
}

Deno.test("multiprogramming.ts --mode slices draws one of them", async () => {
  const { code, lines, stderr } = await script("--mode", "slices");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.at(-1), "all jobs are done after 28 ticks: complete");
  assert(!lines.some((line) => /^(batch|switch)/.test(line)));
});

Deno.test("multiprogramming.ts --lang zh draws it in Chinese, in 80 columns", async () => {
  const { code, lines, stderr } = await script("--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines[2], "  编辑器  ····················█░░░░░█░░░░░█");
  assert(lines.at(-1)!.endsWith("与所说的相符"), lines.at(-1));
  const wide = lines.filter((line) => line.replaceAll(/[^\x20-\x7f·█░]/g, "xx").length > 80);
  assertEquals(wide, []);
});

testUsage("multiprogramming.ts", script, ["--mode", "--slice", "--lang"], [
  [["--slice", "10"], "multiprogramming: --slice must be a whole number from 1 to 9"],
  [["--mode", "fifo"], "--mode must be all or batch or switch or slices"],
]);
