import { assertEquals, assertMatch } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/ways.ts", args, { flags: FLAGS });

const ROWS = [
  /^file +the disk +both +all who know its name +yes +\d+\.\d +\d+$/,
  /^pipe +1 MiB each way +both or one +one at each end +no +\d+\.\d +\d+$/,
  /^queue +memory, or a limit +one +many put, many get +no +\d+\.\d +\d+$/,
  /^memory +its size +both +all who are given it +yes +\d+\.\d +\d+$/,
];

Deno.test("processes/ways.ts measures all ways, and loses and damages nothing", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertMatch(
      lines.at(-1)!,
      /^2000 sent, 2000 received: all whole; fastest: (file|pipe|queue|memory)$/,
    );
    assertEquals(code, 0);
    assertEquals(lines[0], "500 messages of 65536 bytes, from process to process");
    assertEquals(lines[1].split(/ {2,}/), [
      "way",
      "space",
      "ways",
      "who",
      "lock?",
      "µs each",
      "MB/s",
    ]);
    ROWS.forEach((row, k) => assertMatch(lines[k + 2], row));
    assertEquals(lines.length, 7);
    assertEquals(leftovers, []);
  }
});

for (const way of ["file", "pipe", "queue", "memory"]) {
  for (const [messages, size] of [[1000, 1], [3, 3_000_000]]) {
    Deno.test(`processes/ways.ts --way ${way} carries ${messages} × ${size} bytes`, async () => {
      const { code, lines, stderr, leftovers } = await script(
        ...["--way", way, "--messages", `${messages}`, "--size", `${size}`],
      );
      assertEquals(stderr, "");
      const verdict = `${messages} sent, ${messages} received: all whole; fastest: ${way}`;
      assertEquals([code, lines.length, lines.at(-1)], [0, 4, verdict]);
      assertEquals(leftovers, []);
    });
  }

  Deno.test({
    name: `processes/ways.ts --way ${way} ends cleanly on Ctrl-C`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const args = ["--way", way, "--messages", "1000000"];
      const { code, signal, stderr, leftovers } = await run("processes/ways.ts", args, {
        detached: true,
        // The children are just being started.
        ctrlCAt: "way ",
      });
      assertEquals(stderr, "");
      assertEquals([code, signal], [130, null]);
      assertEquals(leftovers, []);
    },
  });
}

Deno.test("processes/ways.ts --lang zh speaks Chinese", async () => {
  const args = ["--way", "queue", "--messages", "10", "--size", "1"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(lines[2], /^queue {2}内存，或者上限 {5}单向 {8}多个放，多个取 {8}不要 /);
  assertEquals(lines.at(-1), "发送 10 条，收到 10 条：全部完整；最快：queue");
});

testUsage("processes/ways.ts", script, ["--way", "--messages", "--size", "--lang"], [
  [["--horse"], 'ways: unknown argument "--horse"'],
  [["--way", "out"], "ways: --way must be all or file or pipe or queue or memory, received"],
  [["--messages", "0"], 'ways: --messages must be a whole number from 1 to 1000000, received "0"'],
  [["--size", "1k"], 'ways: --size must be a whole number from 1 to 16777216, received "1k"'],
]);
