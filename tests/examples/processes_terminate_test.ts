import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = [
  ...["--allow-read", "--allow-write", "--allow-net", "--allow-run"],
  "--allow-ffi",
];
const script = (...args: string[]) => run("processes/terminate.ts", args, { flags: FLAGS });

const READ = "  the writer has ended, and all is read: main terminates the reader";

Deno.test(
  unless(LACKS.memory, "processes/terminate.ts: alive just after terminate(), gone after join()"),
  async () => {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals([code, stderr, leftovers], [0, "", []]);
    assertEquals(lines.slice(0, 7), [
      "moments: a child that works without end",
      "  when                     isAlive()  exitcode",
      "  before start()           false      null",
      "  once it works            true       null",
      "  just after terminate()   true       null",
      "  after join()             false      -15",
      "reader: its loop has no end",
    ]);
    for (const what of ["put", "get"]) {
      const letters = lines.filter((line) => line.startsWith(`  ${what}`)).map((line) => line[6]);
      assertEquals(letters, ["A", "B", "C"], what);
    }
    assertEquals(lines.slice(-3), [
      READ,
      "  exitcode -15, letters read: 3",
      "terminated: exitcode -15, as expected",
    ]);
  },
);

Deno.test(
  unless(LACKS.memory, "processes/terminate.ts --show reader --no-terminate: main is stuck"),
  async () => {
    const { code, lines, stderr, leftovers } = await script("--show", "reader", "--no-terminate");
    assertEquals([code, stderr, leftovers], [1, "", []]);
    assertEquals(lines.slice(-2), [
      "  main waits for the reader; 300 ms later its isAlive() is true",
      "nobody terminates the reader, so main would wait for ever: STUCK",
    ]);
  },
);

Deno.test(
  unless(LACKS.memory, "processes/terminate.ts --show moments --lang zh: a table in Chinese"),
  async () => {
    const { code, lines, stderr } = await script("--show", "moments", "--lang", "zh");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(lines, [
      "moments：一个干活不停的子进程",
      "  时刻                     isAlive()  exitcode",
      "  start() 之前             false      null",
      "  开始干活之后             true       null",
      "  刚调用 terminate()       true       null",
      "  join() 之后              false      -15",
      "已终止：exitcode 是 -15，符合预期",
    ]);
  },
);

testUsage("processes/terminate.ts", script, ["--show", "--no-terminate", "--lang"], [
  [["--kill"], 'terminate: unknown argument "--kill"'],
  [["--show", "x"], 'terminate: --show must be moments or reader or both, received "x"'],
]);
