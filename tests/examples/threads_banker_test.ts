import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/banker.ts", args, { flags: ["--allow-read"] });

const TOTAL = [3, 2];
const CLAIMS = [[2, 1], [2, 1], [1, 1]];
const pairs = (line: string) =>
  line.match(/\d,\d/g)!.map((pair) => pair.split(",").map(Number)).slice(1, 5);

Deno.test("threads/banker.ts lends so that all finish", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "all have finished, 3,2 are left: no deadlock");
    assertEquals([code, leftovers], [0, []]);
    assertMatch(lines.shift()!, /^the bank has 3,2 /);
    assertMatch(lines.shift()!, /^ +left +Ann +Ben +Cleo$/);
    assertMatch(lines.shift()!, /^claims +2,1 +2,1 +1,1$/);
    // They first ask all before any is answered; the last of them must wait, whoever it is.
    assertMatch(lines[0], /asks for .* granted;/);
    assertMatch(lines[1], /asks for .* granted;/);
    assertMatch(lines[2], /asks for .* not safe with 0,0 left: waits$/);
    for (const line of lines) {
      // Nothing is lost, and nobody has more than the claim.
      const [left, ...loans] = pairs(line);
      for (const kind of [0, 1]) {
        const lent = loans.map((loan) => loan[kind]);
        assertEquals(lent.reduce((a, b) => a + b, left[kind]), TOTAL[kind], line);
        assert(lent.every((amount, k) => amount <= CLAIMS[k][kind]), line);
      }
    }
    const count = (text: string) => lines.filter((line) => line.includes(text)).length;
    assertEquals([count("granted;"), count("gives back"), count("refused")], [6, 3, 1]);
    assert(lines.some((line) => /^Cleo asks for 1,0 .* refused: beyond the claim$/.test(line)));
  }
});

Deno.test("threads/banker.ts --no-banker always gets stuck, and main says why", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--no-banker");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "nobody has finished, and nobody ever will: DEADLOCK");
    assertEquals([code, leftovers], [1, []]);
    assertEquals(lines.slice(0, 5).sort(), [
      "Ann takes printer 1",
      "Ann takes tape drive 1",
      "Ben takes printer 2",
      "Ben takes tape drive 2",
      "Cleo takes tape drive 3",
    ]);
    assertEquals(lines.slice(5, 8).sort(), [
      "Ann has to wait for tape drive 3",
      "Ben has to wait for tape drive 1",
      "Cleo has to wait for printer 2",
    ]);
    assertEquals(lines[8], "nothing moves any more; main looks why:");
    assertEquals(lines.slice(9).sort(), [
      "  Ann holds tape drive 1, printer 1 and waits for tape drive 3",
      "  Ben holds tape drive 2, printer 2 and waits for tape drive 1",
      "  Cleo holds tape drive 3 and waits for printer 2",
    ]);
  }
});

Deno.test("threads/banker.ts --lang zh speaks Chinese, in its threads too", async () => {
  const right = await script("--lang", "zh");
  assertEquals([right.code, right.stderr], [0, ""]);
  assertEquals(right.lines.at(-1), "全部完成，剩余 3,2：没有死锁");
  assertEquals(right.lines[2], "最大需求            2,1   2,1   1,1");
  const wrong = await script("--lang", "zh", "--no-banker");
  assertEquals(wrong.code, 1);
  assert(wrong.lines.includes("甲拿到磁带机 1"));
  assertEquals(wrong.lines.at(-1), "谁也没有完成，而且永远完成不了：死锁");
});

testUsage("threads/banker.ts", script, ["--no-banker", "--lang"], [
  [["--banker", "me"], 'banker: unknown argument "me"'],
]);
