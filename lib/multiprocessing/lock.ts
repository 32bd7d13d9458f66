/**
 * The lock between processes: the lock of threads, in the family's memory.
 *
 * @module
 */
import { theArena } from "../memory/arena.ts";
import { AT, type Placed } from "../memory/placement.ts";
import { Lock as ThreadLock, LOCK_WORDS, type LockOptions } from "../sync/lock.ts";
import { SHARE, shareable } from "../transfer/shareable.ts";

interface LockState {
  base: number;
  name: string | undefined;
}

/**
 * A mutual exclusion lock for processes, and for threads of several processes.
 *
 * A process that dies while it holds the lock, by SIGKILL too, hangs nobody: the next one to acquire
 * it has it within a second, and its guard says `abandoned`.
 *
 * *Permissions*: `--allow-ffi`.
 */
export class Lock extends ThreadLock {
  readonly #base: number;

  /**
   * Creates a lock that is free.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(options: LockOptions & Placed = {}) {
    const placement = options?.[AT] ?? theArena().allocate(LOCK_WORDS);
    super({ ...options, [AT]: placement });
    this.#base = placement.base;
  }

  /**
   * How the lock crosses; see `transfer/shareable.ts`.
   *
   * @ignore
   */
  override [SHARE](): unknown {
    return { base: this.#base, name: this.name } satisfies LockState;
  }
}

shareable(import.meta, "Lock", Lock, (state) => {
  const { base, name } = state as LockState;
  const placement = theArena().place(base, LOCK_WORDS);
  return new Lock({ ...(name === undefined ? {} : { name }), [AT]: placement });
});
