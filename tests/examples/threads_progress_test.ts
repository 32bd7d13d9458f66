import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { commandOf, ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const QUICK = ["--rows", "12", "--depth", "1000"];
const script = (...args: string[]) => run("threads/progress.ts", args, { flags: ["--allow-read"] });

/** Checks the picture: rows of shades, the lower half as the upper. */
function checkPicture(lines: string[], rows: number): void {
  const picture = lines.slice(0, -1);
  assertEquals(lines.at(-1), `${rows} rows`);
  assertEquals(picture.length, rows);
  for (const line of picture) assertMatch(line, /^[ .:\-=+*#%@]*$/);
  assertEquals(picture, picture.toReversed());
}

for (const form of ["bar", "none"]) {
  Deno.test(`threads/progress.ts --form ${form} draws no bar into a file`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--form", form, ...QUICK);
      assertEquals(stderr, "");
      checkPicture(lines, 12);
      assert(lines[5].includes("@"));
      assertEquals(code, 0);
      assertEquals(leftovers, []);
    }
  });
}

Deno.test("threads/progress.ts --form own tells of each quarter", async () => {
  const { code, lines, stderr } = await script("--form", "own", ...QUICK);
  assertEquals(stderr, "");
  const told = [3, 6, 9, 12].map((done) => {
    const filled = Math.round(40 * done / 12);
    return `rendering ${"▓".repeat(filled)}${"░".repeat(40 - filled)} ${done}/12`;
  });
  assertEquals(lines.splice(0, 4), told);
  checkPicture(lines, 12);
  assertEquals(code, 0);
});

Deno.test({
  name: "threads/progress.ts draws its bar on a terminal",
  ignore: Deno.build.os !== "linux" || !hasScript(),
  async fn() {
    // util-linux's script gives it a terminal, and us what it writes there.
    const quoted = commandOf("threads/progress.ts", QUICK, ["--allow-read"])
      .map((word) => `'${word}'`).join(" ");
    const command = ["script", "-qec", quoted, "/dev/null"];
    const { code, lines, stderr } = await run("threads/progress.ts", [], { command });
    assertEquals(stderr, "");
    assertEquals(code, 0);
    assertStringIncludes(lines.join("\n"), "12/12");
    assertEquals(lines.at(-1), "12 rows");
  },
});

Deno.test({
  ...unless(LACKS.ctrlC, "threads/progress.ts ends cleanly on Ctrl-C"),
  async fn() {
    const args = ["--form", "own", "--depth", "10000000"];
    const { code, signal, stderr } = await run("threads/progress.ts", args, {
      ctrlCAt: "rendering",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
  },
});

Deno.test("threads/progress.ts --form own --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "own", "--lang", "zh", ...QUICK);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines[3], `绘制 ${"▓".repeat(40)} 12/12`);
  assertEquals(lines.at(-1), "共 12 行");
});

testUsage("threads/progress.ts", script, ["--form", "--rows", "--depth", "--lang"], [
  [["--colour"], 'progress: unknown argument "--colour"'],
  [["--form", "x"], 'progress: --form must be bar or own or none, received "x"'],
  [["--rows", "0"], 'progress: --rows must be a whole number from 1 to 200, received "0"'],
  [["--depth", "0"], "progress: --depth must be a whole number from 1 to 100000000, received"],
]);

function hasScript(): boolean {
  try {
    return new Deno.Command("script", { args: ["-qec", "true", "/dev/null"] }).outputSync().success;
  } catch {
    return false;
  }
}
