/**
 * Gates where processes share no memory: a file that is there once the gate is open, and that
 * everybody looks for.
 *
 * @module
 */
import { delay } from "@std/async";
import { task } from "../../lib/task.ts";

/** How often is looked, in ms. */
const LOOK = 5;

/** As much of an Event as tasks need of a gate. */
export class FileGate {
  /** The file's path. */
  readonly path: string;

  /** A gate that this file opens. */
  constructor(path: string) {
    this.path = path;
  }

  /** True if it is open. */
  isSet(): boolean {
    try {
      Deno.statSync(this.path);
      return true;
    } catch {
      return false;
    }
  }

  /** Opens it. */
  set(): void {
    Deno.writeTextFileSync(this.path, "");
  }

  /** Waits until it is open; false when the timeout ended first. */
  async wait({ timeout = Infinity }: { timeout?: number } = {}): Promise<boolean> {
    const until = performance.now() + timeout;
    while (!this.isSet()) {
      if (performance.now() > until) return false;
      await delay(LOOK);
    }
    return true;
  }

  /** As {@linkcode wait}, but blocks the thread. */
  waitSync({ timeout = Infinity }: { timeout?: number } = {}): boolean {
    const idle = new Int32Array(new SharedArrayBuffer(4));
    const until = performance.now() + timeout;
    while (!this.isSet()) {
      if (performance.now() > until) return false;
      Atomics.wait(idle, 0, 0, LOOK);
    }
    return true;
  }
}
task(import.meta, FileGate);
