import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = [
  ...["--allow-read", "--allow-write", "--allow-net", "--allow-run"],
  "--allow-ffi",
];
const script = (...args: string[]) => run("processes/multiplex.ts", args, { flags: FLAGS });

Deno.test("processes/multiplex.ts: all messages, by many threads or by one", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(
    lines.filter((line) => line.endsWith(" ms")).map((line) => line.replace(/\d+ ms/, "N ms")),
    [7, 1, 1].map((n) => `  24 messages, ${n} thread${n > 1 ? "s" : ""}, N ms`),
  );
  // A pipe is ready for each of its messages, and for its end.
  const ready = lines.filter((line) => line.startsWith("  wake")).flatMap((line) =>
    line.split(": ready ")[1].split(" ")
  );
  for (const pipe of ["1", "6"]) assertEquals(ready.filter((one) => one === pipe).length, 5);
  assertEquals(
    lines.at(-1),
    "threads: all messages, 7 threads; wait: all messages, 1 thread; async: all messages, 1 thread",
  );
});

Deno.test("processes/multiplex.ts --form wait --pipes 20 --lang zh: one thread", async () => {
  const { code, lines, stderr } = await script(
    ...["--form", "wait", "--pipes", "20", "--messages", "2"],
    ...["--lang", "zh"],
  );
  assertEquals([code, stderr], [0, ""]);
  assert(lines[0].startsWith("wait：一个线程"));
  assertMatch(lines.at(-2)!, /^ {2}40 条消息，1 个线程，\d+ 毫秒$/);
  assertEquals(lines.at(-1), "wait：消息都收到了，1 个线程");
});

testUsage("processes/multiplex.ts", script, ["--form", "--pipes", "--messages", "--lang"], [
  [["--select"], 'multiplex: unknown argument "--select"'],
  [
    ["--form", "x"],
    'multiplex: --form must be threads or wait or async or all, received "x"',
  ],
  [["--pipes", "0"], 'multiplex: --pipes must be a whole number from 1 to 100, received "0"'],
]);
