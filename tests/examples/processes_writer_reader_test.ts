import { assert, assertEquals, assertMatch } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/writer_reader.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.memory, "processes/writer_reader.ts reads what was written, in order"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertMatch(lines.pop()!, /^wrote ABCDEF, read ABCDEF, at most \d in the queue: in order$/);
      assertEquals(code, 0);
      assertEquals(lettersOf(lines, "writer puts"), "ABCDEF");
      assertEquals(lettersOf(lines, "reader gets"), "ABCDEF");
      assertEquals(lines.length, 12);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/writer_reader.ts --limit never has more in the queue"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr } = await script("--limit", "1", "--write", "0");
      assertEquals(stderr, "");
      assertMatch(lines.pop()!, /^wrote ABCDEF, read ABCDEF, at most [01] in the queue: in order$/);
      assertEquals(code, 0);
      for (const line of lines) assert(!/ ([2-9]|\d\d+) before it/.test(line), line);
      // Three letters are out of the queue at most: got, in it, and with the writer.
      const puts = lines.findIndex((line) => line.startsWith("writer puts D"));
      const gets = lines.findIndex((line) => line.startsWith("reader gets A"));
      assert(gets < puts, lines.join("\n"));
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/writer_reader.ts has the pace and the text that it is told"),
  async () => {
    const args = ["--text", "grün", "--write", "1", "--read", "0", "--limit", "3"];
    const { code, lines, stderr } = await script(...args);
    assertEquals(stderr, "");
    assertMatch(lines.at(-1)!, /^wrote grün, read grün, at most [0-3] in the queue: in order$/);
    assertEquals(code, 0);
  },
);

Deno.test({
  ...unless(
    LACKS.ctrlC,
    "processes/writer_reader.ts ends cleanly on Ctrl-C while the writer thinks",
  ),
  async fn() {
    const args = ["--limit", "1", "--read", "60000"];
    const { code, signal, stderr, leftovers } = await run("processes/writer_reader.ts", args, {
      detached: true,
      onLine(line, child) {
        if (line.endsWith("so it waits")) Deno.kill(-child.pid, "SIGINT");
      },
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test(unless(LACKS.memory, "processes/writer_reader.ts --lang zh speaks Chinese"), async () => {
  const args = ["--text", "汉字", "--limit", "1", "--write", "0", "--read", "0"];
  const { code, lines, stderr } = await script("--lang", "zh", ...args);
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("读者：取出 字"), lines.join("\n"));
  assertMatch(lines.at(-1)!, /^写了 汉字，读到 汉字，队列里最多 [01] 个：顺序正确$/);
});

testUsage("processes/writer_reader.ts", script, [
  "--text",
  "--limit",
  "--write",
  "--read",
  "--lang",
], [
  [["--editor"], 'writer_reader: unknown argument "--editor"'],
  [["--text="], "writer_reader: --text must have a letter"],
  [["--limit=-1"], '--limit must be a whole number from 0 to 1000, received "-1"'],
  [["--write", "soon"], '--write must be a whole number from 0 to 60000, received "soon"'],
  [["--read", "1.5"], '--read must be a whole number from 0 to 60000, received "1.5"'],
]);

function lettersOf(lines: string[], start: string): string {
  return lines.filter((line) => line.startsWith(start)).map((line) => line[start.length + 1])
    .join("");
}
