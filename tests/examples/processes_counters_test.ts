import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/counters.ts", args, { flags: FLAGS });

for (const way of ["lock", "add"]) {
  Deno.test(
    unless(LACKS.memory, `processes/counters.ts --way ${way} counts every vote`),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, lines, stderr, leftovers } = await script("--way", way);
        assertEquals(stderr, "");
        assertEquals(lines, [...counts(16, 16, 16), "48 of 48 votes counted: exact"]);
        assertEquals(code, 0);
        assertEquals(leftovers, []);
      }
    },
  );
}

Deno.test(unless(LACKS.memory, "processes/counters.ts --way none always loses votes"), async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--way", "none");
    assertEquals(stderr, "");
    assertEquals(lines, [...counts(4, 4, 4), "12 of 48 votes counted: LOST VOTES"]);
    assertEquals(code, 1);
    assertEquals(leftovers, []);
  }
});

Deno.test(
  unless(LACKS.memory, "processes/counters.ts counts with the lock unless told otherwise"),
  async () => {
    const { code, lines } = await script("--tellers", "3", "--votes", "100");
    assertEquals(lines, [...counts(102, 99, 99), "300 of 300 votes counted: exact"]);
    assertEquals(code, 0);
  },
);

Deno.test(unless(LACKS.memory, "processes/counters.ts --lang zh speaks Chinese"), async () => {
  const args = ["--way", "none", "--tellers", "2", "--votes", "3"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines.slice(-2), ["候选人 3：1 票", "6 张票，计了 3 张：丢了票"]);
});

testUsage("processes/counters.ts", script, ["--tellers", "--votes", "--way", "--lang"], [
  [["--recount"], 'counters: unknown argument "--recount"'],
  [["--tellers", "1"], 'counters: --tellers must be a whole number from 2 to 100, received "1"'],
  [["--votes", "0"], 'counters: --votes must be a whole number from 1 to 10000, received "0"'],
  [["--way", "out"], 'counters: --way must be none or lock or add, received "out"'],
]);

function counts(...votes: number[]): string[] {
  return votes.map((n, k) => `candidate ${k + 1}: ${n}`);
}
