import { assertEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const LEAST = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
const script = (...args: string[]) => run("processes/pipe.ts", args, { flags: LEAST });

const DUPLEX = [
  "duplex: pipe()",
  "  MainProcess asks 1 + 2",
  "  adder answers 3",
  "  MainProcess asks 30 + 40",
  "  adder answers 70",
  "  MainProcess asks 500 + 600",
  "  adder answers 1100",
  "  MainProcess closes its end",
  "  adder is told EOFError, and stops",
  "3 questions, 3 answers: complete",
];

const LETTERS = [
  "  MainProcess receives A",
  "  MainProcess receives B",
  "  MainProcess receives C",
  "  writer sends A",
  "  writer sends B",
  "  writer sends C",
];

const WRONGEND = [
  "wrongend: const [sender, receiver] = pipe({ duplex: false })",
  "  writer sends A",
  "  writer is told Error: Cannot send: this end of a one-way pipe only receives",
  "  MainProcess is told Error: Cannot receive: this end of a one-way pipe only sends",
  "the first end only receives, the second only sends: WRONG END",
];

for (const [over, flags] of [["sockets", LEAST], ["memory", [...LEAST, "--allow-ffi"]]] as const) {
  Deno.test(`processes/pipe.ts shows four pipes and their ends [${over}]`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await run("processes/pipe.ts", [], {
        flags: [...flags],
      });
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "wrong: forgotten, wrongend; right: duplex, oneway");
      assertEquals(code, 0);
      assertEquals(lines.splice(0, DUPLEX.length), DUPLEX);
      checkOneway(lines.splice(0, 9));
      assertEquals(lines.splice(-WRONGEND.length), WRONGEND);
      checkForgotten(lines);
      assertEquals(leftovers, []);
    }
  });
}

Deno.test("processes/pipe.ts --form shows one of them", async () => {
  const duplex = await script("--form", "duplex");
  assertEquals([duplex.code, duplex.lines, duplex.stderr], [0, DUPLEX, ""]);
  const oneway = await script("--form", "oneway");
  assertEquals([oneway.code, oneway.stderr], [0, ""]);
  checkOneway(oneway.lines);
  const forgotten = await script("--form", "forgotten");
  assertEquals([forgotten.code, forgotten.stderr], [1, ""]);
  checkForgotten(forgotten.lines);
  const wrongend = await script("--form", "wrongend");
  assertEquals([wrongend.code, wrongend.lines, wrongend.stderr], [1, WRONGEND, ""]);
});

Deno.test("processes/pipe.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--form", "duplex");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(-2), [
    "  加法进程：收到 EOFError，停止",
    "3 个问题，3 个答案：一个不少",
  ]);
});

testUsage("processes/pipe.ts", script, ["--form", "--lang"], [
  [["--smoke"], 'pipe: unknown argument "--smoke"'],
  [["--form", "x"], "pipe: --form must be all or duplex or oneway or forgotten or wrongend"],
]);

function checkOneway(lines: string[]): void {
  assertEquals(lines[0], "oneway: pipe({ duplex: false })");
  assertEquals(lines.slice(1, 7).toSorted(), LETTERS);
  assertEquals(lines.slice(7), [
    "  MainProcess sees the end",
    "sent ABC, received ABC: complete",
  ]);
}

function checkForgotten(lines: string[]): void {
  assertEquals(lines[0], "forgotten: no sender.close()");
  // The child has ended before main receives.
  assertEquals(lines.slice(1, 7), [...LETTERS.slice(3), ...LETTERS.slice(0, 3)]);
  assertEquals(lines.slice(7), [
    "  MainProcess gives up: nothing for 300 ms, and no end, as it could still send itself",
    "  MainProcess closes its copy of the sender",
    "  MainProcess is told EOFError",
    "main waited for itself: STUCK",
  ]);
}
