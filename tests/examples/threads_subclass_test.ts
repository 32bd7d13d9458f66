import { assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/subclass.ts", args, { flags: ["--allow-read"] });

const SAID = ["num=100", "a=200", "hello", "hello", "hello"];
const saidBy = (who: string, said = SAID) => said.map((what) => `  ${who}: ${what}`);

Deno.test("threads/subclass.ts says the same as class and function, and is stopped", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines, [
    "class:",
    ...saidBy("SubThread"),
    "function:",
    ...saidBy("function"),
    "terminate:",
    ...saidBy("SubThread", [...SAID.slice(0, 3), "puts things in order"]),
    "  MainThread: it did not come to its end: ThreadTerminated",
    "the class and the function say the same, and a thread can be stopped: right",
  ]);
});

Deno.test("threads/subclass.ts --form run has main do the work itself", async () => {
  const { code, lines, stderr } = await script("--form", "run");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines, [
    "run:",
    ...saidBy("MainThread"),
    "run() starts no thread, main has done it itself: WRONG",
  ]);
});

Deno.test("threads/subclass.ts --form class --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "class", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "class：",
    ...SAID.map((what) => `  SubThread：${what}`),
    "属性传过去了，run() 在自己的线程里运行：正确",
  ]);
});

testUsage("threads/subclass.ts", script, ["--form", "--lang"], [
  [["--form", "object"], "subclass: --form must be all or class or function or terminate or run"],
]);
