import { assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/ways.ts", args, { flags: FLAGS });

/** The figures of one way. */
const row = (way: string) => new RegExp(`^${way} +\\d+\\.\\d +\\d+ +\\d+\\.\\d$`);
const WAYS = ["file", "pipe", "queue", "memory"];

Deno.test(
  unless(LACKS.memory, "processes/ways.ts measures all ways, and loses and damages nothing"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertMatch(
        lines.pop()!,
        /^all came through; fastest to carry: \w+, to change: \w+$/,
      );
      assertEquals(code, 0);
      assertEquals(lines[0].trim().split(/ {2,}/), WAYS);
      assertEquals(lines[2].split(/ {2,}/), [
        ...["how", "read, write", "send(), recv()", "put(), get()", "changed in place"],
      ]);
      const measured = lines.indexOf("") + 1;
      assertEquals(
        lines[measured],
        "carry: 500 messages of 65536 bytes; change: a number, 2000 times",
      );
      WAYS.forEach((way, k) => assertMatch(lines[measured + 2 + k], row(way)));
      assertEquals(lines.length, measured + 6);
      assertEquals(lines.filter((line) => line.length > 100), []);
      assertEquals(leftovers, []);
    }
  },
);

for (const way of WAYS) {
  for (const [messages, size] of [[1000, 1], [3, 3_000_000]]) {
    Deno.test(
      unless(LACKS.memory, `processes/ways.ts --way ${way} carries ${messages} × ${size} bytes`),
      async () => {
        const { code, lines, stderr, leftovers } = await script(
          ...["--way", way, "--messages", `${messages}`, "--size", `${size}`, "--changes", "7"],
        );
        assertEquals(stderr, "");
        const verdict = `all came through; fastest to carry: ${way}, to change: ${way}`;
        assertEquals([code, lines.at(-1)], [0, verdict]);
        assertEquals(lines[0].trim(), way);
        assertEquals(leftovers, []);
      },
    );
  }

  Deno.test({
    ...unless(LACKS.ctrlC, `processes/ways.ts --way ${way} ends cleanly on Ctrl-C`),
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

Deno.test(unless(LACKS.memory, "processes/ways.ts --lang zh speaks Chinese"), async () => {
  const args = ["--way", "queue", "--messages", "10", "--size", "1", "--changes", "5"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines[2], "读写方式  put()、get()");
  assertEquals(
    lines.at(-1),
    "一个不少；传消息最快的是 queue，改数值最快的是 queue",
  );
});

testUsage("processes/ways.ts", script, ["--way", "--messages", "--size", "--changes", "--lang"], [
  [["--horse"], 'ways: unknown argument "--horse"'],
  [["--way", "out"], "ways: --way must be all or file or pipe or queue or memory, received"],
  [["--messages", "0"], 'ways: --messages must be a whole number from 1 to 1000000, received "0"'],
  [["--size", "1k"], 'ways: --size must be a whole number from 1 to 16777216, received "1k"'],
]);
