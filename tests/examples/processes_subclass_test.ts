import { assert, assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/subclass.ts", args, { flags: FLAGS });

const LINES = ["  child is running", "  num = 100, a = 200", "  hello", "  hello", "  hello"];
const END = ["  child is done", "  exitcode 0; it ran in N, main is N"];

const said = (lines: string[]) => lines.map((line) => line.replace(/( in| is) \d+/g, "$1 N"));

Deno.test("processes/subclass.ts: class and function say the same", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const all = said(lines);
  assertEquals(all.slice(0, 22), [
    "class: new Greeter(100, 200), whose run() is called",
    ...[...LINES, ...END],
    "function: new Process(greet, { args: [100, 200] })",
    ...[...LINES, ...END],
    "stopped: the class again; main terminates it after the third hello",
    ...LINES,
  ]);
  // It may say more, before it is gone.
  assert(all.slice(22, -4).every((line) => line === "  hello"));
  assertEquals(all.slice(-4), [
    "  exitcode -15",
    "private: a class with a field #num",
    '  ShareError: Cannot start process "secretive": the #private fields of Secretive do not travel',
    "class: the fields arrived; function: the same lines; stopped: exitcode -15; private: refused",
  ]);
});

Deno.test("processes/subclass.ts --form class --lang zh: the fields arrive", async () => {
  const { code, lines, stderr } = await script("--form", "class", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.map((line) => line.replace(/(进程)是 \d+/g, "$1是 N")), [
    "class：new Greeter(100, 200)，由 start() 调用它的 run()",
    "  子进程开始运行",
    "  num = 100，a = 200",
    ...["  hello", "  hello", "  hello"],
    "  子进程运行结束",
    "  exitcode 0；运行它的进程是 N，主进程是 N",
    "class：属性传到了子进程",
  ]);
});

testUsage("processes/subclass.ts", script, ["--form", "--lang"], [
  [["--class"], 'subclass: unknown argument "--class"'],
  [
    ["--form", "x"],
    'subclass: --form must be class or function or stopped or private or all, received "x"',
  ],
]);
