import { assert, assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/pool.ts", args, { flags: FLAGS });

const PARTS = {
  apply: ["apply: from 27 to 1 in 111 steps"],
  // The middle ones come in the order in which the calls end.
  callbacks: [
    "callbacks:",
    "  callback: from 27 to 1 in 111 steps",
    "  callback: from 871 to 1 in 178 steps",
    "  callback: from 97 to 1 in 118 steps",
    "  errorCallback: RangeError: no walk starts at -1",
    "  3 of 4 were successful",
  ],
  map: ["map: of 10000 walks that from 6171 is the longest: 261 steps"],
  starmap: ["starmap:", "  2 ** 10 % 1000 = 24", "  3 ** 100 % 7 = 4", "  7 ** 7 % 10 = 3"],
  imap: ["imap: the first walk of over 200 steps starts at 2463"],
  unordered: ["imapUnordered: 111, 118, 178, 261 steps, in any order"],
};

/** Puts what the callbacks print, in whatever order, into the order of the alphabet. */
function sorted(lines: string[]): string[] {
  const isCallback = (line: string) => /^ {2}\w*[cC]allback: /.test(line);
  const at = lines.findIndex(isCallback);
  if (at === -1) return lines;
  const callbacks = lines.filter(isCallback).sort();
  return lines.filter((line) => !isCallback(line)).toSpliced(at, 0, ...callbacks);
}

Deno.test("processes/pool.ts shows each kind of call, and leaves nothing", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(sorted(lines), [...Object.values(PARTS).flat(), "all right"]);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

for (const [part, wanted] of Object.entries(PARTS)) {
  Deno.test(`processes/pool.ts --part ${part} does that alone`, async () => {
    const { code, lines, stderr } = await script("--part", part, "--processes", "2");
    assertEquals(stderr, "");
    assertEquals([code, sorted(lines)], [0, [...wanted, "all right"]]);
  });
}

Deno.test("processes/pool.ts --processes 1 gives the same, in order", async () => {
  const { code, lines, stderr } = await script("--processes", "1");
  assertEquals(stderr, "");
  assertEquals(sorted(lines), [...Object.values(PARTS).flat(), "all right"]);
  assertEquals(code, 0);
});

Deno.test({
  ...unless(LACKS.ctrlC, "processes/pool.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, stderr, leftovers } = await run("processes/pool.ts", [], {
      detached: true,
      ctrlCAt: "apply: ",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test("processes/pool.ts --lang zh speaks Chinese", async () => {
  const args = ["--part", "callbacks", "--processes", "1"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("  errorCallback：RangeError: 不能从 -1 出发"), lines.join("\n"));
  assertEquals(lines.slice(-2), ["  4 个调用，成功 3 个", "全部正确"]);
});

testUsage("processes/pool.ts", script, ["--part", "--processes", "--lang"], [
  [["--swimming"], 'pool: unknown argument "--swimming"'],
  [["--part", "x"], "pool: --part must be all or apply or callbacks or map or starmap or imap or"],
  [["--processes", "0"], 'pool: --processes must be a whole number from 1 to 64, received "0"'],
]);
