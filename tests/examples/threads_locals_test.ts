import { assert, assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/locals.ts", args, { flags: ["--allow-read"] });

/** The table's rows, without what only fills them. */
const rowsOf = (lines: string[]) => lines.map((line) => line.split(/ {2,}/));

Deno.test("threads/locals.ts shows that only the Value is shared", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines[0], "n is 100; 3 threads add to it: the first 1, the second 2, ...");
  assertEquals(rowsOf(lines.slice(1, 7)), [
    ["n is", "thread 1", "thread 2", "thread 3", "main"],
    ["a local variable", "101", "102", "103", "-"],
    ["a field of the thread", "101", "102", "103", "100"],
    ["a variable of the module", "101", "102", "103", "100"],
    ["a field of local()", "101", "102", "103", "100"],
    ["a Value", "106", "106", "106", "106"],
  ]);
  assertEquals(
    lines.at(-1),
    "each thread has its own n, only the Value is shared: as it should be",
  );
});

Deno.test("threads/locals.ts --lang zh has as many threads as it is told", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--threads", "2");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines[0], "n 是 100；2 个线程往上加：第一个加 1，第二个加 2，……");
  assert(lines.includes("模块变量（全局变量）  101       102       100"));
  assert(lines.includes("Value                 103       103       103"));
  assertEquals(lines.at(-1), "每个线程有自己的 n，只有 Value 是共享的：正确");
});

testUsage("threads/locals.ts", script, ["--threads", "--lang"], [
  [["--threads", "0"], 'locals: --threads must be a whole number from 1 to 20, received "0"'],
]);
