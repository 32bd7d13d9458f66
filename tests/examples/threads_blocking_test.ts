import { assert, assertEquals } from "@std/assert";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const script = (...args: string[]) => run("threads/blocking.ts", args, { flags: ["--allow-read"] });

/** The worker's own line comes when it comes: it is looked at apart. */
const TEA = "makes tea";
const COFFEE = "makes coffee";
const ofWorker = (line: string) => line.endsWith(TEA) || line.endsWith(COFFEE);

const PARTS = {
  pool: [
    "synchronous: await pool.apply()",
    "  main asks for tea",
    "  main drinks tea",
    "  main goes on",
    "asynchronous: pool.applyAsync()",
    "  main asks for coffee",
    "  main goes on",
    "  main drinks coffee",
  ],
  lock: [
    "non-blocking: the lock is held by another thread",
    "  acquire({ blocking: false })             no",
    "  acquireSync({ blocking: false })         no",
    "  acquire({ timeout: 50 })                 no",
    "blocking: the call waits until the other gives it back",
    "  acquire(), before that                   waits",
    "  acquire(), after that                    yes",
  ],
  thread: [
    "await event.wait(): meanwhile a timer ticked many times",
    "event.waitSync(): meanwhile a timer ticked not once",
  ],
};

Deno.test("threads/blocking.ts shows who waits, and who goes on", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { code, lines, stderr, leftovers } = await script();
    assertEquals(stderr, "");
    const mains = lines.filter((line) => !ofWorker(line));
    assertEquals(mains, [...Object.values(PARTS).flat(), "all as it should be"]);
    assertEquals(lines.filter(ofWorker).length, 2);
    // Printed by a thread, before the one that waits for it could print.
    const at = (text: string) => lines.findIndex((line) => line.endsWith(text));
    assert(at("main asks for tea") < at(TEA) && at(TEA) < at("main drinks tea"));
    assert(at("main asks for coffee") < at(COFFEE) && at(COFFEE) < at("main drinks coffee"));
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  }
});

for (const [part, wanted] of Object.entries(PARTS)) {
  Deno.test(`threads/blocking.ts --part ${part} does that alone`, async () => {
    const { code, lines, stderr } = await script("--part", part);
    assertEquals(stderr, "");
    const mains = lines.filter((line) => !ofWorker(line));
    assertEquals([code, mains], [0, [...wanted, "all as it should be"]]);
  });
}

Deno.test("threads/blocking.ts --part lock --lang zh speaks Chinese", async () => {
  const { code, lines, stderr } = await script("--part", "lock", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines, [
    "非阻塞：锁在另一个线程手里",
    "  acquire({ blocking: false })             没拿到",
    "  acquireSync({ blocking: false })         没拿到",
    "  acquire({ timeout: 50 })                 没拿到",
    "阻塞：一直等到对方释放锁",
    "  acquire()，释放之前                      在等",
    "  acquire()，释放之后                      拿到了",
    "全都正确",
  ]);
});

testUsage("threads/blocking.ts", script, ["--part", "--lang"], [
  [["--milk"], 'blocking: unknown argument "--milk"'],
  [["--part", "x"], 'blocking: --part must be all or pool or lock or thread, received "x"'],
]);
