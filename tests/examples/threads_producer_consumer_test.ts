import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("threads/producer_consumer.ts", args, { flags: FLAGS });

const COMPLETE: [form: string, put: number, stops: number][] = [
  ["sentinel", 3, 1],
  ["sentinels", 6, 2],
  ["joinable", 6, 0],
  ["shutdown", 6, 2],
];

for (const [form, put, stops] of COMPLETE) {
  Deno.test(`threads/producer_consumer.ts --form ${form} leaves no item`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--form", form);
      assertEquals(stderr, "");
      assertEquals(lines.pop(), `${put} put, ${put} got, 0 left: complete`);
      assertEquals(code, 0);
      assertEquals(checkItems(lines), { put, got: put });
      assertEquals(count(lines, /^consumer-\d+ .*, and stops$/), stops);
      if (form === "joinable") {
        assertMatch(lines.pop()!, /^main reports one more done: RangeError: /);
      }
      assertEquals(lines.length, 2 * put + stops);
      assertEquals(leftovers, []);
    }
  });
}

Deno.test("threads/producer_consumer.ts --form none always ends by a timeout", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--form", "none");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "6 put, 6 got, 0 left: STUCK");
    assertEquals(code, 1);
    const reason = "gives up: nothing for 500 ms, and nobody said that it is over";
    assertEquals(lines.slice(-2).toSorted(), [`consumer-1 ${reason}`, `consumer-2 ${reason}`]);
    assertEquals(checkItems(lines), { put: 6, got: 6 });
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/producer_consumer.ts --form early always leaves items", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--form", "early");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "6 put, 3 got, 3 left: STOPPED EARLY");
    assertEquals(code, 1);
    assertEquals(lines.slice(-3), [1, 2, 3].map((k) => `producer-2 puts 2.${k}`));
    assertEquals(count(lines, /^consumer-[12] gets a sentinel, and stops$/), 2);
    assertEquals(checkItems(lines), { put: 6, got: 3 });
    assertEquals(leftovers, []);
  }
});

const SIZES: [args: string[], verdict: string][] = [
  [["--producers", "1", "--consumers", "3"], "3 put, 3 got, 0 left: complete"],
  [["--producers", "3", "--consumers", "1", "--items", "5"], "15 put, 15 got, 0 left: complete"],
  [["--form", "shutdown", "--producers", "3"], "9 put, 9 got, 0 left: complete"],
  [["--form", "shutdown", "--items", "1000"], "2000 put, 2000 got, 0 left: complete"],
  [["--form", "joinable", "--consumers", "4"], "6 put, 6 got, 0 left: complete"],
  [["--form", "sentinel", "--items", "500"], "500 put, 500 got, 0 left: complete"],
  [["--form", "none", "--producers", "1", "--consumers", "1"], "3 put, 3 got, 0 left: STUCK"],
  [["--form", "early", "--producers", "3"], "9 put, 3 got, 6 left: STOPPED EARLY"],
];

for (const [args, verdict] of SIZES) {
  Deno.test(`threads/producer_consumer.ts ${args.join(" ")} counts right`, async () => {
    const { code, lines, stderr } = await script(...args);
    assertEquals(stderr, "");
    assertEquals(lines.at(-1), verdict);
    assertEquals(code, verdict.endsWith("complete") ? 0 : 1);
    checkItems(lines.slice(0, -1));
  });
}

Deno.test({
  ...unless(LACKS.ctrlC, "threads/producer_consumer.ts ends cleanly on Ctrl-C"),
  async fn() {
    const args = ["--form", "joinable", "--items", "10000"];
    const { code, signal, stderr, leftovers } = await run("threads/producer_consumer.ts", args, {
      detached: true,
      onLine(line, child) {
        if (line.endsWith("gets 1.10")) Deno.kill(-child.pid, "SIGINT");
      },
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test("threads/producer_consumer.ts --form sentinel --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "sentinel", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(count(lines, /^生产者1 生产了 包子1\.[123]$/), 3);
  assertEquals(count(lines, /^消费者1 消费了 包子1\.[123]$/), 3);
  assertEquals(lines.slice(-2), [
    "消费者1 取到哨兵，停止",
    "生产 3 个，消费 3 个，剩余 0 个：全部取完",
  ]);
});

testUsage("threads/producer_consumer.ts", script, [
  "--form",
  "--producers",
  "--consumers",
  "--items",
  "--lang",
], [
  [["--broker"], 'producer_consumer: unknown argument "--broker"'],
  [["--form", "poison"], "producer_consumer: --form must be none or early or sentinel or"],
  [["--form", "sentinel", "--consumers", "2"], "is for one producer and one consumer"],
  [["--form", "early", "--producers", "1"], "--form early needs a second producer"],
  [["--producers", "0"], '--producers must be a whole number from 1 to 100, received "0"'],
  [["--consumers", "x"], '--consumers must be a whole number from 1 to 100, received "x"'],
  [["--items", "1.5"], '--items must be a whole number from 1 to 10000, received "1.5"'],
]);

/** Each item is put once, in its producer's order, then got at most once. */
function checkItems(lines: string[]): { put: number; got: number } {
  const put = new Map<string, number>();
  const waiting = new Set<string>();
  let got = 0;
  for (const line of lines) {
    const parts = /^(producer|consumer)-(\d+) (puts|gets) (\d+)\.(\d+)$/.exec(line);
    if (parts === null) continue;
    const [, who, number, , by, k] = parts;
    if (who === "producer") {
      assertEquals([by, Number(k)], [number, (put.get(by) ?? 0) + 1], line);
      put.set(by, Number(k));
      waiting.add(`${by}.${k}`);
    } else {
      assert(waiting.delete(`${by}.${k}`), line);
      got++;
    }
  }
  return { put: put.values().reduce((sum, k) => sum + k, 0), got };
}

function count(lines: string[], pattern: RegExp): number {
  return lines.filter((line) => pattern.test(line)).length;
}
