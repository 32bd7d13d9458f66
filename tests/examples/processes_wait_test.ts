import { assert, assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/wait.ts", args, { flags: FLAGS });

const ENDS = [
  "returns              0  ended by itself with code 0; exitcode 0",
  "exit(3)            768  ended by itself with code 3; exitcode 3",
  "throws             256  ended by itself with code 1; exitcode 1",
  "is killed            9  killed by signal 9 (Killed); exitcode -9",
  "is asked to end     15  killed by signal 15 (Terminated); exitcode -15",
];
const LEFT = [
  "no child is left: ChildProcessError, ECHILD",
  "5 children, each told once: as it ended",
];

/** The lines about children, without their pids. */
const ends = (lines: string[]) =>
  lines.filter((line) => /^ *\d+ {2}/.test(line)).map((line) => line.replace(/^ *\d+ +/, ""));

Deno.test("processes/wait.ts tells how each child has ended, whoever is first", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(ends(lines).sort(), [...ENDS].sort());
  assertEquals(lines.slice(-2), LEFT);
});

Deno.test("processes/wait.ts --in-order tells it in the order of their starts", async () => {
  const { code, lines, stderr } = await script("--in-order");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(ends(lines), ENDS);
  assertEquals(lines.length, 7);
});

Deno.test("processes/wait.ts --nohang does something else meanwhile", async () => {
  const { code, lines, stderr } = await script("--nohang");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(ends(lines).sort(), [...ENDS].sort());
  assert(lines.includes("none has ended: I do something else"));
});

Deno.test("processes/wait.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assert(ends(lines).includes("被杀死               9  被信号 9 终止（Killed）；exitcode -9"));
  assertEquals(lines.slice(-2), [
    "没有子进程了：ChildProcessError，ECHILD",
    "5 个子进程，各报告一次：与结局相符",
  ]);
});

testUsage("processes/wait.ts", script, ["--in-order", "--nohang", "--lang"], [
  [["--wnohang"], 'wait: unknown argument "--wnohang"'],
  [["--nohang", "--in-order"], "wait: --in-order or --nohang, not both"],
]);
