/**
 * Folders for sockets: in the temporary folder, private (0700), named by the process that made them.
 *
 * Whoever makes one removes it. A signal that kills it first, and whoever else would have done so, leaves it: so
 * the next program to make one removes those of processes that are gone.
 *
 * @module
 */
import { dirname, join } from "node:path";

const NAME = /^switchyard-(\d+)-/;
let isSwept = Deno.build.os !== "linux"; // elsewhere there is no /proc to ask

/** Makes a folder. */
export function makePrivateFolder(): string {
  const folder = Deno.makeTempDirSync({ prefix: `switchyard-${Deno.pid}-` });
  if (!isSwept) sweep(dirname(folder));
  isSwept = true;
  return folder;
}

/** Removes a folder, if it is still there. */
export function removeFolder(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // Somebody else has removed it.
  }
}

function sweep(parent: string): void {
  try {
    for (const { name } of Deno.readDirSync(parent)) {
      const pid = NAME.exec(name)?.[1];
      if (pid !== undefined && isGone(pid)) removeFolder(join(parent, name));
    }
  } catch {
    // It may not be read: then others sweep.
  }
}

function isGone(pid: string): boolean {
  try {
    Deno.statSync(`/proc/${pid}/stat`);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
