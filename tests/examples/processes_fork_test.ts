import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/fork.ts", args, { flags: FLAGS });

Deno.test(unless(LACKS.posix, "processes/fork.ts dances while the child makes music"), async () => {
  const { code, lines, stderr, leftovers } = await script("--ms", "20");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const of = (who: string) => lines.filter((line) => line.startsWith(who));
  assertEquals(of("musician").length, 5);
  const [, child, parent] = /I am (\d+), child of (\d+)/.exec(of("musician")[0])!;
  assertEquals(lines[0], "os.fork(): NotSupported; new Process() takes its place");
  assertStringIncludes(lines[1], `I am ${parent}, and I dance`);
  assert(child !== parent);
  assertEquals(of("MainProcess").length, 7);
  assertEquals(lines.slice(-2), [
    "MainProcess the musician has played 4 bars and ended with 0",
    "MainProcess here the variable played is 0: nothing was shared",
  ]);
});

Deno.test(unless(LACKS.posix, "processes/fork.ts --silent dances alone"), async () => {
  const { code, lines, stderr } = await script("--silent", "--bars", "2", "--ms", "0");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(2), [
    "MainProcess step 1",
    "MainProcess step 2",
    "MainProcess it was a quiet evening",
  ]);
});

Deno.test(unless(LACKS.posix, "processes/fork.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--ms", "0");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("乐手        放音乐：啦 啦 啦"), lines.join("\n"));
  assertEquals(lines.at(-1), "MainProcess 这里的变量 played 是 0：什么也没有共享");
});

testUsage("processes/fork.ts", script, ["--bars", "--ms", "--silent", "--lang"], [
  [["--fork"], 'fork: unknown argument "--fork"'],
  [["--bars", "0"], 'fork: --bars must be a whole number from 1 to 1000, received "0"'],
]);
