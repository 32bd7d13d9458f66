import { assertEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/memory.ts", args, { flags: ["--allow-read"] });

const VARIABLE = (child: string) => [
  "let n = 100",
  "  MainThread  n is 100",
  `  ${child.padEnd(11)} n is 100`,
  `  ${child.padEnd(11)} sets it, n is 0`,
  "  MainThread  n is 100",
  "a variable is isolated",
];

const VALUE = (child: string) => [
  'const n = new Value("i32", 100)',
  "  MainThread  n is 100",
  `  ${child.padEnd(11)} n is 100`,
  `  ${child.padEnd(11)} sets it, n is 0`,
  "  MainThread  n is 0",
  "a Value is shared",
];

Deno.test("threads/memory.ts shows that threads share a Value, and no variable", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines, [...VARIABLE("Thread-1"), ...VALUE("Thread-2")]);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/memory.ts --form shows one of them", async () => {
  const variable = await script("--form", "variable");
  assertEquals([variable.code, variable.lines], [0, VARIABLE("Thread-1")]);
  const value = await script("--form", "value");
  assertEquals([value.code, value.lines], [0, VALUE("Thread-1")]);
});

Deno.test("threads/memory.ts --form value --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "value", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    'const n = new Value("i32", 100)',
    "  MainThread  n 是 100",
    "  Thread-1    n 是 100",
    "  Thread-1    改了 n，n 是 0",
    "  MainThread  n 是 0",
    "Value 是共享的",
  ]);
});

testUsage("threads/memory.ts", script, ["--form", "--lang"], [
  [["--amnesia"], 'memory: unknown argument "--amnesia"'],
  [["--form", "x"], 'memory: --form must be variable or value or both, received "x"'],
]);
