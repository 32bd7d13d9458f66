import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/exit.ts", args, { flags: FLAGS });

const TRY = "  try: the guest leaves";
const VERDICT = "return and exit() put things in order, _exit() and kill do not";
const TIDY = [TRY, "  finally: the door is locked", "  using: the lamp is put out"];
const HASTY = (code: number) => [TRY, `  exitcode ${code}, and nobody has locked the door`];

Deno.test(
  unless(LACKS.signals, "processes/exit.ts shows which way to end runs finally blocks"),
  async () => {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals([code, stderr, leftovers], [0, "", []]);
    assertEquals(lines, [
      ...["return", ...TIDY, "  exitcode 0"],
      ...["exit(3)", ...TIDY, "  exitcode 3"],
      ...[
        'exit("the house is on fire")',
        ...TIDY,
        "  stderr: the house is on fire",
        "  exitcode 1",
      ],
      ...["_exit(3)", ...HASTY(3)],
      ...["kill", ...HASTY(-9)],
      VERDICT,
    ]);
  },
);

Deno.test(
  unless(LACKS.signals, "processes/exit.ts --way --code shows one, with that code"),
  async () => {
    const { code, lines } = await script("--way", "exit", "--code", "42");
    assertEquals([code, lines], [0, ["exit(42)", ...TIDY, "  exitcode 42", VERDICT]]);
  },
);

Deno.test(unless(LACKS.signals, "processes/exit.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--way", "_exit");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    ...["_exit(3)", "  try：客人要走了", "  exitcode 3，门没有人锁"],
    "return 和 exit() 会收拾好再走，_exit() 和 kill 不会",
  ]);
});

testUsage("processes/exit.ts", script, ["--way", "--code", "--lang"], [
  [["--finally"], 'exit: unknown argument "--finally"'],
  [
    ["--way", "x"],
    'exit: --way must be return or exit or text or _exit or kill or all, received "x"',
  ],
  [["--code", "256"], 'exit: --code must be a whole number from 0 to 255, received "256"'],
]);
