import { assertEquals, assertMatch } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) =>
  run("threads/race_start.ts", args, { flags: ["--allow-read"] });

Deno.test("threads/race_start.ts starts everybody together, heat after heat", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "3 heats, 3 shots: fair starts");
    assertEquals(code, 0);
    checkHeats(lines, 4, 3);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/race_start.ts runs as many heats of as many runners as it is told", async () => {
  const { code, lines, stderr } = await script("--runners", "7", "--heats", "2");
  assertEquals(stderr, "");
  assertEquals([code, lines.pop()], [0, "2 heats, 2 shots: fair starts"]);
  checkHeats(lines, 7, 2);
});

Deno.test("threads/race_start.ts --no-show tells everybody who waits", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script("--no-show");
    assertEquals(stderr, "");
    assertEquals(lines.shift(), "runner-4 does not come");
    assertEquals(lines.pop(), "3 waited, 3 were told: called off");
    const names = ["runner-1", "runner-2", "runner-3"];
    assertEquals(lines.toSorted(), [
      ...names.flatMap((name) => [
        `${name} is at the line`,
        `${name} is told: BrokenBarrierError`,
      ]),
    ]);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

Deno.test("threads/race_start.ts --no-show tells also who comes later", async () => {
  const { code, lines } = await script("--no-show", "--runners", "9", "--patience", "1");
  assertEquals([code, lines.at(-1)], [0, "8 waited, 8 were told: called off"]);
});

Deno.test("threads/race_start.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--runners", "2", "--heats", "1", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(0, 2).toSorted(), ["1 号选手就位", "2 号选手就位"]);
  assertMatch(lines[2], /^第 1 轮：砰！（[12] 号选手鸣枪）$/);
  assertEquals(lines.at(-1), "1 轮，1 声枪响：起跑公平");
});

testUsage("threads/race_start.ts", script, [
  "--runners",
  "--heats",
  "--no-show",
  "--patience",
  "--lang",
], [
  [["--doping"], 'race_start: unknown argument "--doping"'],
  [["--runners", "1"], 'race_start: --runners must be a whole number from 2 to 100, received "1"'],
  [["--heats", "many"], "race_start: --heats must be a whole number"],
  [["--patience=0"], "race_start: --patience must be a whole number from 1"],
]);

/** In each heat all come to the line, then one fires, then all come in, in order. */
function checkHeats(lines: string[], runners: number, heats: number): void {
  const names = Array.from({ length: runners }, (_, k) => `runner-${k + 1}`).toSorted();
  const rest = lines.filter((line) => !line.endsWith("is at the line"));
  assertEquals(lines.length - rest.length, runners * heats);
  for (let heat = 1; heat <= heats; heat++) {
    const gun = lines.findIndex((line) => line.startsWith(`heat ${heat}: bang!`));
    const gathered = lines.slice(0, gun).filter((line) => line.endsWith("is at the line"));
    assertEquals(gathered.length, runners * heat);

    assertMatch(rest.shift()!, new RegExp(`^heat ${heat}: bang! \\(runner-\\d+ fires the gun\\)$`));
    const finish = rest.splice(0, runners).map((line) => line.split(" comes in as number "));
    assertEquals(finish.map(([name]) => name).toSorted(), names);
    assertEquals(
      finish.map(([, place]) => Number(place)).toSorted((a, b) => a - b),
      names.map((_, k) => k + 1),
    );
  }
  assertEquals(rest, []);
}
