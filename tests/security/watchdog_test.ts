/**
 * No child outlives its parent, whatever it is doing and however little it may.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { ps, wait } from "../../lib/os.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { isAlive } from "../_help/alive.ts";
import { within } from "../_help/within.ts";
import { idle, LEAST } from "./_targets.ts";

const PROGRAM = new URL("./_watchdog_program.ts", import.meta.url);
const LIMIT = 20_000;
/** After which a child must be gone when its parent is, in ms. */
const SOON = 2_000;

/** A program that has started a child which is at its work. */
async function parent(how: string, target: string, options: object = {}) {
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM.href, how, target, JSON.stringify(options)],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!/^(?:spins|stays)$/m.test(text) || !/^pid \d+$/m.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the program ended: ${text}`);
    text += value;
  }
  const pid = Number(/^pid (\d+)$/m.exec(text)![1]);
  return { program, pid, close: () => reader.cancel() };
}

async function isGoneSoon(pid: number): Promise<boolean> {
  const deadline = performance.now() + SOON;
  while (isAlive(pid) && performance.now() < deadline) await delay(20);
  return !isAlive(pid);
}

function watchdogsOf(pid: number): number[] {
  const name = `switchyard-watchdog\0${pid}\0`;
  const found = new Map<number, number>();
  for (const { name: number } of Deno.readDirSync("/proc")) {
    try {
      if (!Deno.readTextFileSync(`/proc/${number}/cmdline`).endsWith(name)) continue;
      const [, ppid] = /\) \S (\d+)/.exec(Deno.readTextFileSync(`/proc/${number}/stat`))!;
      found.set(Number(number), Number(ppid));
    } catch {
      // It is gone.
    }
  }
  // What a shell has forked to read a file looks as the shell itself does.
  return [...found].flatMap(([number, ppid]) => found.has(ppid) ? [] : number);
}

const WAYS: [how: string, target: string, options: object, what: string][] = [
  ["main", "spin", {}, "never pauses"],
  ["main", "stay", {}, "overrides Deno.exit()"],
  ["blocked", "spin", {}, "never pauses, and whose parent blocked as soon as it was started"],
  ["thread", "spin", {}, "never pauses, and which a thread started"],
  ["thread", "spin", { ffi: true }, "never pauses, may do everything, and which a thread started"],
];

for (const [how, target, options, what] of WAYS) {
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    Deno.test({
      ...unless(LACKS.proc, `a process that ${what} ends within 2 s of its parent's ${signal}`),
      async fn() {
        const { program, pid, close } = await within(LIMIT, parent(how, target, options));
        try {
          // Those that Ctrl-C and its like send to the whole group do not end the watchdog.
          for (const dog of watchdogsOf(pid)) {
            for (const ask of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
              Deno.kill(dog, ask);
            }
          }
          program.kill(signal);
          await program.status;
          assert(await isGoneSoon(pid));
          await delay(200);
          assertEquals(watchdogsOf(pid), []);
        } finally {
          if (isAlive(pid)) Deno.kill(pid, "SIGKILL");
          await close();
        }
      },
    });
  }
}

Deno.test({
  ...unless(LACKS.proc, `a process with orphan: "keep" lives on when its parent is killed`),
  async fn() {
    const options = { orphan: "keep" };
    const { program, pid, close } = await within(LIMIT, parent("main", "stay", options));
    try {
      assertEquals(watchdogsOf(pid), []);
      program.kill("SIGKILL");
      await program.status;
      await delay(SOON);
      assert(isAlive(pid));
    } finally {
      Deno.kill(pid, "SIGKILL");
      await close();
    }
  },
});

Deno.test({
  ...unless(LACKS.proc, "a watchdog leaves a process alone that has its child's number by now"),
  async fn() {
    // The shell is told of a child that it finds started at another time than it did at first.
    const { SCRIPT } = await import("../../lib/child/process/watchdog.ts");
    const other = new Deno.Command("sleep", { args: ["60"] }).spawn();
    try {
      const script = SCRIPT.replace('was=$(born "$1")', "was=1");
      assert(script !== SCRIPT);
      const dog = new Deno.Command("/bin/sh", {
        args: ["-c", script, "switchyard-watchdog", String(other.pid)],
        stdin: "null",
      }).spawn();
      assertEquals((await within(LIMIT, dog.status)).code, 0);
      assert(isAlive(other.pid));
    } finally {
      other.kill("SIGKILL");
      await other.status;
    }
  },
});

Deno.test({
  ...unless(
    LACKS.proc,
    "a process's watchdog is gone when it has been joined, and was no child of the user's",
  ),
  async fn() {
    const child = new Process(idle, { permissions: LEAST }).start();
    const dogs = watchdogsOf(child.pid!);
    assertEquals(dogs.length, 1);
    // Modules that run beside this one have children of this process, too.
    const pids = ps().filter(({ ppid }) => ppid === Deno.pid).map(({ pid }) => pid);
    assertEquals([child.pid!, ...dogs].filter((pid) => pids.includes(pid)), [child.pid!]);
    const [pid] = await within(LIMIT, wait());
    assertEquals(pid, child.pid);
    assert(await child.join({ timeout: LIMIT }));
    assertEquals(watchdogsOf(child.pid!), []);
  },
});

Deno.test({
  ...unless(LACKS.proc, "a process for which the kernel looks has no watchdog"),
  async fn() {
    await using child = new Process(idle, {}).start();
    assertEquals(watchdogsOf(child.pid!), []);
  },
});
