import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "./_example.ts";

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

Deno.test("processes/family.ts --help shows the flags", async () => {
  const { code, lines, stderr } = await script("--help");
  assertEquals([code, stderr], [0, ""]);
  for (const flag of ["generations"]) {
    assert(lines.some((line) => line.includes(`--${flag}`)), flag);
  }
});

const WRONG: [args: string[], message: string][] = [
  [["--tree"], 'family: unknown argument "--tree"'],
  [
    ["--generations", "1"],
    'family: --generations must be a whole number from 2 to 10, received "1"',
  ],
];

for (const [args, message] of WRONG) {
  Deno.test(`processes/family.ts refuses ${args.join(" ")}`, async () => {
    const { code, lines, stderr } = await script(...args);
    assertStringIncludes(stderr, message);
    assertEquals([code, lines], [2, []]);
  });
}
