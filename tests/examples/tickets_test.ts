import { assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const WORLDS = ["processes", "threads"];

for (const workers of WORLDS) {
  const script = (...args: string[]) => run("tickets.ts", ["--workers", workers, ...args]);
  const lack = workers === "processes" ? LACKS.memory : undefined;

  Deno.test(unless(lack, `tickets.ts never oversells with the lock [${workers}]`), async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertEquals(lines.at(-1), "sold 1 of 1, db says 0: consistent");
      assertEquals(code, 0);
      assertEquals(count(lines, /^buyer-\d+ sees 1 left$/), 10);
      assertEquals(count(lines, /^buyer-\d+ bought a ticket$/), 1);
      assertEquals(count(lines, /^buyer-\d+: sold out$/), 9);
      assertEquals(lines.length, 21);
      assertEquals(leftovers, []);
    }
  });

  Deno.test(unless(lack, `tickets.ts always oversells without the lock [${workers}]`), async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script("--no-lock", "--delay", "0");
      assertEquals(stderr, "");
      assertEquals(lines.at(-1), "sold 10 of 1, db says 0: OVERSOLD");
      assertEquals(code, 1);
      assertEquals(count(lines, /^buyer-\d+ bought a ticket$/), 10);
      assertEquals(leftovers, []);
    }
  });

  Deno.test(
    unless(lack, `tickets.ts sells on when a buyer is killed with the lock in hand [${workers}]`),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, lines, stderr, leftovers } = await script("--kill");
        assertEquals(stderr, "");
        assertEquals(lines.at(-1), "sold 1 of 1, db says 0: consistent");
        assertEquals(code, 0);
        assertEquals(count(lines, /^buyer-1 is killed while it holds the lock$/), 1);
        assertEquals(count(lines, /^buyer-(?!1 )\d+ took over an abandoned lock$/), 1);
        assertEquals(count(lines, /^buyer-1 bought/), 0);
        assertEquals(count(lines, /^buyer-\d+ bought a ticket$/), 1);
        assertEquals(leftovers, []);
      }
    },
  );

  Deno.test(
    unless(lack, `tickets.ts sells as many tickets as there are [${workers}]`),
    async () => {
      const few = await script("--buyers", "4", "--tickets", "3", "--delay", "0");
      assertEquals([few.code, few.lines.at(-1)], [0, "sold 3 of 3, db says 0: consistent"]);
      const many = await script("--buyers", "2", "--tickets", "5", "--delay", "0");
      assertEquals([many.code, many.lines.at(-1)], [0, "sold 2 of 5, db says 3: consistent"]);
    },
  );

  for (const whom of ["the whole group", "the parent alone"]) {
    Deno.test({
      ...unless(
        lack ?? LACKS.ctrlC,
        `tickets.ts ends cleanly when Ctrl-C hits ${whom} [${workers}]`,
      ),
      async fn() {
        let seen = 0;
        const { code, signal, lines, stderr, leftovers } = await run(
          "tickets.ts",
          ["--workers", workers, "--buyers", "4", "--delay", "60000"],
          {
            detached: true,
            onLine(line, child) {
              if (!/sees 1 left$/.test(line) || ++seen < 4) return;
              Deno.kill(whom === "the whole group" ? -child.pid : child.pid, "SIGINT");
            },
          },
        );
        assertEquals(stderr, "");
        assertEquals([code, signal], [130, null]);
        assertEquals(lines.length, 4);
        assertEquals(leftovers, []);
      },
    });
  }
}

Deno.test("tickets.ts keeps the database that --db names, and nothing beside it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const db = `${folder}/db.json`;
    const args = ["--db", db, "--buyers", "2", "--tickets", "3", "--delay", "0"];
    for (let round = 0; round < 2; round++) {
      const { lines } = await run("tickets.ts", args);
      assertEquals(lines.at(-1), "sold 2 of 3, db says 1: consistent");
      assertEquals(JSON.parse(await Deno.readTextFile(db)), { count: 1 });
      assertEquals([...Deno.readDirSync(folder)].length, 1);
    }

    await Deno.writeTextFile(db, "my diary");
    const { code, stderr } = await run("tickets.ts", args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "is no database of tickets");
    assertEquals(await Deno.readTextFile(db), "my diary");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("tickets.ts --lang zh speaks Chinese", async () => {
  const args = ["--workers", "threads", "--buyers", "2", "--delay", "0", "--lang", "zh"];
  const { code, lines, stderr } = await run("tickets.ts", args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.at(-1), "共 1 张票，卖出 1 张，数据库里剩余 0 张：对得上");
});

testUsage("tickets.ts", (...args) => run("tickets.ts", args), [
  "--buyers",
  "--tickets",
  "--workers",
  "--no-lock",
  "--kill",
  "--db",
  "--delay",
  "--lang",
], [
  [["--frobnicate"], 'tickets: unknown argument "--frobnicate"'],
  [["ten"], 'tickets: unknown argument "ten"'],
  [["--buyers", "0"], 'tickets: --buyers must be a whole number from 1 to 1000, received "0"'],
  [["--tickets", "1.5"], "tickets: --tickets must be a whole number"],
  [["--tickets"], 'received ""'],
  [["--delay", "soon"], 'tickets: --delay must be a whole number from 0 to 60000, received "soon"'],
  [["--workers", "elves"], 'tickets: --workers must be processes or threads, received "elves"'],
  [["--db="], "tickets: --db must be a path"],
  [["--db=/no/such/folder/db.json"], "is in no folder that there is"],
  [["--kill", "--no-lock"], "tickets: --kill needs the lock"],
]);

function count(lines: string[], pattern: RegExp): number {
  return lines.filter((line) => pattern.test(line)).length;
}
