import { assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/daemon.ts", args, { flags: ["--allow-read"] });
const MAIN = "the main thread has come to the end of its code";

for (
  const [form, args, ...expected] of [
    [
      "plain",
      // Main has looked by then.
      ["--ms", "1000"],
      MAIN,
      "is egon alive? true",
      "egon says hello",
      "the program has waited for its thread: hello was said",
    ],
    [
      "daemon",
      // The program ends long before.
      ["--ms", "25000"],
      MAIN,
      "is egon alive? true",
      "the program has not waited for its daemon: hello was never said",
    ],
    [
      "join",
      [],
      "egon says hello",
      MAIN,
      "is egon alive? false",
      "main has waited for the daemon: hello was said",
    ],
  ] as [string, string[], ...string[]][]
) {
  Deno.test(`threads/daemon.ts --form ${form} shows who waits for whom`, async () => {
    const { code, lines, stderr, leftovers } = await script("--form", form, ...args);
    assertEquals([code, stderr, leftovers], [0, "", []]);
    assertEquals(lines, expected);
  });
}

Deno.test("threads/daemon.ts --form two lets the daemon come to its end", async () => {
  const { code, lines, stderr } = await script("--form", "two");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(0, 3).sort(), ["123", "456", "main-------"]);
  assertEquals(lines.slice(3), [
    "end123",
    "end456",
    "the daemon lived as long as the plain thread: both came to their end",
  ]);
});

Deno.test("threads/daemon.ts --form endless ends", async () => {
  const { code, lines, stderr, leftovers } = await script("--form", "endless");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.slice(0, 3), ["hello", "hello", "hello"]);
  assertEquals(lines.filter((line) => line !== "hello"), [
    "python",
    "the program has ended, and its endless daemon with it",
  ]);
  assertEquals(lines.at(-1), "the program has ended, and its endless daemon with it");
});

Deno.test("threads/daemon.ts --form late --lang zh is refused, in Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "late", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "主线程",
    '被拒绝：Cannot set daemon of "Thread-1": the thread has been started already',
    "egon say hello",
    "线程启动以后，就不能再改成守护线程",
  ]);
});

testUsage("threads/daemon.ts", script, ["--form", "--ms", "--lang"], [
  [["--form", "demon"], "daemon: --form must be plain or daemon or join or two or endless or late"],
]);
