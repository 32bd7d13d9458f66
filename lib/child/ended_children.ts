/**
 * The child processes that this thread's user has started, for `os.wait()` and `os.waitpid()`.
 *
 * A child is *alive* -> (its status arrives) -> *given* to who waits for it, or else *kept*, as the
 * kernel keeps a zombie -> *given* to the next who asks, or *collected* by whoever learned of its
 * end otherwise (`join()`, `Popen.wait()`), so that it is told once. Deno itself reaps every child
 * at once: what is kept here is its status alone.
 *
 * @module
 */
import { statusOf } from "../core/signals.ts";

/**
 * The number of ended children that are kept for somebody to ask; then the oldest are forgotten.
 */
const MOST_KEPT = 32_768;

/** The end of a child. */
export interface Ended {
  /** Its process number. */
  pid: number;
  /** Its status. */
  status: Deno.CommandStatus;
}

/** The hold that the starter of a child has on it here. */
export interface Adopted {
  /** Its end has been told otherwise: from now on `os.wait()` does not give it. */
  collect(): void;
}

interface Child {
  pid: number;
  status: Deno.CommandStatus | undefined;
}

/** Somebody who waits for one child, or any (-1). */
interface Waiter {
  pid: number;
  give: (ended: Ended | undefined) => void;
}

/** Those that run, in the order of their starts. */
const alive = new Set<Child>();
/** Those that have ended and have not been given, in that order. */
const kept = new Set<Child>();
const waiters = new Set<Waiter>();
let isForgetful = false;

/**
 * Enters a child that the user has started.
 *
 * @param status Settles when it has ended.
 */
export function adopt(pid: number, status: Promise<Deno.CommandStatus>): Adopted {
  const child: Child = { pid, status: undefined };
  alive.add(child);
  statusOf(status).then((status) => settle(child, status), () => remove(child));
  return { collect: () => remove(child) };
}

/**
 * True if the ends of children are forgotten unless somebody waits for them: SIGCHLD is ignored.
 */
export function forgetEnds(isIgnored: boolean): void {
  isForgetful = isIgnored;
}

/** True if there is such a child: one of that pid, or any (-1), that runs or has not been given. */
export function hasChild(pid: number): boolean {
  return find(kept, pid) !== undefined || find(alive, pid) !== undefined;
}

/** Takes a child that has ended, or undefined. */
export function takeEnded(pid: number): Ended | undefined {
  const child = find(kept, pid);
  if (child === undefined) return undefined;
  kept.delete(child);
  return { pid: child.pid, status: child.status! };
}

/**
 * Has the end of a child given as soon as there is one; undefined once there can be none.
 *
 * @returns What calls it off, if it is not too late; whether it was not.
 */
export function onEnded(pid: number, give: (ended: Ended | undefined) => void): () => boolean {
  const waiter: Waiter = { pid, give };
  waiters.add(waiter);
  return () => waiters.delete(waiter);
}

function find(children: Set<Child>, pid: number): Child | undefined {
  for (const child of children) if (pid === -1 || child.pid === pid) return child;
  return undefined;
}

function settle(child: Child, status: Deno.CommandStatus): void {
  if (!alive.delete(child)) return; // It has been collected.
  child.status = status;
  if (!giveToWaiter(child, status) && !isForgetful) keep(child);
  dismissWaiters();
}

function giveToWaiter({ pid }: Child, status: Deno.CommandStatus): boolean {
  // POSIX: while SIGCHLD is ignored, wait() is told of no child, only that none is left.
  if (isForgetful) return false;
  for (const waiter of waiters) {
    if (waiter.pid !== -1 && waiter.pid !== pid) continue;
    waiters.delete(waiter);
    waiter.give({ pid, status });
    return true;
  }
  return false;
}

function keep(child: Child): void {
  kept.add(child);
  if (kept.size > MOST_KEPT) { for (const oldest of kept) return void kept.delete(oldest); }
}

function remove(child: Child): void {
  kept.delete(child);
  if (alive.delete(child)) dismissWaiters();
}

/** Tells those who wait for children that are no more. */
function dismissWaiters(): void {
  for (const waiter of waiters) {
    if (hasChild(waiter.pid)) continue;
    waiters.delete(waiter);
    waiter.give(undefined);
  }
}
