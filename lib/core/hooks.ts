/**
 * Sets of functions that a lower layer calls at certain moments, and that upper layers put there:
 * so the lower layer need not know them. A set is of this thread alone.
 *
 * ```text
 *   a thread waits             flushes; it blocks; services, now and then while it blocks
 *   a thread is to stop        wakers: its waits see it, and end
 *   a child's task has ended   tasksOver; then as follows
 *     of a process             its result is sent; childrenFirst and beforeEnd, awaited; it exits
 *     of a thread              childrenFirst and beforeEnd, awaited; its result is sent; lastWords;
 *                              it ends
 *   something of interest      recorder, while a trace is on
 * ```
 *
 * @module
 */

/** What a thread does before it begins to wait: it sends what it has held back, for one. */
export const flushes: Set<() => void> = new Set();

/**
 * What a blocked thread goes on doing between parks: it starts threads for others, for one. Each
 * gives whether there was something to do.
 */
export const services: Set<() => boolean> = new Set();

/** What wakes the waits of this thread, so that they look whether it is to stop; their number. */
export const wakers: Set<() => number> = new Set();

/** What is done when a child's task has ended; with true, it has failed. */
export const tasksOver: Set<(hasFailed: boolean) => void> = new Set();

/** What is awaited before a process or a thread ends by itself: the processes that it started. */
export const childrenFirst: Set<() => Promise<unknown>> = new Set();

/**
 * What is awaited before a process or a thread ends by itself, after that: what it has yet to send.
 * With true, its task has failed.
 */
export const beforeEnd: Set<(hasFailed: boolean) => Promise<unknown>> = new Set();

/** What a thread whose task has ended by itself still tells others, just before it ends. */
export const lastWords: Set<() => void> = new Set();

/** What the main thread does when another thread of this process has ended, by its ident. */
export const threadsGone: Set<(ident: number) => void> = new Set();

/** Who takes part in a memory, as far as it takes to name what is there. */
export interface Named {
  readonly me: number;
  readonly roster: {
    title(id: number): string | undefined;
    slotOf(ident: number, orEstate?: boolean): number;
    name(slot: number): string;
  };
}

/** What a trace hears of this thread: `trace/recorder.ts` is the only one. */
export interface Recorder {
  /** A task or a call begins; gives what is told its end, and the error that it ended with. */
  runs(what: "task" | "call", name: string): (failed: boolean, error?: unknown) => void;
  /** A wait goes on: for `id`, that `holder` has; each look says so anew. Gives the wait. */
  waits(wait: number, whose: Named, id: number, holder: number, name?: string): number;
  /** A wait ends. */
  waited(wait: number): void;
  /** This thread takes a lock. */
  takes(whose: Named, id: number): void;
  /** A lock is about to be free that this thread may have, or is free that another one had. */
  frees(whose: Named, id: number, owner: number): void;
  /** An item or message was put, or taken; `id` says of which queue, if it has one. */
  moves(what: "put" | "get", name: string | undefined, id?: number): undefined;
  /** A thread of this process has left the roster. */
  left(ident: number, dead: boolean): void;
  /** The place where a new thread records; undefined when there is none. */
  seatThread(thread: { ident: number; name: string }): unknown;
  /** The place where a new process records. */
  seatProcess(name: string): unknown;
  /** The process has started, and has that pid. */
  began(seat: unknown, pid: number): void;
  /** The process has ended so. */
  reaped(seat: unknown, exitcode: number): void;
}

/** The recorder of this thread; undefined while no trace is on. */
export let recorder: Recorder | undefined;

/** Has this thread recorded by another, or by none. */
export function setRecorder(next: Recorder | undefined): void {
  recorder = next;
}
