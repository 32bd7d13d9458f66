import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/manager.ts", args, { flags: FLAGS });

for (const form of ["update", "lock"]) {
  Deno.test(`processes/manager.ts --form ${form} counts every delivery`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--form", form);
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "80 delivered: exact");
      assertEquals(code, 0);
      for (const fruit of ["apples", "pears"]) {
        assertEquals(amountsOf(lines, fruit), [10, 20, 30, 40]);
        const sum = lines.find((line) => line.startsWith(`40 ${fruit} from `))!;
        const by = sum.replace(`40 ${fruit} from `, "").split(", ");
        assertEquals(by.toSorted(), ["clerk-1", "clerk-2", "clerk-3", "clerk-4"]);
      }
      assertEquals(lines.length, 10);
      assertEquals(leftovers, []);
    }
  });
}

Deno.test("processes/manager.ts --form unsafe always loses deliveries", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--form", "unsafe");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "80 delivered: 60 LOST");
    assertEquals(code, 1);
    for (const fruit of ["apples", "pears"]) {
      assertEquals(amountsOf(lines, fruit), [10, 10, 10, 10]);
      const pattern = new RegExp(`^10 ${fruit} from clerk-[1-4]$`);
      assertEquals(lines.filter((line) => pattern.test(line)).length, 1);
    }
    assertEquals(leftovers, []);
  }
});

const SIZES: [args: string[], code: number, verdict: string][] = [
  [["--clerks", "6"], 0, "120 delivered: exact"],
  [["--clerks", "2", "--form", "unsafe"], 1, "40 delivered: 20 LOST"],
  [["--clerks", "1", "--form", "unsafe"], 0, "20 delivered: exact"],
];

for (const [args, code, verdict] of SIZES) {
  Deno.test(`processes/manager.ts ${args.join(" ")} counts right`, async () => {
    const done = await script(...args);
    assertEquals(done.stderr, "");
    assertEquals([done.code, done.lines.at(-1)], [code, verdict]);
  });
}

Deno.test({
  ...unless(LACKS.ctrlC, "processes/manager.ts ends cleanly on Ctrl-C, which hits the manager too"),
  async fn() {
    const { code, signal, stderr, leftovers } = await run(
      "processes/manager.ts",
      ["--clerks", "20"],
      {
        detached: true,
        onLine(line, child) {
          if (line.endsWith("apples: 10")) Deno.kill(-child.pid, "SIGINT");
        },
      },
    );
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test("processes/manager.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--clerks", "1");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "店员 1 送来 10 个苹果：共 10 个",
    "店员 1 送来 10 个梨：共 10 个",
    "10 个苹果，来自店员 1",
    "10 个梨，来自店员 1",
    "一共送来 20 个：一个不少",
  ]);
});

testUsage("processes/manager.ts", script, ["--form", "--clerks", "--lang"], [
  [["--boss"], 'manager: unknown argument "--boss"'],
  [["--form", "safe"], 'manager: --form must be update or unsafe or lock, received "safe"'],
  [["--clerks", "0"], 'manager: --clerks must be a whole number from 1 to 100, received "0"'],
]);

/** What the clerks were told after a delivery, from the least to the most. */
function amountsOf(lines: string[], fruit: string): number[] {
  const pattern = new RegExp(`^clerk-\\d+ delivers 10 ${fruit}: (\\d+)$`);
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).map(Number).sort((a, b) => a - b);
}
