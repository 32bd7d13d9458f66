import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const LEAST = ["--allow-run=sh,/bin/sh,sort,printf"];
const script = (...args: string[]) => run("processes/subprocess_run.ts", args, { flags: LEAST });

const ALL = [
  'codes: run(["sh", "-c", ...])',
  "  exit 0     -> 0",
  "  exit 3     -> 3",
  "  kill -9 $$ -> -9",
  "  with check: CalledProcessError, code 4: no paper",
  "output: { captureOutput: true, text: true }",
  "  stdout: a result",
  "  stderr: a remark",
  'input: { input: "pear apple plum" }, to sort',
  "  apple pear plum",
  'background: new Popen(["sh", "-c", "read line; exit 5"])',
  "  it is process N; we go on meanwhile: poll() is null",
  "  it got its line, and ended with code 5",
  "shell: run(`printf '%s\\n' ${name}`, { shell: true })",
  "  notes.txt",
  "  your files are mine now",
  "  the name was run as a command: WRONG",
  'words: run(["printf", "%s\\n", name])',
  "  notes.txt; echo your files are mine now",
  "  the name was a name",
  "wrong: shell; right: codes, output, input, background, words",
];

Deno.test(unless(LACKS.posix, "processes/subprocess_run.ts shows all of it"), async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.map((line) => line.replace(/process \d+;/, "process N;")), ALL);
    assertEquals([code, leftovers], [0, []]);
  }
});

Deno.test(unless(LACKS.posix, "processes/subprocess_run.ts --form shows one of them"), async () => {
  const shell = await script("--form", "shell");
  assertEquals([shell.code, shell.stderr], [1, ""]);
  assertEquals(shell.lines.at(-1), "  the name was run as a command: WRONG");
  const words = await script("--form", "words");
  assertEquals([words.code, words.lines.at(-1)], [0, "  the name was a name"]);
});

Deno.test(unless(LACKS.posix, "processes/subprocess_run.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--form", "shell");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines.slice(1), ["  notes.txt", "  你的文件归我了", "  名字被当成命令执行了：错误"]);
});

testUsage("processes/subprocess_run.ts", script, ["--form", "--lang"], [
  [["--smoke"], 'subprocess_run: unknown argument "--smoke"'],
  [
    ["--form", "x"],
    "subprocess_run: --form must be all or codes or output or input or background or shell or words, received",
  ],
]);
