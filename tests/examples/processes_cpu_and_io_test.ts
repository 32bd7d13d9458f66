import { assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { commandOf, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/cpu_and_io.ts", args, { flags: FLAGS });

const FIGURES = " +\\d+ ms +\\d+\\.\\d x {2}█+";
const WAYS = [
  "one after the other",
  "one thread, awaiting all",
  "a pool of threads",
  "a pool of processes",
].map((way) => new RegExp(`^  ${way}${FIGURES}$`));
const PYTHON_WAYS = [WAYS[0], WAYS[2], WAYS[3]];

function hasPython(): boolean {
  try {
    return new Deno.Command("python3", { args: ["-c", ""] }).outputSync().success;
  } catch {
    return false;
  }
}

/** Checks one table, and gives the lines after it. */
function checkTable(lines: string[], title: string, note: string): string[] {
  assertEquals(lines[0], title);
  WAYS.forEach((way, k) => assertMatch(lines[k + 1], way));
  const rest = lines.slice(WAYS.length + 1);
  if (!hasPython()) {
    assertEquals(rest[0], "  python3 is not there");
    return rest.slice(1);
  }
  assertMatch(rest[0], new RegExp(`^  CPython 3\\.[^ ]+, (with|without) its GIL${note}:$`));
  PYTHON_WAYS.forEach((way, k) => assertMatch(rest[k + 1], way));
  return rest.slice(PYTHON_WAYS.length + 1);
}

Deno.test(
  unless(LACKS.posix, "processes/cpu_and_io.ts measures all ways, beside CPython's"),
  async () => {
    const { code, lines, stderr, leftovers } = await script("--workers", "2", "--rounds", "1");
    assertEquals(stderr, "");
    const cpu = "cpu: 8 x counting the primes below 300000, 2 workers, best of 1";
    const io = "io: 8 x waiting 50 ms for an answer, 2 workers, best of 1";
    const rest = checkTable(checkTable(lines, cpu, ", below 40000"), io, "");
    assertEquals(rest.pop(), "all gave the same results");
    assertEquals(rest[0], "times as fast as one after the other");
    assertMatch(rest[1], /^ +cpu +io$/);
    assertMatch(rest[3], /^ {2}here, a pool of threads +\d+\.\d x +\d+\.\d x$/);
    assertMatch(rest.at(-2)!, /^ {2}the old notes: CPython, threads +0\.9 x +0\.7 x$/);
    assertMatch(rest.at(-1)!, /one thread 85\.3, 18\.1; threads 97\.1, 25\.9/);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  },
);

Deno.test(unless(LACKS.posix, "processes/cpu_and_io.ts --work shows one of them"), async () => {
  const { code, lines, stderr } = await script("--work", "io", "--tasks", "2", "--workers", "1");
  assertEquals(stderr, "");
  const rest = checkTable(lines, "io: 2 x waiting 50 ms for an answer, 1 workers, best of 3", "");
  assertEquals([code, rest], [0, ["all gave the same results"]]);
});

Deno.test({
  ...unless(LACKS.posix, "processes/cpu_and_io.ts does without python3"),
  async fn() {
    const command = [
      "env",
      "PATH=/nowhere",
      ...commandOf("processes/cpu_and_io.ts", [
        ...["--work", "io", "--tasks", "2", "--workers", "1"],
      ]),
    ];
    const { code, lines, stderr } = await run("processes/cpu_and_io.ts", [], { command });
    assertEquals(stderr, "");
    assertEquals(lines.at(-2), "  python3 is not there");
    assertEquals([code, lines.at(-1)], [0, "all gave the same results"]);
  },
});

Deno.test({
  ...unless(LACKS.ctrlC, "processes/cpu_and_io.ts ends cleanly on Ctrl-C"),
  async fn() {
    const args = ["--work", "io", "--tasks", "1000"];
    const { code, signal, stderr, leftovers } = await run("processes/cpu_and_io.ts", args, {
      detached: true,
      // The pools are being started.
      ctrlCAt: "io: ",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test(unless(LACKS.posix, "processes/cpu_and_io.ts --lang zh speaks Chinese"), async () => {
  const args = ["--work", "io", "--tasks", "1", "--workers", "1"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(lines[4], /^ {2}进程池 {23}[ \d]{6} ms /);
  assertEquals(lines.at(-1), "结果全部相同");
});

testUsage("processes/cpu_and_io.ts", script, [
  "--work",
  "--workers",
  "--tasks",
  "--rounds",
  "--lang",
], [
  [["--gil"], 'cpu_and_io: unknown argument "--gil"'],
  [["--work", "gpu"], 'cpu_and_io: --work must be both or cpu or io, received "gpu"'],
  [["--workers", "0"], 'cpu_and_io: --workers must be a whole number from 1 to 64, received "0"'],
  [["--rounds", "0"], 'cpu_and_io: --rounds must be a whole number from 1 to 100, received "0"'],
  [["--tasks", "x"], 'cpu_and_io: --tasks must be a whole number from 1 to 1000, received "x"'],
]);
