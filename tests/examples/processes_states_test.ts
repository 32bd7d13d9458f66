import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["-A"];
const script = (...args: string[]) => run("processes/states.ts", args, { flags: FLAGS });

Deno.test(unless(LACKS.posix, "processes/states.ts shows R, S, T and Z"), async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.map((line) => line.replace(/^(.) +\d+ +/, "$1 ")), [
    "R computes without a pause",
    "S waits for a timer",
    "T stopped by SIGSTOP",
    "S continued by SIGCONT",
    "Z has ended, its parent does not ask",
    "4 states made, 4 seen: as they should be",
  ]);
});

Deno.test(unless(LACKS.posix, "processes/states.ts --only shows one of them"), async () => {
  const { code, lines } = await script("--only", "Z");
  assertEquals([code, lines.length], [0, 2]);
});

Deno.test(unless(LACKS.posix, "processes/states.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--only", "Z");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.map((line) => line.replace(/^(.) +\d+ +/, "$1 ")), [
    "Z 僵尸：已经退出，父进程没有回收",
    "造了 1 种状态，看到 1 种：符合预期",
  ]);
});

testUsage("processes/states.ts", script, ["--only", "--lang"], [
  [["--all"], 'states: unknown argument "--all"'],
  [["--only", "D"], 'states: --only must be R or S or T or Z or all, received "D"'],
]);
