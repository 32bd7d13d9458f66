import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = [
  ...["--allow-read", "--allow-write", "--allow-net", "--allow-run"],
  "--allow-ffi",
];
const script = (...args: string[]) => run("processes/join.ts", args, { flags: FLAGS });

/** What was said, without pids and times. */
const said = (lines: string[]) =>
  lines.map((line) =>
    line.trim().replace(/: \d+, parent \d+$/, "").replace(/(on:|pid) \d+/, "$1 N")
  );

Deno.test(unless(LACKS.memory, "processes/join.ts shows who goes on when"), async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const all = said(lines);
  assertEquals(all.slice(0, 9), [
    "without: p.start(), and on",
    "main goes on: N; p.isAlive() is true",
    "child-1 is running",
    "child-1 is done",
    "with: p.start(), p.join(), and on",
    "child-1 is running",
    "child-1 is done",
    "main goes on: N; p.isAlive() is false",
    "p has ended, and can be asked still: pid N, exitcode 0",
  ]);
  assertEquals(all[10], "4 processes: main, and 3 in activeChildren()");
  const beside = all.slice(11, 17);
  // Who begins first is for the system to decide; nobody ends before all have begun.
  for (const [k, what] of ["is running", "is done"].entries()) {
    const three = beside.slice(3 * k, 3 * k + 3).sort();
    assertEquals(three, [`child-1 ${what}`, `child-2 ${what}`, `child-3 ${what}`]);
  }
  const turns = [1, 2, 3].flatMap((k) => [`child-${k} is running`, `child-${k} is done`]);
  assertEquals(all.slice(19, 25), turns);
  assertEquals(
    all.at(-1),
    "without: main went on first; with: main waited; three: side by side; turns: one at a time",
  );
});

Deno.test(
  unless(LACKS.memory, "processes/join.ts --form with --lang zh: the child first, then main"),
  async () => {
    const { code, lines, stderr } = await script("--form", "with", "--lang", "zh");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(lines.map((line) => line.replace(/(进程号|父进程|pid) \d+/g, "$1 N")), [
      "with：p.start()，p.join()，再往下走",
      "  子进程1开始运行：进程号 N，父进程 N",
      "  子进程1运行结束",
      "  主进程往下走：进程号 N；p.isAlive() 是 false",
      "  p 已经结束，仍然可以查到：pid N，exitcode 0",
      "with：主进程等到了子进程结束",
    ]);
  },
);

testUsage("processes/join.ts", script, ["--form", "--lang"], [
  [["--join"], 'join: unknown argument "--join"'],
  [
    ["--form", "x"],
    'join: --form must be without or with or three or turns or all, received "x"',
  ],
]);
