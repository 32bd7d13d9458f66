import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/cancel.ts", args, { flags: FLAGS });

/** What each part prints, errors without their messages. */
const BACK = "hears of it, comes back, and is tied up";
const PARTS = {
  queued: [
    "queued:",
    "  the first is out on the lake",
    "  there is one boat: the second waits",
    "  the second: cancel() gives true",
    "  the second's result: CancelledError",
    "  the first:  cancel() gives false: it is running",
    `  the first ${BACK}`,
    "  the first's result: CancelledError",
  ],
  running: [
    "running:",
    "  the boat is out on the lake",
    `  the boat ${BACK}`,
    "  the boat's result: CancelledError",
  ],
  signal: [
    "signal:",
    "  the boat is out on the lake",
    `  the boat ${BACK}`,
    "  the boat's result: Error: a storm is coming",
  ],
  timeout: [
    "timeout:",
    "  the boat is out on the lake",
    `  the boat ${BACK}`,
    "  the boat's result: TimeoutError",
  ],
  grace: [
    "grace:",
    "  the boat is out on the lake",
    "  the boat's result: CancelledError",
    "  the swimmers behind it swam 1, 2, 3 lengths",
  ],
};

const withoutMessages = (lines: string[]) =>
  lines.map((line) => line.replace(/((?:Cancelled|Timeout)Error): .*/, "$1"));

for (const workers of ["processes", "threads"]) {
  Deno.test(`processes/cancel.ts --workers ${workers} accounts for everybody`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--workers", workers);
      assertEquals(stderr, "");
      const wanted = [...Object.values(PARTS).flat(), "everybody is accounted for"];
      assertEquals(withoutMessages(lines), wanted);
      assertEquals(code, 0);
      assertEquals(leftovers, []);
    }
  });
}

for (const [part, wanted] of Object.entries(PARTS)) {
  Deno.test(`processes/cancel.ts --part ${part} does that alone`, async () => {
    // Where nobody is to be stopped, a busy machine has time.
    const grace = part === "grace" ? "50" : "10000";
    const { code, lines, stderr } = await script("--part", part, "--grace", grace);
    assertEquals(stderr, "");
    assertEquals(withoutMessages(lines), [...wanted, "everybody is accounted for"]);
    assertEquals(code, 0);
  });
}

Deno.test({
  ...unless(LACKS.ctrlC, "processes/cancel.ts ends on the second Ctrl-C while a task never pauses"),
  async fn() {
    for (const workers of ["processes", "threads"]) {
      let pressing: ReturnType<typeof setInterval> | undefined;
      const args = ["--workers", workers, "--part", "grace", "--grace", "60000"];
      const { code, signal, stderr, leftovers } = await run("processes/cancel.ts", args, {
        detached: true,
        onLine(line, child) {
          if (!line.endsWith("is out on the lake")) return;
          const press = () => Deno.kill(-child.pid, "SIGINT");
          press();
          // The first one waits for what runs.
          pressing = setInterval(press, 200);
          child.status.then(() => clearInterval(pressing));
        },
      });
      assertEquals(stderr, "");
      assertEquals([code, signal], [130, null]);
      assertEquals(leftovers, []);
    }
  },
});

Deno.test("processes/cancel.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--part", "signal");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "signal：",
    "  小船到湖上去了",
    "  小船听到了，回来，拴好",
    "  小船的结果：Error: 暴风雨要来了",
    "每一个都有了交代",
  ]);
});

testUsage("processes/cancel.ts", script, ["--part", "--workers", "--grace", "--lang"], [
  [["--paddle"], 'cancel: unknown argument "--paddle"'],
  [
    ["--part", "x"],
    "cancel: --part must be all or queued or running or signal or timeout or grace",
  ],
  [["--workers", "x"], 'cancel: --workers must be processes or threads, received "x"'],
  [["--grace", "no"], 'cancel: --grace must be a whole number from 0 to 60000, received "no"'],
]);
