import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["-A"];
const script = (...args: string[]) => run("processes/orphan.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.signals, "processes/orphan.ts shows that an orphan gets another parent"),
  async () => {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals([code, stderr, leftovers], [0, "", []]);
    const [, child] = /its child is (\d+)$/.exec(lines[0])!;
    const [, grandchild] = /grandchild (\d+) has parent/.exec(lines[1])!;
    assertStringIncludes(lines[1], `has parent ${child}, `);
    const [, adopter] = /has parent (\d+), /.exec(lines[2])!;
    assert(adopter !== child);
    assertStringIncludes(lines[3], `it is an orphan, taken in by ${adopter}: `);
    assertStringIncludes(lines[4], `grandchild ${grandchild} is gone`);
    assertEquals(lines[5], "its parent was killed, it lived on with another: as told");
  },
);

Deno.test(
  unless(LACKS.signals, "processes/orphan.ts --end shows that it ends with its parent"),
  async () => {
    const { code, lines, stderr, leftovers } = await script("--end");
    assertEquals([code, stderr, leftovers], [0, "", []]);
    assertStringIncludes(lines[2], "is gone");
    assertEquals(lines[3], "it has ended with its parent");
  },
);

Deno.test(unless(LACKS.signals, "processes/orphan.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--end");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.at(-1), "它随父进程一起结束了");
});

testUsage("processes/orphan.ts", script, ["--end", "--lang"], [
  [["--keep"], 'orphan: unknown argument "--keep"'],
]);
