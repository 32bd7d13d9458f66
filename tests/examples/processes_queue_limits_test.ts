import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/queue_limits.ts", args, { flags: FLAGS });

const LIMIT = [
  "limit: a queue for 3",
  "  getNowait()                Empty",
  "  get({ block: false })      Empty",
  "  get({ timeout: 200 })      Empty",
  '  put("hello")               done',
  "  put({ a: 1 })              done",
  "  put([3, 3, 3])             done",
  "  full()                     true",
  "  putNowait(123)             Full",
  "  put(123, { block: false }) Full",
  "  put(123, { timeout: 200 }) Full",
  "  put(123), and then get()   hello",
  "  the put has ended          done",
  "  get()                      { a: 1 }",
  "  get()                      [ 3, 3, 3 ]",
  "  get()                      123",
  "  empty()                    true",
  "who does not want to wait is told: as it should be",
];

const EARLY = [
  "early: while (!queue.empty()), and a slow producer",
  "  asker-1 sees an item",
  "  asker-1 gets A",
  "  asker-1 sees an item",
  "  asker-1 gets B",
  "  asker-1 sees an empty queue, and stops",
  "  MainProcess puts C",
  "1 of 3 items left: STOPPED EARLY",
];

Deno.test(
  unless(LACKS.memory, "processes/queue_limits.ts shows what goes wrong, and what does not"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "wrong: early, stuck; right: limit, right");
      assertEquals(code, 0);
      assertEquals(lines.splice(0, LIMIT.length), LIMIT);
      assertEquals(lines.splice(0, EARLY.length), EARLY);
      checkStuck(lines.splice(0, 7));
      checkRight(lines);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(unless(LACKS.memory, "processes/queue_limits.ts --part shows one of them"), async () => {
  const limit = await script("--part", "limit");
  assertEquals([limit.code, limit.lines, limit.stderr], [0, LIMIT, ""]);
  const early = await script("--part", "early");
  assertEquals([early.code, early.lines, early.stderr], [1, EARLY, ""]);
  const stuck = await script("--part", "stuck");
  assertEquals([stuck.code, stuck.stderr], [1, ""]);
  checkStuck(stuck.lines);
  const right = await script("--part", "right");
  assertEquals([right.code, right.stderr], [0, ""]);
  checkRight(right.lines);
});

Deno.test(unless(LACKS.memory, "processes/queue_limits.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--part", "early");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines[2], "  询问者 1：取出 A");
  assertEquals(lines.at(-1), "3 个数据剩余 1 个：停得太早");
});

testUsage("processes/queue_limits.ts", script, ["--part", "--lang"], [
  [["--speed"], 'queue_limits: unknown argument "--speed"'],
  [["--part", "x"], "queue_limits: --part must be all or limit or early or stuck or right"],
]);

/** Both see the item, one gets it, the other gives up. */
function checkStuck(lines: string[]): void {
  const [lucky, unlucky] = lines.includes("  asker-1 gets A")
    ? ["asker-1", "asker-2"]
    : ["asker-2", "asker-1"];
  assertEquals(lines.slice(0, 1), ["stuck: while (!queue.empty()), and two that ask"]);
  const seen = ["  asker-1 sees an item", "  asker-2 sees an item"];
  assertEquals(lines.slice(1, 3).toSorted(), seen);
  assertEquals(
    lines.slice(3, 6).toSorted(),
    [
      `  ${lucky} gets A`,
      `  ${lucky} sees an empty queue, and stops`,
      `  ${unlucky} gives up: nothing for 200 ms, and without a timeout it would wait for ever`,
    ].toSorted(),
  );
  assertEquals(lines.slice(6), ["1 of 2 would wait for ever: STUCK"]);
}

function checkRight(lines: string[]): void {
  assertEquals(lines[0], "right: get() until a sentinel comes");
  assertEquals(lines.at(-1), "0 of 3 items left: complete");
  const rest = lines.slice(1, -1).map((line) => line.replace(/^ {2}waiter-[12]/, "  waiter"));
  assertEquals(rest.toSorted(), [
    "  MainProcess puts A",
    "  MainProcess puts B",
    "  MainProcess puts C",
    "  waiter gets A",
    "  waiter gets B",
    "  waiter gets C",
    "  waiter gets a sentinel, and stops",
    "  waiter gets a sentinel, and stops",
  ]);
}
