import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net=127.0.0.1"];
const script = (...args: string[]) => run("crawler.ts", args, { flags: FLAGS });

const ALL = Array.from({ length: 13 }, (_, k) => `/${k + 1}`);
const COMPLETE = "pages in: 14; out: 13 saved + 1 missing = 14: complete";

/** The pages that were saved, in order of their numbers. */
function savedIn(lines: string[]): string[] {
  const paths = lines.map((line) => /^INFO {3}saver {6}saved (\/\d+): page \d+$/.exec(line)?.[1]);
  return paths.filter((path) => path !== undefined)
    .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

Deno.test("crawler.ts saves each page once, and ends stage after stage", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.at(-1), COMPLETE);
  assertMatch(lines[0], /^INFO {3}main {7}crawls http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(savedIn(lines), ALL);
  assertEquals(lines.filter((line) => line.includes("missing: /gone")).length, 1);
  const ends = lines.filter((line) => line.includes(" ends after "));
  assertEquals(ends.map((line) => line.split(/ +/)[1].replace(/\d$/, "N")), [
    "fetcher-N",
    "fetcher-N",
    "parser",
    "saver",
  ]);
  assertEquals(lines.length, 1 + 13 + 1 + 4 + 1);
});

Deno.test("crawler.ts --crash replaces a fetcher that dies, and loses no page", async () => {
  const { code, lines, stderr, leftovers } = await script("--crash");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.at(-1), COMPLETE);
  assertEquals(savedIn(lines), ALL);
  const [died, replaced, ...more] = lines.filter((line) =>
    /fetcher-\d (has died|takes)/.test(line)
  );
  const [, name] = /main {7}(fetcher-[12]) has died: no memory left for \/5$/.exec(died)!;
  assert(replaced.endsWith(`fetcher-3 takes the place of ${name}`), replaced);
  assertEquals(more, []);
});

Deno.test("crawler.ts --crash --no-replace always loses a page", async () => {
  const { code, lines, stderr, leftovers } = await script("--crash", "--no-replace");
  assertEquals([code, stderr, leftovers], [1, "", []]);
  // What only page 5 links to is never heard of.
  assertEquals(lines.at(-1), "pages in: 12; out: 10 saved + 1 missing = 11: 1 LOST");
  assertEquals(savedIn(lines), ALL.filter((path) => !["/5", "/10", "/11"].includes(path)));
  assert(lines.includes("WARN   main       nobody goes on with /5: it is lost"));
});

Deno.test("crawler.ts --lang zh --verbose tells each step in Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--verbose", "--fetchers", "1");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.at(-1), "进 14 页，保存 13 + 不存在 1 = 出 14 页：完整");
  assert(lines.includes("DEBUG  fetcher-1  /1：200"));
  assert(lines.includes("DEBUG  parser     /4：4 个链接"));
  assert(lines.includes("INFO   saver      已保存 /13：第 13 页"));
  assertEquals(lines.filter((line) => line.startsWith("DEBUG")).length, 2 * 14);
});

Deno.test({
  ...unless(LACKS.ctrlC, "crawler.ts finishes what has begun after Ctrl-C"),
  async fn() {
    const { code, lines, stderr, leftovers } = await run("crawler.ts", ["--latency", "1000"], {
      detached: true,
      onLine(line, child) {
        if (line.includes(" crawls ")) Deno.kill(-child.pid, "SIGINT");
      },
    });
    assertEquals([code, stderr, leftovers], [130, "", []]);
    assert(
      lines.includes("WARN   main       Ctrl-C: takes on nothing new, finishes what has begun"),
    );
    const [, taken, saved] = /^pages in: (\d+); out: (\d+) saved \+ 0 missing = \2: complete$/
      .exec(lines.at(-1)!)!;
    assertEquals([saved, savedIn(lines).length], [taken, Number(taken)]);
    assert(Number(taken) < 13, lines.at(-1));
  },
});

testUsage("crawler.ts", script, ["--latency", "--fetchers", "--crash", "--no-replace", "--lang"], [
  [["--no-replace"], "crawler: --no-replace needs --crash"],
  [["--crash", "--no-replace", "--fetchers", "1"], "crawler: --no-replace needs --crash"],
  [["--fetchers", "0"], "crawler: --fetchers must be a whole number from 1 to 16"],
]);
