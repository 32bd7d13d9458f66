import { assert, assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/states.ts", args, { flags: ["--allow-read"] });

const AGAIN = 'Cannot start thread "Thread-1": it has been started already';

Deno.test("threads/states.ts takes a thread through the diagram", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  for (const state of ["new", "ready", "running", "waiting", "ended"]) {
    assert(lines.slice(1, 8).some((line) => line.includes(state)), state);
  }
  const at = lines.findIndex((line) => line.startsWith("main "));
  const rows = lines.slice(at, -1).map((line) => line.split(/ {2,}/));
  assertEquals(rows, [
    ["main", "thread.state", "the thread"],
    ["creates it", "new", "is new"],
    ["starts it", "running", "is ready or running"],
    ["holds the lock", "waiting", "waits for the lock"],
    ["releases it", "running", "is ready or running"],
    ["has put nothing", "waiting", "waits at the empty queue"],
    ["puts an item", "running", "is ready or running"],
    ["has not set the event", "waiting", "waits for the event"],
    ["sets it", "running", "is ready or running"],
    ["lets another thread run", "waiting", "waits in join() for its end"],
    ["lets that one end", "running", "is ready or running"],
    ["only watches", "waiting", "sleeps"],
    ["only watches", "running", "is ready or running"],
    ["lets it return", "ended", "has ended"],
    ["starts it again", "ended", `no arrow leads there: ${AGAIN}`],
  ]);
  assertEquals(lines.at(-1), "12 steps, each an arrow of the diagram: as it should be");
});

Deno.test("threads/states.ts --lang zh draws and tells it in Chinese", async () => {
  const { code, lines, stderr } = await script("--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assert(lines.some((line) => /新建 -+> 就绪 -+> 执行 -+> 终止/.test(line)));
  assert(lines.includes("占着锁            waiting       等待锁"));
  assertEquals(lines.at(-1), "共 12 步，每一步都是图中的箭头：正确");
});

Deno.test({
  ...unless(LACKS.ctrlC, "threads/states.ts ends on Ctrl-C while the thread computes"),
  async fn() {
    const { code, signal, stderr } = await run("threads/states.ts", [], {
      ctrlCAt: "puts an item",
    });
    assertEquals([code, signal, stderr], [130, null, ""]);
  },
});

testUsage("threads/states.ts", script, ["--lang"], [
  [["--state", "ready"], 'states: unknown argument "--state"'],
]);
