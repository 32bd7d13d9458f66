import { assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

for (const workers of ["processes", "threads"]) {
  const script = (...args: string[]) => run("printer.ts", ["--workers", workers, ...args]);
  const lack = workers === "processes" ? LACKS.memory : undefined;

  Deno.test(
    unless(lack, `printer.ts prints job after job with the lock [${workers}]`),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, lines, stderr, leftovers } = await script();
        assertEquals(stderr, "");
        assertEquals(lines.pop(), "3 jobs, 0 broken up: orderly");
        assertEquals(code, 0);
        assertEquals(lines.toSorted(), sheets(3, 3));
        assertEquals(countBroken(lines), 0);
        assertEquals(leftovers, []);
      }
    },
  );

  Deno.test(
    unless(lack, `printer.ts always breaks jobs up without the lock [${workers}]`),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, lines, stderr, leftovers } = await script("--no-lock");
        assertEquals(stderr, "");
        assertMatch(lines.at(-1)!, /^3 jobs, [1-3] broken up: GARBLED$/);
        const verdict = lines.pop();
        assertEquals(verdict, `3 jobs, ${countBroken(lines)} broken up: GARBLED`);
        assertEquals(code, 1);
        assertEquals(lines.toSorted(), sheets(3, 3));
        assertEquals(leftovers, []);
      }
    },
  );

  Deno.test(
    unless(lack, `printer.ts cannot break up what is one page or alone [${workers}]`),
    async () => {
      const page = await script("--no-lock", "--jobs", "2", "--pages", "1");
      assertEquals([page.code, page.lines.at(-1)], [0, "2 jobs, 0 broken up: orderly"]);
      const alone = await script("--no-lock", "--jobs", "1", "--pages", "3");
      assertEquals([alone.code, alone.lines.at(-1)], [0, "1 jobs, 0 broken up: orderly"]);
    },
  );

  Deno.test({
    ...unless(lack ?? LACKS.ctrlC, `printer.ts ends cleanly on Ctrl-C [${workers}]`),
    async fn() {
      const { code, signal, stderr, leftovers } = await run(
        "printer.ts",
        ["--workers", workers, "--pages", "500"],
        {
          detached: true,
          onLine(line, child) {
            if (line.endsWith("page 2/500")) Deno.kill(-child.pid, "SIGINT");
          },
        },
      );
      assertEquals(stderr, "");
      assertEquals([code, signal], [130, null]);
      assertEquals(leftovers, []);
    },
  });
}

Deno.test("printer.ts --lang zh speaks Chinese", async () => {
  const args = ["--workers", "threads", "--jobs", "2", "--pages", "1", "--lang", "zh"];
  const { code, lines, stderr } = await run("printer.ts", args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.pop(), "2 份文件，0 份被打散：井然有序");
  assertEquals(lines.toSorted(), ["文件1 第 1/1 页", "文件2 第 1/1 页"]);
});

testUsage("printer.ts", (...args) => run("printer.ts", args), [
  "--jobs",
  "--pages",
  "--workers",
  "--no-lock",
  "--lang",
], [
  [["--colour"], 'printer: unknown argument "--colour"'],
  [["--jobs=-1"], "printer: --jobs must be a whole number from 1 to 1000"],
  [["--pages", "0"], 'printer: --pages must be a whole number from 1 to 1000, received "0"'],
  [["--workers", "ants"], 'printer: --workers must be processes or threads, received "ants"'],
]);

/** Every sheet there must be, sorted. */
function sheets(jobs: number, pages: number): string[] {
  const all: string[] = [];
  for (let job = 1; job <= jobs; job++) {
    for (let page = 1; page <= pages; page++) all.push(`job-${job} page ${page}/${pages}`);
  }
  return all;
}

/** How many jobs lie in more than one piece. */
function countBroken(lines: string[]): number {
  const pieces = new Map<string, number>();
  let last = "";
  for (const line of lines) {
    const [job] = line.split(" ");
    if (job !== last) pieces.set(job, (pieces.get(job) ?? 0) + 1);
    last = job;
  }
  return [...pieces.values()].filter((n) => n > 1).length;
}
