/**
 * Sets of functions that a lower layer calls at certain moments, and that upper layers put there:
 * so the lower layer need not know them. A set is of this thread alone.
 *
 * ```text
 *   a thread waits             flushes; it blocks; services, now and then while it blocks
 *   a process's task has ended its result is sent; childrenFirst and beforeEnd, awaited; it exits
 *   a thread's task has ended  childrenFirst, awaited; its result is sent; lastWords; it ends
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

/** What is awaited before a process or a thread ends by itself: the processes that it started. */
export const childrenFirst: Set<() => Promise<unknown>> = new Set();

/** What is awaited before a process ends by itself, after that: what it has yet to send. */
export const beforeEnd: Set<() => Promise<unknown>> = new Set();

/** What a thread whose task has ended by itself still tells others, just before it ends. */
export const lastWords: Set<() => void> = new Set();

/** What the main thread does when another thread of this process has ended, by its ident. */
export const threadsGone: Set<(ident: number) => void> = new Set();
