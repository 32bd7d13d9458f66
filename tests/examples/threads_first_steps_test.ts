import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) =>
  run("threads/first_steps.ts", args, { flags: ["--allow-read"] });

/** The lines of a loop, whoever runs it. */
const loop = (k: number, rounds: number) => [
  `loop ${k} begins`,
  ...Array.from({ length: rounds }, (_, round) => `loop ${k} >>> ${round + 1}`),
  `loop ${k} has ended`,
];

/** What one has said in the lines. */
function saidBy(who: string, lines: string[]): string[] {
  const start = `  ${who.padEnd(12)}`;
  return lines.flatMap((line) => line.startsWith(start) ? [line.slice(start.length)] : []);
}

function checkThreads(lines: string[]) {
  assertEquals(saidBy("Thread-1", lines), loop(1, 4));
  assertEquals(saidBy("Thread-2", lines), loop(2, 2));
  assertEquals(saidBy("MainThread", lines), ["all done"]);
  assertMatch(lines.at(-1)!, /^ {2}\d+ ms; the longer one takes \d+$/);
}

Deno.test("threads/first_steps.ts shows the three forms", async () => {
  const { code, lines, stderr, leftovers } = await script("--ms", "10");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(
    lines.pop(),
    "threads run at the same time; with join() main knows when they are done: right",
  );
  const [, second, third] = lines.flatMap((line, at) => line.startsWith(" ") ? [] : [at]);
  const order = lines.slice(0, second);
  const threads = lines.slice(second, third);
  const join = lines.slice(third);
  assertEquals(order[0], "one after the other:");
  assertEquals(saidBy("MainThread", order), [...loop(1, 4), ...loop(2, 2), "all done"]);
  assertMatch(order.at(-1)!, /^ {2}\d+ ms; the sum of both is 60$/);
  assertEquals(threads[0], "as threads; main does not wait:");
  // Before they have ended, and so long before.
  assertEquals(saidBy("MainThread", threads.slice(0, 2)), ["all done"]);
  checkThreads(threads);
  assertEquals(join[0], "as threads; main joins them:");
  assertEquals(saidBy("MainThread", join.slice(-2)), ["all done"]);
  checkThreads(join);
});

Deno.test("threads/first_steps.ts --form threads says that main was too early", async () => {
  const { code, lines, stderr } = await script("--form", "threads", "--ms", "1");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines.at(-1), "at the same time, but main said all done TOO EARLY");
});

Deno.test("threads/first_steps.ts --form join --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "join", "--lang", "zh", "--ms", "1");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("  Thread-1    loop 1 开始"));
  assertEquals(lines.at(-3), "  MainThread  全部完成");
  assertEquals(lines.at(-1), "同时进行，主线程等到最后才说“全部完成”：正确");
});

testUsage("threads/first_steps.ts", script, ["--form", "--ms", "--lang"], [
  [["--form", "first"], "first_steps: --form must be all or order or threads or join"],
]);
