import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/crash.ts", args, { flags: FLAGS });

/** What a lost worker leaves behind: the words, and the facts. */
const HOWS: [how: string, words: RegExp, facts: string][] = [
  ["kill", /was killed by SIGKILL/, "    exitcode -9, signal SIGKILL"],
  ["exit", /ended with exit code 3/, "    exitcode 3, signal null"],
];

function checkOne(lines: string[], words: RegExp, facts: string): void {
  const [title, coal, lost, loss, hay, sum] = lines;
  assertEquals([title, coal], ["one:", "  coal is through"]);
  assertMatch(lost, /^ {2}WorkerLostError: .*driver.*/);
  assertMatch(lost, words);
  assertStringIncludes(lost, '"drive"');
  assertEquals([loss, hay], [facts, "  hay is through"]);
  assertEquals(sum, "  2 of 3 through, 1 lost");
}

function checkStart(lines: string[]): void {
  assertEquals(lines[0], "start:");
  assertMatch(lines[1], /^ {2}BrokenExecutor: ./);
}

for (const [how, words, facts] of HOWS) {
  Deno.test(
    unless(LACKS.memory, `processes/crash.ts --how ${how} loses that one task, and goes on`),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, lines, stderr, leftovers } = await script("--how", how);
        assertEquals(stderr, "");
        assertEquals(lines.pop(), "the pool went on, each time");
        assertEquals(code, 0);
        checkOne(lines.slice(0, 6), words, facts);
        const retries = ["retries:", "  dynamite is through", "  2 drivers lost in 3 tries"];
        assertEquals(lines.slice(6, 9), retries);
        checkStart(lines.slice(9));
        assertEquals(lines.length, 11);
        assertEquals(leftovers, []);
      }
    },
  );
}

for (const [tries, lost] of [[1, 1], [2, 2]]) {
  Deno.test(unless(LACKS.memory, `processes/crash.ts --tries ${tries} is not enough`), async () => {
    const { code, lines, stderr } = await script("--part", "retries", "--tries", `${tries}`);
    assertEquals(stderr, "");
    assertMatch(lines[1], /^ {2}WorkerLostError: "driveAgain" .*was killed by SIGKILL/);
    assertEquals(lines[2], `  ${lost} drivers lost in ${tries} tries`);
    assertEquals([code, lines.at(-1)], [0, "the pool went on, each time"]);
  });
}

Deno.test({
  ...unless(LACKS.ctrlC, "processes/crash.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, stderr, leftovers } = await run("processes/crash.ts", [], {
      detached: true,
      ctrlCAt: "retries:",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test(unless(LACKS.memory, "processes/crash.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--part", "retries");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "retries：",
    "  炸药过了隧道",
    "  最多 3 次，丢了 2 个司机",
    "每一次，进程池都继续工作",
  ]);
});

testUsage("processes/crash.ts", script, ["--part", "--how", "--tries", "--lang"], [
  [["--seatbelt"], 'crash: unknown argument "--seatbelt"'],
  [["--part", "x"], 'crash: --part must be all or one or retries or start, received "x"'],
  [["--how", "x"], 'crash: --how must be kill or exit, received "x"'],
  [["--tries", "0"], 'crash: --tries must be a whole number from 1 to 10, received "0"'],
]);
