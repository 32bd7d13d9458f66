/**
 * Starts a process that never pauses, says its number, and waits, or ends as it is told.
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { LEAST } from "./_targets.ts";

/** Never pauses, and does not let itself be ended. */
export function spin(): void {
  Deno.exit = (() => {}) as typeof Deno.exit;
  console.log("spins");
  for (;;);
}

/** Does not hear that its parent has gone. */
export function stay(): Promise<void> {
  Deno.exit = (() => {}) as typeof Deno.exit;
  setInterval(() => {}, 1000);
  console.log("stays");
  return new Promise(() => {});
}

export function start(target: string, options: { orphan?: "keep"; ffi?: boolean }): void {
  const child = new Process(target === "spin" ? spin : stay, {
    permissions: options.ffi ? {} : LEAST,
    orphan: options.orphan ?? "end",
  }).start();
  console.log(`pid ${child.pid}`);
}

export async function startAndStay(...args: Parameters<typeof start>): Promise<void> {
  start(...args);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

if (import.meta.main) {
  const [how, target, options] = Deno.args as [string, string, string];
  const args = [target, JSON.parse(options)] as Parameters<typeof start>;
  if (how === "thread") await new Thread(startAndStay, { args }).start().join();
  else start(...args);
  // Blocked, right after the start: the event loop has no turn any more.
  if (how === "blocked") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
