import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) =>
  run("threads/recursion.ts", args, { flags: ["--allow-read"] });

/** What a walk in one piece looks like. */
const walk = (name: string) => [
  `${name} at home: has the lock once`,
  `  ${name} at music: has the lock 2 times`,
  `    ${name} at jazz: has the lock 3 times`,
  `  ${name} at notes: has the lock 2 times`,
];

Deno.test("threads/recursion.ts walks with an RLock, walk after walk", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "added up 325 and 325, should be 325: exact");
    assertEquals(code, 0);
    const order = lines[0].startsWith("walker-1") ? [1, 2] : [2, 1];
    assertEquals(lines, order.flatMap((k) => walk(`walker-${k}`)));
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/recursion.ts --lock plain never gets below the first folder", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--lock", "plain");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "added up nothing and nothing, should be 325: STUCK");
    assertEquals(code, 1);
    const order = lines[0].startsWith("walker-1") ? [1, 2] : [2, 1];
    const stuck = (name: string) => [
      `${name} at home: has the lock once`,
      `  ${name} at music: no lock within 300 ms, since ${name} itself holds it`,
    ];
    assertEquals(lines, order.flatMap((k) => stuck(`walker-${k}`)));
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/recursion.ts names the permission that it lacks, and ends", async () => {
  const { code, stderr } = await run("threads/recursion.ts", [], { flags: ["--no-prompt"] });
  assertStringIncludes(stderr, "--allow-read");
  assertEquals(code, 1);
});

Deno.test("threads/recursion.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  const [first] = lines[0];
  assertEquals(lines.slice(0, 3), [
    `${first}走到“主目录”：已上锁 1 次`,
    `  ${first}走到“音乐”：已上锁 2 次`,
    `    ${first}走到“爵士乐”：已上锁 3 次`,
  ]);
  assertEquals(lines.at(-1), "加起来是 325 和 325，应为 325：正确");
});

testUsage("threads/recursion.ts", script, ["--lock", "--lang"], [
  [["--depth", "3"], 'recursion: unknown argument "--depth"'],
  [["--lock", "none"], 'recursion: --lock must be rlock or plain, received "none"'],
]);
