import { assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("threads/crash.ts", args, { flags: FLAGS });

/** The three come in, in any order; gives the lines after that. */
function checkEntries(lines: string[]): string[] {
  const entries = ["coal", "dynamite", "hay"].map((name) => `  ${name} enters the tunnel`);
  assertEquals(lines.slice(0, 3).toSorted(), entries);
  return lines.slice(3);
}

function checkError(lines: string[]): void {
  assertEquals(lines[0], "error: three threads, one throws");
  const rest = checkEntries(lines.slice(1));
  assertEquals(rest[0], "  main is told RangeError: an explosion");
  assertEquals(rest.slice(1, 3).toSorted(), ["  coal is through", "  hay is through"]);
  assertEquals(rest.slice(3), ["  2 of 3 through"]);
}

const POOL = [
  "pool: one worker, five tasks: one throws, one ends its worker",
  "  done by driver_0",
  "  main is told RangeError: an explosion",
  "  done by driver_0",
  '  main is told WorkerLostError: "task" was lost: its worker driver_0 ended with exit code 3',
  "  done by driver_1",
];

function checkProcess(lines: string[]): void {
  assertEquals(lines[0], "process: three threads of one process, and the process is killed");
  assertEquals(checkEntries(lines.slice(1)), [
    "  the process has ended with exitcode -9",
    "  0 of 3 through",
  ]);
}

Deno.test("threads/crash.ts loses a thread to an error, and all to the end of the process", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertStringIncludes(stderr, "Exception in thread dynamite:\nRangeError: an explosion\n");
    assertEquals(lines.pop(), "an error ends one thread, the end of the process ends all");
    assertEquals(code, 0);
    checkError(lines.splice(0, 8));
    assertEquals(lines.splice(0, POOL.length), POOL);
    checkProcess(lines);
    assertEquals(leftovers, []);
  }
});

Deno.test({
  ...unless(LACKS.ctrlC, "threads/crash.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, leftovers } = await run("threads/crash.ts", ["--part", "process"], {
      detached: true,
      ctrlCAt: "process",
    });
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test("threads/crash.ts --lang zh speaks Chinese", async () => {
  const { code, lines } = await script("--lang", "zh", "--part", "process");
  assertEquals([code, lines[0]], [0, "process：一个进程里的三个线程，进程被杀"]);
  assertEquals(lines.at(-1), "异常只结束一个线程，进程一结束，线程全部结束");
});

testUsage("threads/crash.ts", script, ["--part", "--lang"], [
  [["--seatbelt"], 'crash: unknown argument "--seatbelt"'],
  [["--part", "x"], 'crash: --part must be all or error or pool or process, received "x"'],
]);
