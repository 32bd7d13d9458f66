/**
 * What is run when: the top level of a module, and the function that a process is to run.
 *
 * `processes/start_method.ts` runs this program, with the guard and (`--no-guard`) without.
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";

/** What the child is for. */
export function v(): void {
  console.log("Run", Deno.pid);
  console.log("import.meta.main", import.meta.main, Deno.pid);
}

console.log("Initialize", Deno.pid);
console.log("import.meta.main", import.meta.main, Deno.pid);

if (import.meta.main || Deno.args.includes("--no-guard")) {
  const p = new Process(v);
  p.start();
  await p.join();
  Deno.exitCode = p.exitcode === 0 ? 0 : 1;
}
