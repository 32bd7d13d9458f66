import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) =>
  run("threads/attributes.ts", args, { flags: ["--allow-read"] });

Deno.test("threads/attributes.ts sees the same from all sides", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const rows = lines.slice(0, 6).concat(lines[8]).map((line) => line.split(/ {2,}/));
  assertEquals(rows, [
    ["seen by", "name", "ident", "daemon", "isAlive()", "state"],
    ["main, before the start", "Thread-1", "null", "false", "false", "new"],
    ["main, after the start", "Thread-1", "2", "false", "true", "waiting"],
    ["main, after renaming it", "worker", "2", "false", "true", "waiting"],
    ["the thread itself", "worker", "2", "false", "true", "running"],
    ["a thread that it started", "worker", "2", "false", "true", "waiting"],
    ["main, after its end", "worker", "2", "false", "false", "ended"],
  ]);
  for (const [at, who] of [[6, "inner"], [7, "MainThread"]] as const) {
    const [, names] = /^\w+ sees (.*): activeCount\(\) is 3$/.exec(lines[at])!;
    assert(lines[at].startsWith(who));
    assertEquals(names.split(", ").sort(), ["MainThread", "inner", "worker"]);
  }
  assertEquals(lines[9], "MainThread sees MainThread: activeCount() is 1");
  assertMatch(lines[10], /^pid \d+ on all sides/);
  assertEquals(
    lines[11],
    "the same from all sides, and activeCount() is always enumerate().length: right",
  );
});

Deno.test("threads/attributes.ts --lang zh speaks Chinese, and takes any name", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--name", "小王");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.includes("线程自己            小王      2      false   true       running"));
  assertEquals(
    lines.at(-1),
    "各方看到的都一样，activeCount() 总等于 enumerate().length：正确",
  );
});

testUsage("threads/attributes.ts", script, ["--name", "--lang"], [
  [["--rename"], 'attributes: unknown argument "--rename"'],
]);
