import { assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/signals.ts", args, { flags: FLAGS });

/** What was said, without pids. */
const said = (lines: string[]) => lines.map((line) => line.trim().replace(/\(\d+, /, "("));

Deno.test("processes/signals.ts shows all four", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const titles = lines.filter((line) => !line.startsWith(" "));
  assertEquals(titles, ["alarm:", "ignore:", "handler:", "kill:"]);
  assertEquals(said(lines).filter((line) => line.includes("time to go")), [
    "MainProcess SIGALRM: time to go",
  ]);
});

Deno.test("processes/signals.ts --show ignore: only SIGKILL ends the child", async () => {
  const { code, lines, stderr } = await script("--show", "ignore");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(said(lines), [
    "ignore:",
    ...["SIGINT", "SIGTERM", "SIGHUP"].map((sig) => `MainProcess kill(${sig}): it is still there`),
    "MainProcess kill(SIGKILL): exitcode -9; that one cannot be ignored",
  ]);
});

Deno.test("processes/signals.ts --show handler: the child tidies up first", async () => {
  const { code, lines, stderr } = await script("--show", "handler");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(said(lines), [
    "handler:",
    "MainProcess kill(SIGTERM)",
    "tidy        SIGTERM: finishing this, then I go",
    "tidy        finally: everything is put away",
    "MainProcess exitcode 0, not -15: it was not the signal that ended it",
  ]);
});

Deno.test("processes/signals.ts --show kill: a rally, in turn", async () => {
  const { code, lines, stderr } = await script("--show", "kill", "--rounds", "20");
  assertEquals([code, stderr], [0, ""]);
  const rally = Array.from(
    { length: 20 },
    (_, k) => [`MainProcess ping ${k + 1}`, `player      pong ${k + 1}`],
  );
  assertEquals(said(lines), ["kill:", ...rally.flat()]);
});

testUsage("processes/signals.ts", script, ["--show", "--rounds"], [
  [["--usr1"], 'signals: unknown argument "--usr1"'],
  [
    ["--show", "x"],
    'signals: --show must be alarm or ignore or handler or kill or all, received "x"',
  ],
  [["--rounds", "0"], 'signals: --rounds must be a whole number from 1 to 10000, received "0"'],
]);
