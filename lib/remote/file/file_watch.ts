/**
 * How those who wait for something learn at once that it may be there: who has put it sets the
 * file's times, which the system tells everybody who watches the file. That takes no more
 * permission than the file itself, and costs nothing while nothing happens.
 *
 * @module
 */

/** Tells the others that there is something new in a file. */
export function touch(path: string): void {
  try {
    const now = new Date();
    Deno.utimeSync(path, now, now);
  } catch {
    // They find it when they look for themselves.
  }
}

/** Hears when a file is touched. It keeps no program alive. */
export class FileWatch {
  readonly #watcher: (Deno.FsWatcher & { unref?(): void }) | undefined;

  /** @param heard Called when somebody has touched it, or done something else with it. */
  constructor(path: string, heard: () => void) {
    try {
      this.#watcher = Deno.watchFs(path);
    } catch {
      // There are too many watchers, or the system has none.
      return;
    }
    this.#listen(this.#watcher, heard);
    // Before it listens there is nothing that could be let go of.
    this.#watcher.unref?.();
  }

  /** True if it can hear. */
  get isAtWork(): boolean {
    return this.#watcher !== undefined;
  }

  async #listen(watcher: Deno.FsWatcher, heard: () => void): Promise<void> {
    for await (const { kind } of watcher) if (kind !== "access") heard();
  }

  /** Closes it; it hears nothing any more. */
  close(): void {
    this.#watcher?.close();
  }
}
