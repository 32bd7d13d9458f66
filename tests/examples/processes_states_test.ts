import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "./_example.ts";

const FLAGS = ["-A"];
const script = (...args: string[]) => run("processes/states.ts", args, { flags: FLAGS });

Deno.test("processes/states.ts shows R, S, T and Z", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.map((line) => line.replace(/ +\d+ +/, " ")), [
    "R computes without a pause",
    "S waits for a timer",
    "T stopped by SIGSTOP",
    "S continued by SIGCONT",
    "Z has ended, its parent does not ask",
  ]);
});

Deno.test("processes/states.ts --only shows one of them", async () => {
  const { code, lines } = await script("--only", "Z");
  assertEquals([code, lines.length], [0, 1]);
});

Deno.test("processes/states.ts --help shows the flags", async () => {
  const { code, lines, stderr } = await script("--help");
  assertEquals([code, stderr], [0, ""]);
  for (const flag of ["only"]) {
    assert(lines.some((line) => line.includes(`--${flag}`)), flag);
  }
});

const WRONG: [args: string[], message: string][] = [
  [["--all"], 'states: unknown argument "--all"'],
  [["--only", "D"], 'states: --only must be R or S or T or Z or all, received "D"'],
];

for (const [args, message] of WRONG) {
  Deno.test(`processes/states.ts refuses ${args.join(" ")}`, async () => {
    const { code, lines, stderr } = await script(...args);
    assertStringIncludes(stderr, message);
    assertEquals([code, lines], [2, []]);
  });
}
