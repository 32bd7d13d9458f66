import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/pool_close.ts", args, { flags: FLAGS });

/** The tasks that a line tells of: `1234 did 0 4`. */
const tasksOf = (lines: string[], did: string) =>
  lines.filter((line) => line.includes(did))
    .flatMap((line) => line.split(did)[1].split(" ").map(Number)).sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, k) => k);

Deno.test("processes/pool_close.ts: each task once, whoever does it; late ones are refused", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const [executor, threads] = ["executor:", "threads:"].map((title) =>
    lines.findIndex((line) => line.startsWith(title))
  );
  const parts = [
    lines.slice(0, executor),
    lines.slice(executor, threads),
    lines.slice(threads, -1),
  ];
  for (const [k, tasks] of [5, 10, 10].entries()) {
    assertEquals(tasksOf(parts[k], " did "), upTo(tasks));
    assertEquals(parts[k].filter((line) => line.startsWith("  run task")).length, tasks);
  }
  assertEquals(parts[0].slice(2, 5), [
    "  join() too early: Cannot join the pool: it is still running; " +
    "call close() or terminate() first",
    "  a task too late: Cannot apply a function: the pool is closed",
    "  waiting for all tasks ...",
  ]);
  assertEquals(parts[1].slice(1, 3), [
    "  shutdown() has returned: main goes on, the tasks too",
    "  a task too late: Cannot submit a call: the executor has been shut down",
  ]);
  // Who is done says so before shutdown() returns.
  assert(
    parts[2].indexOf("  all tasks done") >
      parts[2].findLastIndex((line) => line.startsWith("  run task")),
  );
  assertMatch(parts[0].at(-1)!, /^ {2}5 tasks, each once, by (1 process|[2-4] processes)$/);
  assertMatch(parts[1].at(-1)!, /^ {2}10 tasks, each once, by (1 process|[2-4] processes)$/);
  assertMatch(parts[2].at(-1)!, /^ {2}10 tasks, each once, by (1 thread|[2-4] threads)$/);
  assertEquals(lines.at(-1), "each task once, at most 4 workers: as expected");
});

Deno.test("processes/pool_close.ts --workers 1 --lang zh: one does everything, in order", async () => {
  const { code, lines, stderr } = await script(
    ...["--show", "executor", "--workers", "1"],
    ...["--lang", "zh"],
  );
  assertEquals([code, stderr], [0, ""]);
  const order = lines.filter((line) => line.startsWith("  运行任务")).map((line) =>
    Number(/\d+/.exec(line)![0])
  );
  assertEquals(order, upTo(10));
  assertEquals(tasksOf(lines, " 做了 "), upTo(10));
  assertEquals(lines.slice(-2), [
    "  1 个进程做完 10 个任务，各一次",
    "每个任务恰好一次，干活的不超过 1 个：符合预期",
  ]);
});

testUsage("processes/pool_close.ts", script, ["--show", "--workers", "--lang"], [
  [["--close"], 'pool_close: unknown argument "--close"'],
  [
    ["--show", "x"],
    'pool_close: --show must be pool or executor or threads or all, received "x"',
  ],
  [["--workers", "0"], 'pool_close: --workers must be a whole number from 1 to 16, received "0"'],
]);
