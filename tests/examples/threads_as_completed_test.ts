import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const CITIES = ["Atlantis", "Bern", "Lisbon", "Oslo"];
const END = "every parcel was accounted for";
const script = (...args: string[]) =>
  run("threads/as_completed.ts", args, { flags: ["--allow-read"] });

/** What is said of one parcel: where it was to go, and what became of it. */
const FATE =
  /^ {2}(?:\d\. )?(?<city>\w+) +(?:courier\S* was in \k<city>|AddressError: no street leads to Atlantis)$/;

function checkFates(lines: string[]): void {
  const cities = lines.map((line) => {
    assertMatch(line, FATE);
    return FATE.exec(line)!.groups!.city;
  });
  assertEquals(cities.toSorted(), CITIES);
}

function checkWait(lines: string[]): void {
  const pattern = /^ {2}(first|firstException|all): (.+); on the way: (.+)$/;
  const [words, done, left] = [1, 2, 3].map((k) => lines.map((line) => pattern.exec(line)![k]));
  assertEquals(words, ["first", "firstException", "all"]);
  const arrived = done.flatMap((names) => names.split(", ")).filter((name) => name !== "none");
  assertEquals(arrived.toSorted(), CITIES);
  assertEquals(left.at(-1), "none");
  assert(done[0] !== "none");
  assert(`${done[0]}, ${done[1]}`.includes("Atlantis"));
}

function checkOrder(lines: string[]): void {
  assertMatch(lines[0], /^ {2}courier\S* was in Lisbon$/);
  assertMatch(lines[1], /^ {2}courier\S* was in Bern$/);
  assertEquals(lines.slice(2), [
    "  AddressError: no street leads to Atlantis: the loop ends, the rest is cancelled",
  ]);
}

const CHECKS: Record<string, (lines: string[]) => void> = {
  callbacks(lines) {
    assertEquals(lines[0], "  all are on the way, and we do something else");
    checkFates(lines.slice(1));
  },
  completed: checkFates,
  wait: checkWait,
  order: checkOrder,
};
const LENGTHS = { callbacks: 5, completed: 4, wait: 3, order: 3 };

for (const couriers of [4, 1]) {
  Deno.test(`threads/as_completed.ts --couriers ${couriers} loses no parcel`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--couriers", `${couriers}`);
      assertEquals(stderr, "");
      assertEquals(lines.pop(), END);
      for (const [form, length] of Object.entries(LENGTHS)) {
        assertEquals(lines.shift(), `${form}:`);
        CHECKS[form](lines.splice(0, length));
      }
      assertEquals(lines, []);
      assertEquals(code, 0);
      assertEquals(leftovers, []);
    }
  });
}

Deno.test("threads/as_completed.ts --couriers 1 delivers in the order of the orders", async () => {
  const { lines, stderr } = await script("--couriers", "1", "--form", "completed");
  assertEquals(stderr, "");
  const cities = lines.slice(1, -1).map((line) => FATE.exec(line)!.groups!.city);
  assertEquals(cities, ["Lisbon", "Bern", "Atlantis", "Oslo"]);
});

for (const [form, check] of Object.entries(CHECKS)) {
  Deno.test(`threads/as_completed.ts --form ${form} does that alone`, async () => {
    const { code, lines, stderr } = await script("--form", form);
    assertEquals(stderr, "");
    assertEquals([code, lines.shift(), lines.pop()], [0, `${form}:`, END]);
    check(lines);
  });
}

Deno.test({
  ...unless(LACKS.ctrlC, "threads/as_completed.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, stderr } = await run("threads/as_completed.ts", [], {
      ctrlCAt: "wait:",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
  },
});

Deno.test("threads/as_completed.ts --form order --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "order", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(lines[1], /^ {2}快递员\S* 送到了里斯本$/);
  assertEquals(lines.slice(-2), [
    "  AddressError: 没有路通往大西洲：循环结束，其余的取消",
    "每个包裹都有了下落",
  ]);
});

testUsage("threads/as_completed.ts", script, ["--form", "--couriers", "--lang"], [
  [["--drone"], 'as_completed: unknown argument "--drone"'],
  [["--form", "x"], "as_completed: --form must be all or callbacks or completed or wait or order"],
  [["--couriers", "0"], "as_completed: --couriers must be a whole number from 1 to 64, received"],
]);
