import { assertEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/pipe.ts", args, { flags: ["--allow-read"] });

const DUPLEX = [
  "duplex: pipe()",
  "  MainThread asks 1 + 2",
  "  adder answers 3",
  "  MainThread asks 30 + 40",
  "  adder answers 70",
  "  MainThread asks 500 + 600",
  "  adder answers 1100",
  "  MainThread closes its end",
  "  adder is told EOFError, and stops",
  "3 questions, 3 answers: complete",
];

const LETTERS = [
  "  MainThread receives A",
  "  MainThread receives B",
  "  MainThread receives C",
  "  writer sends A",
  "  writer sends B",
  "  writer sends C",
];

const TRANSFER = [
  "transfer: send(bytes, { transfer: [bytes.buffer] })",
  "  MainThread has 1000000 bytes",
  "  MainThread has sent them, and has 0",
  "  filler has 1000000 bytes, and fills them",
  "1000000 bytes are back, filled: moved",
];

const WRONGEND = [
  "wrongend: const [sender, receiver] = pipe({ duplex: false })",
  "  writer sends A",
  "  writer is told Error: Cannot send: this end of a one-way pipe only receives",
  "  MainThread is told Error: Cannot receive: this end of a one-way pipe only sends",
  "the first end only receives, the second only sends: WRONG END",
];

Deno.test("threads/pipe.ts shows four pipes", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(code, 0);
    assertEquals(lines.splice(0, DUPLEX.length), DUPLEX);
    checkOneway(lines.splice(0, 9));
    assertEquals(lines.pop(), "wrong: wrongend; right: duplex, oneway, transfer");
    assertEquals(lines.splice(-WRONGEND.length), WRONGEND);
    checkTransfer(lines);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/pipe.ts --form shows one of them", async () => {
  const duplex = await script("--form", "duplex");
  assertEquals([duplex.code, duplex.lines, duplex.stderr], [0, DUPLEX, ""]);
  const oneway = await script("--form", "oneway");
  assertEquals([oneway.code, oneway.stderr], [0, ""]);
  checkOneway(oneway.lines);
  const transfer = await script("--form", "transfer");
  assertEquals([transfer.code, transfer.stderr], [0, ""]);
  checkTransfer(transfer.lines);
  const wrongend = await script("--form", "wrongend");
  assertEquals([wrongend.code, wrongend.lines, wrongend.stderr], [1, WRONGEND, ""]);
});

Deno.test("threads/pipe.ts --form duplex --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--form", "duplex", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(0, 3), ["duplex：pipe()", "  MainThread：问 1 + 2", "  加法员：答 3"]);
  assertEquals(lines.slice(-2), [
    "  加法员：得到 EOFError，停止",
    "问了 3 次，答对 3 次：一个不少",
  ]);
});

testUsage("threads/pipe.ts", script, ["--form", "--lang"], [
  [["--smoke"], 'pipe: unknown argument "--smoke"'],
  [["--form", "x"], "pipe: --form must be all or duplex or oneway or transfer or wrongend"],
]);

function checkOneway(lines: string[]): void {
  assertEquals(lines[0], "oneway: pipe({ duplex: false })");
  assertEquals(lines.slice(1, 7).toSorted(), LETTERS);
  assertEquals(lines.slice(7), [
    "  MainThread sees the end",
    "sent ABC, received ABC: complete",
  ]);
}

/** What main says after it has sent may come before or after what the other says. */
function checkTransfer(lines: string[]): void {
  assertEquals(lines.toSpliced(2, 2, ...lines.slice(2, 4).toSorted()), TRANSFER);
}
