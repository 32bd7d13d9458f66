import { assert, assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/bank.ts", args, { flags: FLAGS });

Deno.test(unless(LACKS.memory, "processes/bank.ts keeps every coin with the lock"), async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "the balance is 260, should be 260: exact");
    assertEquals(code, 0);
    assertEquals(lines.length, 16);
    // Each starts from what the one before it left.
    let balance = 100;
    for (const line of lines) {
      const { sign, amount, before, after } = partsOf(line);
      assertEquals([before, after], [balance, balance + sign * amount], line);
      balance = after;
    }
    assertEquals(leftovers, []);
  }
});

Deno.test(
  unless(LACKS.memory, "processes/bank.ts always loses money without the lock"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--no-lock");
      assertEquals(stderr, "");
      assertEquals(lines.at(-1), "the balance is 140, should be 260: 120 LOST");
      assertEquals(code, 1);
      for (const step of ["deposits 30: 100 -> 130", "withdraws 10: 130 -> 120"]) {
        assertEquals(lines.filter((line) => line.endsWith(step)).length, 4, step);
      }
      assertEquals(lines.length, 17);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/bank.ts has as many clerks and rounds as it is told"),
  async () => {
    const right = await script("--clerks", "2", "--rounds", "5");
    assertEquals(right.lines.at(-1), "the balance is 300, should be 300: exact");
    assertEquals([right.code, right.lines.length], [0, 21]);
    const wrong = await script("--no-lock", "--clerks", "2", "--rounds", "5");
    assertEquals(wrong.lines.at(-1), "the balance is 200, should be 300: 100 LOST");
    assertEquals(wrong.code, 1);
  },
);

Deno.test(unless(LACKS.memory, "processes/bank.ts cannot lose money with one clerk"), async () => {
  const { code, lines } = await script("--no-lock", "--clerks", "1");
  assertEquals([code, lines.at(-1)], [0, "the balance is 140, should be 140: exact"]);
});

Deno.test(unless(LACKS.memory, "processes/bank.ts --lang zh speaks Chinese"), async () => {
  const args = ["--no-lock", "--clerks", "2", "--rounds", "1"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [1, ""]);
  assert(lines.includes("柜员 2 取 10：130 -> 120"), lines.join("\n"));
  assertEquals(lines.at(-1), "余额是 120，应为 140：丢了 20");
});

testUsage("processes/bank.ts", script, ["--clerks", "--rounds", "--no-lock", "--lang"], [
  [["--steal"], 'bank: unknown argument "--steal"'],
  [["--clerks", "0"], 'bank: --clerks must be a whole number from 1 to 100, received "0"'],
  [["--rounds", "two"], 'bank: --rounds must be a whole number from 1 to 1000, received "two"'],
]);

function partsOf(line: string) {
  const parts = /^clerk-\d+ (deposits|withdraws) (\d+): (\d+) -> (\d+)$/.exec(line);
  assert(parts !== null, line);
  const [amount, before, after] = parts.slice(2).map(Number);
  return { sign: parts[1] === "deposits" ? 1 : -1, amount, before, after };
}
