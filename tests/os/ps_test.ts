import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Process } from "../../lib/multiprocessing.ts";
import { cpuCount, getpid, getppid, ps, pstree } from "../../lib/os.ts";
import { draw } from "../../lib/os/pstree.ts";
import { parseLine } from "../../lib/os/ps.ts";
import { isWindows, LACKS } from "../_help/lacks.ts";
import { until } from "../_help/until.ts";
import { limited as test, run } from "../signal/_program.ts";
import * as targets from "./_targets.ts";

test("getpid() and getppid() are this process and its parent [processes]", async () => {
  assertEquals([getpid(), getppid()], [Deno.pid, Deno.ppid]);
  await using child = new Process(targets.who).start();
  assertEquals(await child.result(), [child.pid, getpid()]);
});

test("cpuCount() is the number of cores", () => {
  assertEquals(cpuCount(), navigator.hardwareConcurrency);
});

test("ps() shows this process and its child", async () => {
  const ready = Promise.withResolvers<void>();
  const child = new Process(targets.sleep, { onReport: () => ready.resolve() }).start();
  await ready.promise;
  const all = ps();
  const me = all.find(({ pid }) => pid === Deno.pid)!;
  assertEquals(me.ppid, Deno.ppid);
  assertStringIncludes(me.command, "deno");
  assertMatch(me.state, /^[RSDTZI]$/);
  assert((isWindows || me.user.length > 0) && me.nice >= -20 && me.nice <= 19);
  const its = all.find(({ pid }) => pid === child.pid)!;
  assertEquals([its.ppid, its.user], [Deno.pid, me.user]);
  const tree = pstree(Deno.pid).split("\n");
  assert(tree[0].startsWith(`${Deno.pid} `));
  // Tests that run beside this one have children, too.
  assert(tree.some((line) => /^[├└]─ (\d+)/u.exec(line)?.[1] === `${child.pid}`), tree.join("\n"));
  child.kill();
  await child.join();
  assert(!ps().some(({ pid }) => pid === child.pid));
  assertThrows(() => pstree(child.pid!), Deno.errors.NotFound, `received ${child.pid}`);
  assertThrows(() => pstree(-1), RangeError, "root");
});

test("ps() shows stopped processes and zombies", async () => {
  // The shell's child has ended before the shell becomes a program that asks for no child.
  const parent = new Deno.Command("sh", { args: ["-c", "true & exec sleep 60"] }).spawn();
  const zombie = await until(() =>
    ps().find(({ ppid, state }) => ppid === parent.pid && state === "Z")
  );
  assertMatch(zombie.command, /defunct|\[/);
  Deno.kill(parent.pid, "SIGSTOP");
  await until(() => ps().find(({ pid, state }) => pid === parent.pid && state === "T"));
  Deno.kill(parent.pid, "SIGKILL");
  await parent.status;
}, LACKS.posix);

test("ps() asks the program ps where /proc may not be read", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { ps, pstree } from "LIB/os.ts";
    const all = ps();
    const me = all.find(({ pid }) => pid === Deno.pid)!;
    console.log(me.ppid === Deno.ppid, me.command.includes("deno"), me.nice, me.user.length > 0);
    console.log(all.some(({ ppid }) => ppid === Deno.pid));
    console.log(pstree(Deno.pid).split("\\n").length);`,
    ["--allow-run=ps"],
  );
  const { nice } = ps().find(({ pid }) => pid === Deno.pid)!;
  assertEquals([code, stdout, stderr], [0, `true true ${nice} true\nfalse\n1\n`, ""]);
}, LACKS.posix);

test("ps() names the flag that it lacks", async () => {
  const { stdout } = await run(
    `
    import { ps } from "LIB/os.ts";
    try { ps(); } catch (error) { console.log(error.name, error.message); }`,
    ["--allow-read"],
  );
  assertEquals(stdout, "NotCapable Cannot list the processes: run again with --allow-run=ps\n");
}, LACKS.posix);

test("ps() reads what ps prints on other platforms", () => {
  assertEquals(parseLine("  501   1 Ss    0 ada   /sbin/launchd -x y"), {
    pid: 501,
    ppid: 1,
    state: "S",
    nice: 0,
    user: "ada",
    command: "/sbin/launchd -x y",
  });
  assertEquals(parseLine("12 2 S - root [migration/0]")?.nice, 0);
  assertEquals(parseLine("12 2 Z -20 root (deno)")?.nice, -20);
  assertEquals(parseLine(""), undefined);
});

test("pstree() draws parents above their children", () => {
  const all =
    ([[1, 0, "S"], [5, 1, "R"], [6, 1, "S"], [7, 5, "Z"], [8, 5, "S"], [9, 4, "S"]] as const)
      .map(([pid, ppid, state]) => ({ pid, ppid, state, nice: 0, user: "u", command: `c${pid}` }));
  assertEquals(draw(all).split("\n"), [
    "1 c1",
    "├─ 5 R c5",
    "│  ├─ 7 Z c7",
    "│  └─ 8 c8",
    "└─ 6 c6",
    "9 c9",
  ]);
  assertEquals(draw(all, 5).split("\n"), ["5 R c5", "├─ 7 Z c7", "└─ 8 c8"]);
});
