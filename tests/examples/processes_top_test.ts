import { assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("processes/top.ts", args);

/** A line without the numbers that differ each time, and without what the system pleases. */
const shape = (line: string) => line.replace(/^ +\d+ +\d+ (.) +(\d+) +\d+ {2}/, "$1 $2 ");

Deno.test("processes/top.ts looks at its family, and sees one of it leave", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--rounds", "4", "--interval", "50");
    assertEquals(stderr, "");
    assertEquals([code, lines.pop()], [0, "4 looks: all as it should be"]);
    for (const [k, children] of [4, 4, 3, 3].entries()) {
      const [head, columns, ...rows] = lines.splice(0, children + 3);
      assertMatch(
        head,
        new RegExp(`^look ${k + 1}/4: \\d+ processes, ${children + 1} of them ours:`),
      );
      assertEquals(columns.trim().split(/ +/).slice(0, 4), ["PID", "PPID", "S", "NI"]);
      const shapes = rows.map(shape);
      assertEquals(shapes.filter((row) => row === "T 0 stopped by SIGSTOP").length, 1);
      assertEquals(shapes.filter((row) => /^. 10 computes, /.test(row)).length, 1);
      assertEquals(shapes.filter((row) => row.endsWith("half of the looks")).length, children - 3);
    }
    assertEquals(lines, []);
    assertEquals(leftovers, []);
  }
});

Deno.test({
  ...unless(LACKS.ctrlC, "processes/top.ts --rounds 0 looks until Ctrl-C"),
  async fn() {
    const args = ["--rounds", "0", "--interval", "20"];
    const { code, signal, stderr, leftovers } = await run("processes/top.ts", args, {
      detached: true,
      ctrlCAt: "look 12:",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test("processes/top.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--rounds", "1");
  assertEquals([code, stderr, lines.at(-1)], [0, "", "看了 1 次：都符合预期"]);
  assertMatch(lines[0], /^第 1\/1 次：共 \d+ 个进程，我们的 5 个：.* 1/);
});

testUsage("processes/top.ts", script, ["--rounds", "--interval", "--lang"], [
  [["--sort"], 'top: unknown argument "--sort"'],
  [["--rounds", "x"], "top: --rounds must be a whole number from 0 to 1000000"],
  [["--interval", "1.5"], "top: --interval must be a whole number from 0 to 60000"],
]);
