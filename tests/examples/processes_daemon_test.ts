import { assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/daemon.ts", args, { flags: FLAGS });

/** The lines, without what a daemon may have said before it was stopped. */
function certain(lines: string[]): string[] {
  let title = "";
  return lines.filter((line) => {
    if (!line.startsWith(" ")) title = line;
    return line !== "  123" && !(title.startsWith("daemon") && line === "  child is running");
  });
}

Deno.test("processes/daemon.ts stops daemons when main ends, and waits for others", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(certain(lines), [
    "plain: no daemon, the program waits for it",
    ...["  main", "  child is running", "  child is done"],
    "daemon: p.daemon = true, it has no time to begin",
    "  main",
    "mixed: foo (123) is a daemon, bar (456) is not",
    ...["  main-------", "  456", "  end456"],
    "child: a daemon starts a process",
    "  child is running",
    '  Error: Cannot start process "grandchild": daemonic processes may have no children',
    "  main",
    "late: p.daemon = true after p.start()",
    '  Error: Cannot set the daemon of "child": the process has been started already',
    ...["  main", "  child is running", "  child is done"],
    "5 of 5 as expected: daemons end with main's code, other children are waited for",
  ]);
});

Deno.test("processes/daemon.ts --case mixed --lang zh: end123 never comes", async () => {
  const { code, lines, stderr } = await script("--case", "mixed", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(certain(lines), [
    "mixed：foo（123）是守护进程，bar（456）不是",
    ...["  main-------", "  456", "  end456"],
    "1 个案例中 1 个符合预期：主进程代码结束，守护进程就终止；其余子进程，程序会等",
  ]);
});

testUsage("processes/daemon.ts", script, ["--case", "--lang"], [
  [["--daemon"], 'daemon: unknown argument "--daemon"'],
  [
    ["--case", "x"],
    'daemon: --case must be plain or daemon or mixed or child or late or all, received "x"',
  ],
]);
