/**
 * A picture of all processes that share memory, and their deadlocks.
 *
 * @module
 */
import { type Dump, onSignal } from "../child/dump_on_signal.ts";
import { familyArena } from "../memory/arena.ts";
import { type Deadlock, findDeadlocks as find } from "../sync/deadlock.ts";
import { dumpText } from "../sync/dump.ts";
import { activeChildren } from "./process.ts";

const ARENA = new URL("../memory/arena.ts", import.meta.url).href;

/**
 * Says of the threads of this process, of all processes of its family that share memory, and of
 * this thread's other children their state, what they hold, what they wait for and since when.
 */
export const dump: Dump = Object.assign(
  () => {
    familyArena();
    return dumpText(activeChildren().map(({ name, pid }) => ({ name, pid: pid! })));
  },
  { onSignal: (signal: Deno.Signal) => onSignal(signal, ARENA) },
);

/**
 * The deadlocks among the processes and threads that wait in calls of the toolkit, at this moment:
 * as threading's, with all processes of the family.
 */
export function findDeadlocks(): Deadlock[] {
  familyArena();
  return find();
}
