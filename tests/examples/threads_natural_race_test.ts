import { assert, assertEquals } from "@std/assert";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) =>
  run("threads/natural_race.ts", args, { flags: ["--allow-read"] });

/** The rows of the table, each checked by itself. */
function rowsOf(lines: string[], rounds: number) {
  return lines.map((line) => {
    const [, way, numbers] = /^(.*?) +(\d[\d, ]*)$/.exec(line)!;
    const [run, balance, expected, lost] = numbers.replaceAll(",", "").split(/ +/).map(Number);
    assertEquals([expected, lost], [2 * rounds, expected - balance], line);
    assert(lost >= 0, line);
    return { way, run, lost };
  });
}

Deno.test("threads/natural_race.ts is exact with the lock and with add()", async () => {
  const { code, lines, stderr, leftovers } = await script("--rounds", "20000");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines.pop(), "with lock or add() nothing is lost: exact");
  assert(/^without a lock /.test(lines.pop()!));
  const rows = rowsOf(lines.slice(2), 20_000);
  assertEquals(rows.map(({ way, run }) => `${way} ${run}`), [
    "no lock 1",
    "no lock 2",
    "no lock 3",
    "no lock 4",
    "no lock 5",
    "lock 1",
    "add() 1",
  ]);
  assertEquals([rows[5].lost, rows[6].lost], [0, 0]);
});

Deno.test("threads/natural_race.ts --way none says how often updates were lost", async () => {
  const { code, lines, stderr } = await script(
    "--way",
    "none",
    "--rounds",
    "200000",
    "--runs",
    "3",
  );
  assertEquals(stderr, "");
  const verdict = lines.pop();
  const wrong = rowsOf(lines.slice(2), 200_000).filter(({ lost }) => lost > 0).length;
  assertEquals(lines.length, 5);
  // It nearly always goes wrong, but need not.
  assertEquals(code, wrong > 0 ? 1 : 0);
  assertEquals(
    verdict,
    wrong > 0
      ? `without a lock ${wrong} of 3 runs lost updates: a RACE, which need not happen`
      : "without a lock nothing was lost in 3 runs: luck, no proof",
  );
});

Deno.test("threads/natural_race.ts --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--way", "lock", "--rounds", "1000");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines[1], "方式   第几次        余额        应为        相差   毫秒");
  assert(/^加锁 +1 +2,000 +2,000 +0 +/.test(lines[2]), lines[2]);
  assertEquals(lines[3], "加锁或用 add()：一个也不丢，完全正确");
});

Deno.test("threads/natural_race.ts --back is 0 with the lock", async () => {
  const { code, lines, stderr } = await script("--back", "--way", "lock", "--rounds", "10000");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines[2].trim().split(/ +/).slice(0, 5), ["lock", "1", "0", "0", "0"]);
});

testUsage("threads/natural_race.ts", script, ["--back", "--way", "--rounds", "--runs", "--lang"], [
  [["--way", "luck"], 'natural_race: --way must be all or none or lock or add, received "luck"'],
]);
