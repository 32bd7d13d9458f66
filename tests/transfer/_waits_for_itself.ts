/**
 * A module whose top level waits for what its own task throws.
 *
 * @module
 */
import { parentProcess, Process } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";

export class Oops extends Error {
  override name = "Oops";
}

export const fail = task(import.meta, () => {
  throw new Oops("no");
});

if (Deno.args[0] === "wait" && parentProcess() === null) {
  for (const permissions of ["inherit", { net: false }] as const) {
    const child = new Process(fail, { permissions, stderr: "null" }).start();
    const error = await child.result().catch((error) => error);
    console.log(`${error.name}: ${error.message}`);
    await child.join();
  }
}
