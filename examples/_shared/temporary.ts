/**
 * A folder for as long as a script runs.
 *
 * It goes with the script, however that ends: by itself and by Ctrl-C through the script's cleanup,
 * at SIGTERM here. (Nobody can do anything at SIGKILL.)
 *
 * @module
 */
import { sleepSync } from "../../lib/time.ts";

/** The exit code that a shell gives for SIGTERM. */
const TERMINATED = 143;
/** How often a folder is tried to be removed. */
const TRIES = 10;

/** Makes a folder that is removed when the script ends. */
export function temporaryFolder(name: string, cleanup: AsyncDisposableStack): string {
  const folder = Deno.makeTempDirSync({ prefix: `switchyard-${name}-` });
  const end = () => {
    remove(folder);
    Deno.exit(TERMINATED);
  };
  // Windows has no SIGTERM to listen for.
  const listens = Deno.build.os !== "windows";
  if (listens) Deno.addSignalListener("SIGTERM", end);
  cleanup.defer(() => {
    if (listens) Deno.removeSignalListener("SIGTERM", end);
    remove(folder);
  });
  return folder;
}

/** Removes a folder; children that are about to end may still write there: then once more. */
function remove(folder: string): void {
  for (let tries = 1;; tries++) {
    try {
      return Deno.removeSync(folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (tries === TRIES) throw error;
      sleepSync(20);
    }
  }
}
