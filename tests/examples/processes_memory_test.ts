import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/memory.ts", args, { flags: FLAGS });

const VARIABLE = (child: string) => [
  "let n = 100",
  "  MainProcess n is 100",
  `  ${child.padEnd(11)} n is 100`,
  `  ${child.padEnd(11)} sets it, n is 0`,
  "  MainProcess n is 100",
  "a variable is isolated",
];

const VALUE = (child: string) => [
  'const n = new Value("i32", 100)',
  "  MainProcess n is 100",
  `  ${child.padEnd(11)} n is 100`,
  `  ${child.padEnd(11)} sets it, n is 0`,
  "  MainProcess n is 0",
  "a Value is shared",
];

const ARRAY = (child: string) => [
  'new Array("i32", [1, 2, 3]), new Array("i32", 2)',
  "  MainProcess they are 1 2 3 0 0",
  `  ${child.padEnd(11)} they are 1 2 3 0 0`,
  `  ${child.padEnd(11)} sets them, they are 1 4 9 7 7`,
  "  MainProcess they are 1 4 9 7 7",
  "an Array is shared",
];

Deno.test(
  unless(LACKS.memory, "processes/memory.ts shows that processes share a Value, and no variable"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertEquals(lines, [
        ...[...VARIABLE("Process-1"), ...VALUE("Process-2"), ...ARRAY("Process-3")],
      ]);
      assertEquals(code, 0);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(unless(LACKS.memory, "processes/memory.ts --form shows one of them"), async () => {
  const variable = await script("--form", "variable");
  assertEquals([variable.code, variable.lines], [0, VARIABLE("Process-1")]);
  const value = await script("--form", "value");
  assertEquals([value.code, value.lines], [0, VALUE("Process-1")]);
  const array = await script("--form", "array");
  assertEquals([array.code, array.lines], [0, ARRAY("Process-1")]);
});

Deno.test(unless(LACKS.memory, "processes/memory.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--form", "value");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(-2), ["  MainProcess n 是 0", "Value：大家共享"]);
});

testUsage("processes/memory.ts", script, ["--form", "--lang"], [
  [["--amnesia"], 'memory: unknown argument "--amnesia"'],
  [["--form", "x"], 'memory: --form must be all or variable or value or array, received "x"'],
]);
