/**
 * Programs that use pools: how they end, what Ctrl-C does, and what they need.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type Run, run as runCommand, type RunOptions } from "../examples/_example.ts";
import { isWindows, LACKS, unless } from "../_help/lacks.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { NO_TERMINAL } from "./_terminal.ts";
import type { WorldName } from "./_world.ts";

const PROGRAM = fileURLToPath(new URL("_program.ts", import.meta.url));
/** When a program is killed that does not end, in ms. */
const LIMIT = 20_000;
const WORLDS: WorldName[] = ["threads", "processes"];

/**
 * Runs one of the programs. Its pipes end with the last of its processes: an orphan would be waited
 * for.
 */
function run(
  name: string,
  args: string[],
  { flags = ["-A"], ...options }: RunOptions = {},
): Promise<Run> {
  const command = [Deno.execPath(), "run", "--no-prompt", ...flags, PROGRAM, name, ...args];
  return runCommand(`program ${name}`, [], { limit: LIMIT, command, ...options });
}

/** Runs a program, and sends its process group a Ctrl-C whenever it prints that line. */
function interrupt(
  name: string,
  world: WorldName,
  lines: string[],
  to: "group" | "program" = "group",
): Promise<Run> {
  return run(name, [world], {
    detached: true,
    onLine: (line, child) => {
      if (lines.includes(line)) Deno.kill(to === "group" ? -child.pid : child.pid, "SIGINT");
    },
  });
}

/** A program that ended by itself, and said nothing on stderr. */
function assertClean({ code, stderr, leftovers }: Run): void {
  assertEquals([code, stderr, leftovers], [0, "", []]);
}

/** Stderr without a storm: no worker tells of its own end. */
function assertQuiet(stderr: string): void {
  const frames = stderr.split("\n").filter((line) => /^\s+at /.test(line));
  assertLess(frames.length, 4, `a storm of stacks:\n${stderr}`);
  assert(!/Uncaught|Exception in thread|Process .*:/.test(stderr), stderr);
}

for (const world of WORLDS) {
  Deno.test(`program without shutdown() ends when its tasks are done [${world}]`, async () => {
    const ran = await run("pending", [world]);
    assertEquals(ran.lines[0], "main ends");
    assertEquals(ran.lines.slice(1).sort(), [0, 1, 2, 3, 4, 5].map((k) => `task ${k}: ${20 + k}`));
    assertClean(ran);
  });

  Deno.test(`program with idle workers ends at once [${world}]`, async () => {
    const ran = await run("idle", [world]);
    assertEquals(ran.lines, ["9 [ 1, 4 ]"]);
    assertClean(ran);
  });

  Deno.test(`program with spares ends at once [${world}]`, async () => {
    const ran = await run("spares", [world]);
    assertEquals(ran.lines, ["main ends"]);
    assertClean(ran);
  });

  for (const to of ["group", "program"] as const) {
    Deno.test({
      ...unless(
        LACKS.ctrlC,
        `Ctrl-C lets running tasks end, and cancels the rest, sent to the ${to} [${world}]`,
      ),
      async fn() {
        const { lines, stderr, leftovers, code } = await interrupt(
          "interrupted",
          world,
          ["ready"],
          to,
        );
        assertEquals(lines.slice().sort(), [
          "queued 0: CancelledError",
          "queued 1: CancelledError",
          "queued 2: CancelledError",
          "ready",
          "running 0: 1000",
          "running 1: 1000",
        ]);
        assertQuiet(stderr);
        assertEquals([code, leftovers], [130, []]);
      },
    });

    Deno.test({
      ...unless(LACKS.ctrlC, `Ctrl-C twice ends the program at once, sent to the ${to} [${world}]`),
      async fn() {
        const { lines, stderr, leftovers, code, signal } = await interrupt(
          "interruptedTwice",
          world,
          ["ready", "first"],
          to,
        );
        assertEquals(lines.slice(0, 2), ["ready", "first"]);
        assert(!lines.some((line) => line.includes("60000")), `a task was waited for: ${lines}`);
        assertQuiet(stderr);
        assert(code === 130 || signal === "SIGINT", `code ${code}, signal ${signal}`);
        assertEquals(leftovers, []);
      },
    });
  }

  Deno.test({
    ...unless(LACKS.ctrlC, `Ctrl-C ends a map [${world}]`),
    async fn() {
      const { lines, stderr, leftovers, code } = await interrupt("interruptedMap", world, [
        "ready",
      ]);
      assertEquals(lines, ["ready", "map: CancelledError"]);
      assertQuiet(stderr);
      assertEquals([code, leftovers], [130, []]);
    },
  });

  Deno.test({
    ...unless(LACKS.ctrlC, `Ctrl-C without work ends the program as ever [${world}]`),
    async fn() {
      const { lines, stderr, leftovers, signal } = await interrupt(
        "interruptedIdle",
        world,
        ["ready"],
      );
      assertEquals(lines, ["ready"]);
      assertQuiet(stderr);
      assertEquals([signal, leftovers], ["SIGINT", []]);
    },
  });

  for (const how of ["error", "exit", "SIGKILL"]) {
    Deno.test(`program that ends by ${how} takes its workers along [${world}]`, async () => {
      const began = performance.now();
      const { lines, stderr, code } = await run("dies", [world, how]);
      assertLess(performance.now() - began, LIMIT / 2);
      const pid = Number(lines[0]);
      await until(() => !isAlive(pid));
      if (how === "error") assertStringIncludes(stderr, "main's own");
      else assertQuiet(stderr);
      assertEquals(code, { error: 1, exit: 7, SIGKILL: isWindows ? 1 : 137 }[how]);
    });
  }

  Deno.test(`program with a limited grant runs pools [${world}]`, async () => {
    const flags = world === "threads"
      ? ["--allow-read"]
      : ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];
    const ran = await run("few", [world], { flags });
    assertEquals(ran.lines, ["[ 1, 4, 9 ]", "WorkerLostError 16", "[ 25, 36 ]"]);
    assertClean(ran);
  });

  Deno.test(`progress: true draws nothing where stderr is no terminal [${world}]`, async () => {
    const ran = await run("progress", [world]);
    assertEquals(ran.lines, ["30"]);
    assertClean(ran);
  });
}

Deno.test({
  ...unless(LACKS.posix, "program with a limited permission is told of the option permissions"),
  async fn() {
    const root = fileURLToPath(new URL("../../", import.meta.url));
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/data`, "12345");
      const flags = [`--allow-read=${root},${folder},/tmp`, "--allow-write", "--allow-net"];
      flags.push("--allow-run", "--allow-env");
      const ran = await run("limited", ["processes", `${folder}/data`], { flags });
      assertMatch(ran.lines[0], /^Requires read access to .*names it in the option "permissions"$/);
      assertEquals(ran.lines[1], "5");
      assertMatch(ran.lines[2], /read in full.*permissions\.read/);
      assertClean(ran);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a thread's task that never pauses disturbs no other, and the program ends", async () => {
  const ran = await run("stuck", ["threads"]);
  assertEquals(ran.lines.slice().sort(), ["9", "stuck: CancelledError"]);
  assertClean(ran);
});

Deno.test({
  ...unless(LACKS.posix, "a process's task that runs out of memory is lost alone"),
  // In threads: one that runs out of memory ends the whole process, by Deno's own doing.
  async fn() {
    const command = [
      ...["env", "DENO_V8_FLAGS=--max-old-space-size=60", Deno.execPath(), "run", "-A"],
      ...[PROGRAM, "memory", "processes"],
    ];
    const { lines, code } = await run("memory", ["processes"], { command });
    assertMatch(lines[0], /^WorkerLostError .*devour.*SIG/);
    assertEquals([lines[1], code], ["9", 0]);
  },
});

Deno.test({
  ...unless(NO_TERMINAL, "progress: true draws a bar on a terminal"),
  async fn() {
    for (const world of WORLDS) {
      const inner = `${Deno.execPath()} run -A ${PROGRAM} progress ${world}`;
      const command = ["script", "-qec", inner, "/dev/null"];
      const { lines, code } = await run("progress", [world], { command });
      const text = lines.join("\n");
      assertStringIncludes(text, "\r");
      assertMatch(text, /100 ?%/);
      assertStringIncludes(text, "30/30");
      assertEquals(code, 0);
    }
  },
});

/** Whether there is the program that gives another a terminal. */
/** A main script of its own, in a folder of its own. */
async function runScript(text: string): Promise<Run> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/main.ts`;
    const lib = new URL("../../lib/", import.meta.url).href;
    await Deno.writeTextFile(path, text.replaceAll("LIB/", lib));
    const command = [Deno.execPath(), "run", "-A", "--no-prompt", path];
    return await runCommand("a script", [], { limit: LIMIT, command });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const CLASSES = { threads: "ThreadPoolExecutor", processes: "ProcessPoolExecutor" };

for (const world of WORLDS) {
  Deno.test(`script without the import.meta.main guard is told so [${world}]`, async () => {
    const { code, stderr, leftovers } = await runScript(`
      import { ${CLASSES[world]} } from "LIB/futures.ts";
      export function target() {}
      const executor = new ${CLASSES[world]}(2);
      await executor.submit(target).result();`);
    assertEquals([code, leftovers], [1, []]);
    assertStringIncludes(stderr, "import.meta.main");
  });

  Deno.test(`script whose import fails in its children is told so, once [${world}]`, async () => {
    const { code, lines, leftovers } = await runScript(`
      import { ${CLASSES[world]} } from "LIB/futures.ts";
      export function target() {}
      if (!import.meta.main) throw new RangeError("not in a child");
      const executor = new ${CLASSES[world]}(2);
      const futures = [1, 2, 3].map(() => executor.submit(target));
      for (const future of futures) {
        const error = await future.exception();
        console.log(error.name, /not in a child/.test(error.message + error.cause?.message));
      }
      await executor.shutdown();`);
    assertEquals([code, leftovers], [0, []]);
    for (const line of lines) {
      assertMatch(line, /^(BrokenExecutor|WorkerLostError|RangeError) true$/);
    }
    assertEquals(lines.length, 3);
  });
}
