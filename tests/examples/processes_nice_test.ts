import { assert, assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-sys"];
const script = (...args: string[]) => run("processes/nice.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.niceness, "processes/nice.ts shows the ways to set a niceness"),
  async () => {
    const { code, lines, stderr, leftovers } = await script("--by", "2");
    assertEquals([code, stderr, leftovers], [0, "", []]);
    assertEquals(lines.pop(), "everybody may let others go first: as expected");
    const before = Number(/^this process +(-?\d+)$/.exec(lines[0])![1]);
    const after = Math.min(19, before + 2);
    const numbers = lines.map((line) => Number(/(-?\d+)$/.exec(line)?.[1]));
    assertEquals(numbers.slice(0, 7), [before, before, after, after, after, after, 19]);
    assertEquals(numbers.at(-1), before);
  },
);

Deno.test(unless(LACKS.niceness, "processes/nice.ts --race shows what it is worth"), async () => {
  const { code, lines, stderr, leftovers } = await script("--race");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assert(lines.length === 2 || lines[0].startsWith("no race"));
});

Deno.test(unless(LACKS.niceness, "processes/nice.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--by", "39");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.pop(), "谁都可以让别人先走：符合预期");
  assert(/^启动时就指定：nice -n 39 程序 {25}19$/.test(lines[4]), lines[4]);
  assert(/^本进程，始终没有变 +-?\d+$/.test(lines.at(-1)!), lines.at(-1));
});

testUsage("processes/nice.ts", script, ["--by", "--race", "--lang"], [
  [["--mean"], 'nice: unknown argument "--mean"'],
  [["--by", "40"], 'nice: --by must be a whole number from 1 to 39, received "40"'],
]);
