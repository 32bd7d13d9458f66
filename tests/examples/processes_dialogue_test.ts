import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const LEAST = ["--allow-run=bc,cat"];
const script = (...args: string[]) => run("processes/dialogue.ts", args, { flags: LEAST });

const STUCK = [
  "stuck: write all, then read",
  "  write() waits for cat to read: 400 ms, and on",
  "  cat waits for us to read what it wrote, and reads nothing meanwhile",
  "  once we read: 1048576 of 1048576 come back",
  "each waited for the other: STUCK",
];

const COMMUNICATE = [
  "communicate: write and read at once",
  "  1048576 of 1048576 come back, cat ends with 0",
  "nobody waited: complete",
];

Deno.test(
  unless(LACKS.posix, "processes/dialogue.ts shows a dialogue, a deadlock and its way out"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      checkAsk(lines.splice(0, 5));
      assertEquals(lines, [...STUCK, ...COMMUNICATE, "wrong: stuck; right: ask, communicate"]);
      assertEquals([code, leftovers], [0, []]);
    }
  },
);

Deno.test(unless(LACKS.posix, "processes/dialogue.ts --form shows one of them"), async () => {
  const ask = await script("--form", "ask");
  assertEquals([ask.code, ask.stderr], [0, ""]);
  checkAsk(ask.lines);
  const stuck = await script("--form", "stuck");
  assertEquals([stuck.code, stuck.lines, stuck.stderr], [1, STUCK, ""]);
  const communicate = await script("--form", "communicate");
  assertEquals([communicate.code, communicate.lines, communicate.stderr], [0, COMMUNICATE, ""]);
});

function checkAsk(lines: string[]): void {
  // Without bc, cat says everything back.
  const name = lines[0] === "ask: bc" ? "bc" : "cat";
  const answers = name === "bc"
    ? ["42", "18446744073709551616", "3.14285"]
    : ["6 * 7", "2 ^ 64", "scale = 5; 22 / 7"];
  assertEquals(lines, [
    `ask: ${name}`,
    `  6 * 7 = ${answers[0]}`,
    `  2 ^ 64 = ${answers[1]}`,
    `  scale = 5; 22 / 7 = ${answers[2]}`,
    "3 questions, 3 answers: complete",
  ]);
}

Deno.test(unless(LACKS.posix, "processes/dialogue.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--form", "communicate");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "communicate：边写边读",
    "  1048576 个字符回来了 1048576 个，cat 的退出码是 0",
    "谁也没有等：一个不少",
  ]);
});

testUsage("processes/dialogue.ts", script, ["--form", "--lang"], [
  [["--smoke"], 'dialogue: unknown argument "--smoke"'],
  [["--form", "x"], "dialogue: --form must be all or ask or stuck or communicate, received"],
]);
