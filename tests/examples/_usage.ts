/**
 * What all examples have in common: `--help`, and no patience with wrong flags.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Run } from "./_example.ts";

/**
 * Defines the tests that an example shows its flags, and refuses a wrong command line before it
 * does anything.
 *
 * @param name The example, for the tests' names.
 * @param script Runs it.
 * @param flags What `--help` shows: flags, or more of their lines.
 * @param wrong Command lines, each with what is said of it.
 */
export function testUsage(
  name: string,
  script: (...args: string[]) => Promise<Run>,
  flags: string[],
  wrong: [args: string[], message: string][],
): void {
  Deno.test(`${name} --help shows the flags`, async () => {
    const { code, lines, stderr } = await script("--help");
    assertEquals([code, stderr], [0, ""]);
    for (const flag of flags) assert(lines.some((line) => line.includes(flag)), flag);
  });

  if (flags.includes("--lang")) {
    Deno.test(`${name} --lang zh --help shows the flags in Chinese`, async () => {
      const { code, lines, stderr } = await script("--lang", "zh", "--help");
      assertEquals([code, stderr], [0, ""]);
      assert(/\p{Script=Han}/u.test(lines[0]), lines[0]);
      for (const flag of flags) assert(lines.some((line) => line.includes(flag)), flag);
    });
  }

  for (const [args, message] of wrong) {
    Deno.test(`${name} refuses ${args.join(" ")}`, async () => {
      const { code, lines, stderr } = await script(...args);
      assertStringIncludes(stderr, message);
      assertEquals([code, lines], [2, []]);
    });
  }
}
