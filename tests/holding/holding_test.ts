/**
 * A wait of the toolkit keeps the program alive until it settles: in a script below a `main()` that
 * nobody awaits, and in a plain `Deno.test`. Daemons, idle workers and spares alone keep nothing
 * alive.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type Run, run } from "../examples/_example.ts";
import { LACKS, unless } from "../_help/lacks.ts";

const FORMS = fileURLToPath(new URL("./_forms.ts", import.meta.url));
const LEFT_ALONE = fileURLToPath(new URL("./_left_alone.ts", import.meta.url));
/** When a program is killed, in ms. */
const LIMIT = 120_000;
/**
 * How many programs run at a time, and how many forms one after the other in each: few, and none
 * helps the next.
 */
const WIDTH = 4;
const FEW = 6;

const DENO = [Deno.execPath(), "run", "-A", "--no-prompt"];
const ONE_CORE = ["taskset", "-c", "0"];

function program(name: string, command: string[]): Promise<Run> {
  return run(name, [], { command, limit: LIMIT });
}

/** The forms' names, as the program itself has them. */
async function names(): Promise<string[]> {
  const { lines } = await program("names", [...DENO, FORMS, "--names"]);
  return lines;
}

/** Those that do not come to their end, each with what its program said. */
async function unfinished(all: string[]): Promise<string[]> {
  const failed: string[] = [];
  const waiting = [...all];
  const some = async () => {
    while (waiting.length > 0) {
      const forms = waiting.splice(0, FEW);
      const { code, lines, stderr } = await program("forms", [...DENO, FORMS, ...forms]);
      if (code === 0 && lines.at(-1) === "all done") continue;
      const next = forms.find((name) => !lines.includes(`${name}: done`));
      failed.push(`${next}: code ${code}, ${lines.join(", ")} ${stderr}`);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, some));
  return failed;
}

Deno.test({
  ...unless(LACKS.memory, "every wait keeps a program alive that awaits it nowhere else"),
  async fn() {
    assertEquals(await unfinished(await names()), []);
  },
});

Deno.test({
  ...unless(LACKS.memory, "every wait keeps a program alive on one core"),
  async fn() {
    const all = await names();
    const { code, lines, stderr } = await program("all", [
      ...ONE_CORE,
      ...DENO,
      FORMS,
      ...all,
    ]);
    const done = lines.filter((line) => line !== "printed");
    assertEquals([code, stderr, done], [
      0,
      "",
      [...all.map((name) => `${name}: done`), "all done"],
    ]);
  },
});

Deno.test({
  ...unless(LACKS.memory, "every wait keeps a plain Deno.test alive, and leaves nothing open"),
  async fn() {
    const all = await names();
    const command = [Deno.execPath(), "test", "-A", "--no-check", FORMS];
    const { code, lines } = await program("tests", command);
    const passed = lines.filter((line) => /\.\.\. .*ok/.test(line)).length;
    assertEquals([code, passed], [0, all.length], lines.join("\n"));
  },
});

for (
  const how of [
    ...["daemon thread", "daemon process", "daemon that is waited for no more"],
    ...["ThreadPool", "ThreadPoolExecutor", "Pool", "ProcessPoolExecutor"],
    ...["executor with minWorkers", "map that is left", "threads in advance"],
    ...["processes in advance", "Manager", "pipe in use", "handle of a signal"],
  ]
) {
  Deno.test({
    name: `${how} alone keeps no program alive`,
    async fn() {
      const { code, lines, stderr, leftovers } = await program(how, [...DENO, LEFT_ALONE, how]);
      assertEquals([code, lines, stderr, leftovers], [0, ["main ends"], "", []]);
    },
  });
}
