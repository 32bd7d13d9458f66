import { assertEquals, assertMatch } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-run"];
const script = (...args: string[]) => run("processes/start_method.ts", args, { flags: FLAGS });

/** Puts names in place of the pids. */
function named(lines: string[], who: RegExp): string[] {
  const [, parent, child] = lines.map((line) => who.exec(line)).find((found) => found !== null)!;
  return lines.map((line) =>
    line.replace(new RegExp(`\\b${parent}\\b`), "PARENT").replace(
      new RegExp(`\\b${child}\\b`),
      "CHILD",
    )
  );
}

Deno.test("processes/start_method.ts: the parent initializes once, and the child once", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const who = /^ {2}(\d+) is the parent, (\d+) is the child$/;
  assertEquals(named(lines.slice(0, 8), who), [
    "guard: v is started under if (import.meta.main)",
    ...["  Initialize PARENT", "  import.meta.main true PARENT"],
    ...["  Initialize CHILD", "  import.meta.main false CHILD"],
    ...["  Run CHILD", "  import.meta.main false CHILD"],
    "  PARENT is the parent, CHILD is the child",
  ]);
  assertEquals(named(lines.slice(8, 16), who), [
    "no-guard: v is started at the top level",
    ...["  Initialize PARENT", "  import.meta.main true PARENT"],
    ...["  Initialize CHILD", "  import.meta.main false CHILD"],
    "  BootstrapError: Cannot start a process while a child imports initialize_run.ts:",
    "  put the script's main part under `if (import.meta.main) { ... }`",
    "  PARENT is the parent, CHILD is the child",
  ]);
  assertMatch(lines[20], /^ {2}Python 3, spawn +__main__ +__mp_main__ +__mp_main__$/);
  assertEquals(
    lines.at(-1),
    "guard: initialized in both, v run in the child; no-guard: BootstrapError, v NOT RUN",
  );
});

Deno.test("processes/start_method.ts --form no-guard --lang zh: broken", async () => {
  const { code, lines, stderr, leftovers } = await script("--form", "no-guard", "--lang", "zh");
  assertEquals([code, stderr, leftovers], [1, "", []]);
  assertEquals(named(lines, /^ {2}(\d+) 是父进程，(\d+) 是子进程$/).slice(-2), [
    "  PARENT 是父进程，CHILD 是子进程",
    "no-guard：BootstrapError，v 没有运行",
  ]);
});

testUsage("processes/start_method.ts", script, ["--form", "--lang"], [
  [["--guard"], 'start_method: unknown argument "--guard"'],
  [
    ["--form", "x"],
    'start_method: --form must be guard or no-guard or table or all, received "x"',
  ],
]);
