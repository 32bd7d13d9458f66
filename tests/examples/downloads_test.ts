import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net=127.0.0.1"];
const script = (...args: string[]) => run("downloads.ts", args, { flags: FLAGS });

const WAYS = [
  "one after the other",
  "a thread for each file",
  "a pool of 4 threads",
  "one thread, awaiting all",
];
/** A row of a table: the way, its time, its speed-up, and a bar. */
const ROW = / +\d+ ms +\d+\.\d x {2}█+$/;

Deno.test("downloads.ts gets every byte in all ways, from the network and the disk", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.filter((line) => !ROW.test(line)), [
    "network: 6 files of 64 KiB from a server that takes 150 ms for each",
    "disk: 6 files of 64 KiB, each written and read back",
    "48 files, every byte is right: complete",
  ]);
  const rows = lines.filter((line) => ROW.test(line)).map((line) => line.replace(ROW, "").trim());
  assertEquals(rows, [...WAYS, ...WAYS]);
  assertEquals(lines.filter((line) => line.length > 80), []);
});

Deno.test("downloads.ts --work network never waits less than the server takes", async () => {
  const args = ["--work", "network", "--files", "5", "--size", "300", "--latency", "40"];
  const { code, lines, stderr } = await script(...args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.at(-1), "20 files, every byte is right: complete");
  assertEquals(lines.length, 6);
  const [serial] = /\d+(?= ms)/.exec(lines[1])!;
  assert(Number(serial) >= 5 * 40, lines[1]);
});

Deno.test("downloads.ts --work disk --lang zh speaks Chinese", async () => {
  const { code, lines, stderr, leftovers } = await script("--work", "disk", "--lang", "zh");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines[0], "磁盘：6 个文件，每个 64 KiB，先写入再读出");
  assertMatch(lines[2], /^ {2}每个文件一个线程 +\d+ ms/);
  assertEquals(lines.at(-1), "24 个文件，每个字节都对：完整");
});

Deno.test({
  ...unless(LACKS.ctrlC, "downloads.ts ends on Ctrl-C in the middle, and leaves nothing"),
  async fn() {
    const { code, stderr, leftovers } = await run("downloads.ts", ["--latency", "500"], {
      ctrlCAt: "network",
      detached: true,
    });
    assertEquals([code, stderr, leftovers], [130, "", []]);
  },
});

testUsage("downloads.ts", script, ["--work", "--files", "--size", "--latency", "--lang"], [
  [["--files", "0"], "downloads: --files must be a whole number from 1 to 200"],
  [["--work", "cpu"], "--work must be network or disk or both"],
]);
