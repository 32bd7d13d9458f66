import { assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["-A"];
const script = (...args: string[]) => run("processes/zombie.ts", args, { flags: FLAGS });

/** What is said of zombies, shell by shell. */
const verdicts = (lines: string[]) =>
  lines.flatMap((line) => /^ {2}(no zombie|a zombie):/.exec(line)?.[1] ?? []);

Deno.test(
  unless(LACKS.posix, "processes/zombie.ts shows a zombie, three cures, and that Deno needs none"),
  async () => {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals([code, stderr, leftovers], [0, "", []]);
    const isWhole = !lines.some((line) => line.includes("cannot do that"));
    assertEquals(verdicts(lines), ["a zombie", ...Array(isWhole ? 3 : 2).fill("no zombie")]);
    assertEquals(lines.filter((line) => / Z /.test(line)).length, 1);
    assertStringIncludes(lines.at(-4)!, "has ended with code 7");
    assertStringIncludes(lines.at(-3)!, "wait() throws ECHILD");
    assertEquals(lines.at(-1), "a zombie is there only where nobody asked: as told");
  },
);

Deno.test(unless(LACKS.posix, "processes/zombie.ts --show shows one of them"), async () => {
  const none = await script("--show", "none");
  assertEquals([none.code, verdicts(none.lines)], [0, ["a zombie"]]);
  const wait = await script("--show", "wait");
  assertEquals([wait.code, verdicts(wait.lines)], [0, ["no zombie"]]);
});

Deno.test(unless(LACKS.posix, "processes/zombie.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--show", "none");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.at(-1), "没有人回收，才有僵尸：符合预期");
  assertEquals(lines.at(-3), "  僵尸进程：它一直留着，直到父进程来回收，或者父进程自己退出");
});

testUsage("processes/zombie.ts", script, ["--show", "--lang"], [
  [["--cure"], 'zombie: unknown argument "--cure"'],
  [
    ["--show", "x"],
    'zombie: --show must be none or wait or level or ignore or deno or all, received "x"',
  ],
]);
