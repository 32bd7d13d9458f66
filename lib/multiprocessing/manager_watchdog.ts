/**
 * A worker that ends a manager's server which is stuck in a user's code when its parent has died. A
 * server that is not stuck has ended by itself before.
 *
 * @module
 */
import { adoptFolder, removeFolder } from "../child/private_folder.ts";

/** How often it looks, in ms. */
const LOOK = 300;
/** How long the server may take to end by itself, in ms. */
const GRACE = 1_000;

/** What the worker is told. */
export interface Watched {
  /** The parent's process number. */
  parent: number;
  /** The server's folder. */
  folder: string;
}

function watch({ parent, folder }: Watched): void {
  const look = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(look);
    setTimeout(() => {
      adoptFolder(folder);
      removeFolder(folder);
      // Deno.exit() ends a worker alone.
      Deno.kill(Deno.pid, "SIGKILL");
    }, GRACE);
  }, LOOK);
}

if (typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function") {
  (globalThis as unknown as Worker).onmessage = ({ data }) => watch(data);
}
