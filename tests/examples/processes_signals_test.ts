import { assert, assertEquals, assertMatch } from "@std/assert";
import { Signals } from "../../lib/signal.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/signals.ts", args, { flags: FLAGS });

/** What was said, without pids. */
const said = (lines: string[]) => lines.map((line) => line.trim().replace(/\(\d+, /, "("));

Deno.test(unless(LACKS.signals, "processes/signals.ts shows all five"), async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const titles = lines.filter((line) => !line.startsWith(" "));
  assertEquals(titles, ["alarm:", "ignore:", "handler:", "kill:", "table:", "5 of 5 as expected"]);
  assertEquals(said(lines).filter((line) => line.includes("time to go")), [
    "MainProcess SIGALRM: time to go",
  ]);
});

Deno.test(
  unless(LACKS.signals, "processes/signals.ts --show ignore: only SIGKILL ends the child"),
  async () => {
    const { code, lines, stderr } = await script("--show", "ignore");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(said(lines), [
      "ignore:",
      ...["SIGINT", "SIGTERM", "SIGHUP"].map((sig) =>
        `MainProcess kill(${sig}): it is still there`
      ),
      "MainProcess kill(SIGKILL): exitcode -9; that one cannot be ignored",
      "1 of 1 as expected",
    ]);
  },
);

Deno.test(
  unless(LACKS.signals, "processes/signals.ts --show handler: the child tidies up first"),
  async () => {
    const { code, lines, stderr } = await script("--show", "handler");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(said(lines), [
      "handler:",
      "MainProcess kill(SIGTERM)",
      "tidy        SIGTERM: finishing this, then I go",
      "tidy        finally: everything is put away",
      "MainProcess exitcode 0, not -15: it was not the signal that ended it",
      "1 of 1 as expected",
    ]);
  },
);

Deno.test(unless(LACKS.signals, "processes/signals.ts --show kill: a rally, in turn"), async () => {
  const { code, lines, stderr } = await script("--show", "kill", "--rounds", "20");
  assertEquals([code, stderr], [0, ""]);
  const rally = Array.from(
    { length: 20 },
    (_, k) => [`MainProcess ping ${k + 1}`, `player      pong ${k + 1}`],
  );
  assertEquals(said(lines), ["kill:", ...rally.flat(), "1 of 1 as expected"]);
});

Deno.test(
  unless(
    LACKS.signals,
    "processes/signals.ts --show table --lang zh: what each signal does, tried",
  ),
  async () => {
    const { code, lines, stderr, leftovers } = await script("--show", "table", "--lang", "zh");
    assertEquals([code, stderr, leftovers], [0, "", []]);
    assertEquals(lines.at(-1), "1 项中 1 项符合预期");
    const row = (name: string) => lines.find((line) => line.includes(` ${name} `))!;
    for (const name of ["SIGKILL", "SIGTERM", "SIGSEGV"] as const) {
      assertMatch(row(name), new RegExp(`终止.* 返回码 -${Signals[name]} `));
    }
    assertMatch(row("SIGSTOP"), /停止 +状态 T /);
    assertMatch(row("SIGCONT"), /继续 +先 T 后 S /);
    assertMatch(row("SIGCHLD"), /忽略 +状态 S /);
    const numbers = new Set(Object.values(Signals));
    if (Deno.build.os === "linux") {
      for (const n of numbers) {
        assert(
          lines.some((line) => line.trim().startsWith(`${n} `)),
          `${n}`,
        );
      }
    }
  },
);

testUsage("processes/signals.ts", script, ["--show", "--rounds", "--lang"], [
  [["--usr1"], 'signals: unknown argument "--usr1"'],
  [
    ["--show", "x"],
    'signals: --show must be alarm or ignore or handler or kill or table or all, received "x"',
  ],
  [["--rounds", "0"], 'signals: --rounds must be a whole number from 1 to 10000, received "0"'],
]);
