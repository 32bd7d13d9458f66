import { assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/ping_pong.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.memory, "processes/ping_pong.ts plays in strict turn with the condition"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertEquals(lines, [...rally(5), "10 hits, 10 counted: in strict turn"]);
      assertEquals(code, 0);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/ping_pong.ts keeps the turn in a long rally"),
  async () => {
    const { code, lines, stderr } = await script("--rounds", "500");
    assertEquals(stderr, "");
    assertEquals(lines, [...rally(500), "1000 hits, 1000 counted: in strict turn"]);
    assertEquals(code, 0);
  },
);

Deno.test(
  unless(LACKS.memory, "processes/ping_pong.ts always hits one ball twice without the condition"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--no-condition");
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "10 hits, 5 counted: OUT OF TURN");
      const twice = [1, 2, 3, 4, 5].flatMap((hit) => [`${hit} ping`, `${hit} pong`]);
      assertEquals(lines.toSorted(), twice);
      assertEquals(code, 1);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test({
  ...unless(LACKS.ctrlC, "processes/ping_pong.ts ends cleanly on Ctrl-C"),
  async fn() {
    const args = ["--rounds", "10000"];
    const { code, signal, stderr, leftovers } = await run("processes/ping_pong.ts", args, {
      detached: true,
      onLine(line, child) {
        if (line === "10 pong") Deno.kill(-child.pid, "SIGINT");
      },
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test({
  ...unless(LACKS.proc, "processes/ping_pong.ts fails, and hangs nobody, when a player is killed"),
  async fn() {
    const args = ["--rounds", "10000"];
    const { code, stderr, leftovers } = await run("processes/ping_pong.ts", args, {
      onLine(line, { pid }) {
        if (line !== "10 pong") return;
        const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
        Deno.kill(Number(children.split(" ")[0]), "SIGKILL");
      },
    });
    assertStringIncludes(stderr, "ping_pong: ");
    assertStringIncludes(stderr, "SIGKILL");
    assertEquals(code, 1);
    assertEquals(leftovers, []);
  },
});

Deno.test(unless(LACKS.memory, "processes/ping_pong.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--lang", "zh", "--rounds", "2");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, ["1 乒", "2 乓", "3 乒", "4 乓", "击球 4 次，计数 4 次：严格轮流"]);
});

testUsage("processes/ping_pong.ts", script, ["--rounds", "--no-condition", "--lang"], [
  [["--racket"], 'ping_pong: unknown argument "--racket"'],
  [["--rounds", "0"], 'ping_pong: --rounds must be a whole number from 1 to 10000, received "0"'],
]);

/** What a rally in strict turn looks like. */
function rally(rounds: number): string[] {
  return Array.from({ length: 2 * rounds }, (_, k) => `${k + 1} ${k % 2 === 0 ? "ping" : "pong"}`);
}
