import { assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-run"];
const script = (...args: string[]) => run("traps.ts", args, { flags: FLAGS });

Deno.test("traps.ts: each trap breaks, is told where it can be, and is mended", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines, [
    "await    broken: balance = 1; mended: balance = 2; told: Forgotten await",
    "module   broken: holders = 2, item = undefined; mended: holders = 1, item = A; told: Made anew",
    "global   broken: n = 100; mended: n = 0; nobody tells",
    "seconds  broken: item = undefined; mended: item = A; nobody tells",
    "guard    broken: exitcode = 1; mended: work(), exitcode = 0; told: BootstrapError",
    "5 of 5 as expected: the broken program is wrong each time, the mended one right",
  ]);
});

Deno.test("traps.ts --trap guard --lang zh shows one in full", async () => {
  const { code, lines, stderr } = await script("--trap", "guard", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "guard：子进程会导入这个模块，于是它也要去开子进程",
    "  错：new Process(work).start();",
    "    exitcode = 1",
    "    提示：",
    "      BootstrapError: Cannot start a process while a child imports missing_guard.ts: put the",
    "      script's main part under `if (import.meta.main) { ... }`",
    "  对：if (import.meta.main) { new Process(work).start(); }",
    "    work(), exitcode = 0",
    "1 个坑中 1 个符合预期：错的写法次次出错，对的写法次次都对",
  ]);
});

testUsage("traps.ts", script, ["--trap", "--lang"], [
  [["--global"], 'traps: unknown argument "--global"'],
  [
    ["--trap", "x"],
    'traps: --trap must be await or module or global or seconds or guard or all, received "x"',
  ],
]);
