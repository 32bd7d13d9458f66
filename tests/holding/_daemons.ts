/**
 * Programs with daemon processes, most of them of the course: `_daemons.ts CASE`.
 *
 * @module
 */
import { Manager, Process } from "../../lib/multiprocessing.ts";
import { context } from "../../lib/task.ts";
import { Thread } from "../../lib/threading.ts";

const later = (ms: number) => new Promise<void>((next) => setTimeout(next, ms));

// Targets. What takes long here is what tells apart who is waited for; the daemon would be the
// first to end.

export async function foo(): Promise<void> {
  console.log(123);
  await later(1_000);
  console.log("end123");
}

export async function bar(): Promise<void> {
  console.log(456);
  await later(2_000);
  console.log("end456");
}

/** Lives until it is stopped, and says so before. */
export async function serve(): Promise<void> {
  context().report("serves");
  await later(600_000);
  console.log("never");
}

/** Has children of its own. */
export async function parent(): Promise<void> {
  await daemonThatServes();
  new Process(brief, { args: ["grandchild"] }).start();
  console.log("child");
}

export async function brief(name: string): Promise<void> {
  await later(100);
  console.log(name);
}

export async function count(dict: { set(key: string, value: number): Promise<unknown> }) {
  for (let k = 0; k < 3; k++) {
    await later(100);
    await dict.set("n", k);
  }
  console.log("counted");
}

/** A daemon that has begun. */
async function daemonThatServes(): Promise<Process> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const daemon = new Process(serve, { daemon: true, onReport: resolve }).start();
  await promise;
  return daemon as Process;
}

const CASES: Record<string, () => unknown> = {
  // The course's: no daemon.
  plain() {
    new Process(foo).start();
    console.log("main");
  },
  // A daemon alone.
  daemon() {
    const p1 = new Process(foo);
    p1.daemon = true;
    p1.start();
    console.log("main");
  },
  // A daemon, and another that is none.
  mixed() {
    const p1 = new Process(foo);
    const p2 = new Process(bar);
    p1.daemon = true;
    p1.start();
    p2.start();
    console.log("main");
  },
  /** The daemon has begun, and lives as long as there is code of main's own. */
  async own() {
    const daemon = await daemonThatServes();
    new Process(bar).start();
    setTimeout(() => console.log("timer", daemon.isAlive()), 1_000);
    addEventListener("unload", () => console.log("unload", daemon.isAlive()));
    console.log("main", daemon.isAlive());
  },
  /** A listener of the program's own finds more to do. */
  async listener() {
    const daemon = await daemonThatServes();
    new Process(brief, { args: ["plain"] }).start();
    let isFirst = true;
    addEventListener("beforeunload", (event) => {
      if (!isFirst) return;
      isFirst = false;
      event.preventDefault();
      setTimeout(() => console.log("more", daemon.isAlive()), 500);
    });
    new Process(brief, { args: ["plain"] }).start();
    console.log("main");
  },
  child() {
    new Process(parent).start();
  },
  async thread() {
    await new Thread(parent).start().join();
    console.log("joined");
  },
  /** A daemon thread lives on while plain processes are waited for. */
  daemonThread() {
    new Thread(brief, { args: ["daemon thread"], daemon: true }).start();
    new Process(bar).start();
    console.log("main");
  },
  /** What the toolkit runs for itself is there for who still needs it. */
  async manager() {
    const manager = await Manager.start();
    new Process(count, { args: [await manager.dict<string, number>()] as never }).start();
    console.log("main");
  },
};

if (import.meta.main) await CASES[Deno.args[0]]();
