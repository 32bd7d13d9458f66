/**
 * A region is shared memory that threads or processes can wait on: 32-bit words for `Atomics`, and
 * a way to park until one of them changes. The synchronisation primitives are written against this
 * interface alone; which memory they live in decides who can share them.
 *
 * | implementation | memory | who shares it |
 * | --- | --- | --- |
 * | `HeapRegion` | a SharedArrayBuffer | the threads of one process |
 * | `MappedRegion` | mapped memory, by FFI | processes, and threads of them |
 *
 * @module
 */

import type { Roster } from "./roster.ts";

/** Who takes part in a memory: every thread is one party, known by its ident. */
export interface Parties {
  /** Where they are entered. */
  readonly roster: Roster;
  /** The calling thread's slot in it. */
  readonly slot: number;
  /** The ident of the calling thread, 1 to 2^24 - 1. */
  readonly me: number;
  /** True if the party was stopped or ended by an error, so that what it held passes on. */
  isDead(ident: number): boolean;
}

/** Shared words, and waiting on them. Indexes are absolute in {@linkcode words}. */
export interface Region {
  /** The memory. */
  readonly words: Int32Array<ArrayBufferLike>;
  /** The parties that use this memory. */
  readonly parties: Parties;
  /**
   * Blocks the thread while `words[index]` is `value`, at most `timeout` ms. May return early: look
   * again.
   */
  waitSync(index: number, value: number, timeout: number): void;
  /** As {@linkcode waitSync}, without blocking the thread's event loop. */
  wait(index: number, value: number, timeout: number): Promise<void>;
  /** Wakes up to `count` of those that wait on the word. */
  wake(index: number, count: number): void;
}
