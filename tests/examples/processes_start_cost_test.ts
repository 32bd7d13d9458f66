import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/start_cost.ts", args, { flags: FLAGS });

Deno.test(unless(LACKS.memory, "processes/start_cost.ts measures each way to start"), async () => {
  const { code, lines, stderr, leftovers } = await script("--n", "2");
  assertEquals([stderr, leftovers], ["", []]);
  assertMatch(lines[0], /^started together, heard in this order: main, a \w+, a \w+$/);
  const names = [
    ...["a thread", "a process", "2 threads at once", "2 processes at once"],
    ...["a thread, prewarmed", "a process, prewarmed"],
    ...["a call in a pool of threads", "a call in a pool of processes"],
  ];
  assertEquals(lines.slice(4, 12).map((line) => line.replace(/ +[\d.]+( +\d+)?$/, "")), names);
  assertMatch(lines[5], /^a process +\d+\.\d +\d+$/);
  // How fast this machine is while others use it is not for a test to say.
  const verdict = lines.at(-1)!;
  assert(verdict.startsWith("thread < process, and prewarmed < both: "), verdict);
  assertEquals(code, verdict.endsWith("as expected") ? 0 : 1);
});

Deno.test(
  unless(LACKS.memory, "processes/start_cost.ts --lang zh: a table in Chinese"),
  async () => {
    const { lines, stderr } = await script("--n", "1", "--rounds", "1", "--lang", "zh");
    assertEquals(stderr, "");
    assertEquals(lines[3].trim(), "毫秒   每个 MB");
    assertMatch(lines[4], /^一个线程 +\d+\.\d +\d+$/);
    assert(lines.at(-1)!.startsWith("线程比进程快，预热好的比两者都快："));
  },
);

testUsage("processes/start_cost.ts", script, ["--n", "--rounds", "--lang"], [
  [["--fork"], 'start_cost: unknown argument "--fork"'],
  [["--n", "0"], 'start_cost: --n must be a whole number from 1 to 64, received "0"'],
]);
