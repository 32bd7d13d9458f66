/** Niceness is tried in processes of their own: it cannot always be taken back. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Process } from "../../lib/multiprocessing.ts";
import { getpriority, nice, renice } from "../../lib/os.ts";
import { limited as test, Program, run } from "../signal/_program.ts";
import { LACKS } from "../_help/lacks.ts";
import * as targets from "./_targets.ts";

const mine = getpriority(0);
/** What comes of adding to this process's niceness. */
const plus = (n: number) => Math.min(19, mine + n);

test("nice() tells and adds [processes]", async () => {
  assertEquals([nice(), nice(0), getpriority(Deno.pid)], [mine, mine, mine]);
  for (const [increment, after] of [[3, plus(3)], [100, 19]]) {
    await using child = new Process(targets.benice, { args: [increment] }).start();
    assertEquals(await child.result(), [mine, after, after]);
  }
  assertEquals(nice(), mine);
}, LACKS.niceness);

test("renice() sets the niceness of a child, with all its threads", async () => {
  const ready = Promise.withResolvers<void>();
  await using child = new Process(targets.sleep, { onReport: () => ready.resolve() }).start();
  await ready.promise;
  renice(child.pid!, plus(4));
  assertEquals(getpriority(child.pid!), plus(4));
  if (Deno.build.os === "linux") {
    const tasks = [...Deno.readDirSync(`/proc/${child.pid}/task`)].map(({ name }) => Number(name));
    assert(tasks.length > 1);
    for (const task of tasks) assertEquals(getpriority(task), plus(4));
  }
  renice(child.pid!, 1_000);
  assertEquals(getpriority(child.pid!), 19);
  child.kill();
  await child.join();
  assertThrows(() => renice(child.pid!, 5), Deno.errors.NotFound, "there is no such process");
  assertThrows(() => getpriority(child.pid!), Deno.errors.NotFound, "there is no such process");
}, LACKS.niceness);

test("what a nice process starts is as nice", async () => {
  const { stdout } = await run(`
    import { nice } from "LIB/os.ts";
    nice(2);
    const { stdout } = new Deno.Command("nice").outputSync();
    console.log(new TextDecoder().decode(stdout).trim());`);
  assertEquals(stdout, `${plus(2)}\n`);
}, LACKS.niceness);

test("nice() and its like refuse what is no number", () => {
  assertThrows(() => nice("1" as never), TypeError, 'increment must be a number, received "1"');
  assertThrows(() => nice(1.5), RangeError, "increment must be an integer, received 1.5");
  assertThrows(() => renice(Deno.pid, NaN), RangeError, "n must be an integer, received NaN");
  assertThrows(() => renice(-1, 1), RangeError, "pid must be an integer >= 0, received -1");
  assertThrows(() => getpriority(undefined as never), TypeError, "received undefined");
});

test("nice() needs --allow-sys, which the error names", async () => {
  const { stdout } = await run(
    `
    import { nice, renice } from "LIB/os.ts";
    for (const call of [() => nice(), () => renice(0, 19)]) {
      try { call(); } catch (error) { console.log(error.name, error.message); }
    }`,
    ["--allow-read"],
  );
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 2);
  for (const [k, permission] of ["getPriority", "setPriority"].entries()) {
    assertStringIncludes(lines[k], `run again with --allow-sys=${permission}`);
    assert(lines[k].startsWith("NotCapable Cannot"));
  }
}, LACKS.niceness);

Deno.test({
  name: "nice() below what it is takes a privileged user, which the error says",
  // Whoever may become another user is privileged; who may not, is not.
  ignore: Deno.build.os !== "linux" || Deno.uid() === 0 && !hasSetpriv(),
  async fn() {
    const through = Deno.uid() === 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] : [];
    await using program = new Program(
      `
      import { nice } from "LIB/os.ts";
      try {
        nice(1);
        nice(-1);
      } catch (error) {
        console.log(error.name, error.message);
      }`,
      ["-A"],
      [],
      through,
    );
    const { stdout } = await program.ended();
    assertStringIncludes(stdout, "PermissionDenied Cannot set the niceness");
    assertStringIncludes(stdout, "only a privileged user");
  },
});

function hasSetpriv(): boolean {
  try {
    return new Deno.Command("setpriv", { args: ["--version"], stdout: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}
