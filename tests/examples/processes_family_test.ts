import { assert, assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["-A"];
const script = (...args: string[]) => run("processes/family.ts", args, { flags: FLAGS });

const LINE = /^(.+): I am (\d+), my parent is (\d+), (.+)$/;

for (const generations of [3, 4]) {
  Deno.test(`processes/family.ts shows ${generations} generations`, async () => {
    const args = generations === 3 ? [] : ["--generations", `${generations}`];
    const { code, lines, stderr, leftovers } = await script(...args);
    assertEquals([code, stderr, leftovers], [0, "", []]);
    const family = lines.flatMap((line) => LINE.exec(line)?.slice(1) ?? []);
    assertEquals(family.length, 4 * generations);
    for (let k = 1; k < generations; k++) {
      assertEquals(family[4 * k + 2], family[4 * k - 3]);
      assertEquals(family[4 * k + 3], family[4 * k - 4]);
    }
    const last = family[4 * generations - 3];
    assert(lines.some((line) => line.startsWith(`${"   ".repeat(generations - 2)}└─ ${last} `)));
    assertEquals(lines.at(-1), "each is the child of the one before");
  });
}

Deno.test("processes/family.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.some((line) => /^子进程的子进程：我是 \d+，父进程是 \d+，子进程$/.test(line)));
  assertEquals(lines.at(-1), "每一个都是前一个的子进程");
});

testUsage("processes/family.ts", script, ["--generations", "--lang"], [
  [["--tree"], 'family: unknown argument "--tree"'],
  [
    ["--generations", "1"],
    'family: --generations must be a whole number from 2 to 10, received "1"',
  ],
]);
