/**
 * What a process knows of itself: its name, its parent, and what must end before it.
 *
 * @module
 */

/** A process of the toolkit, as it sees itself. */
export interface ThisProcess {
  /** Its name: MainProcess, or as its parent named it. */
  name: string;
  /** Whether it is stopped when its parent ends; it may start no children then. */
  daemon: boolean;
  /** Who started it. */
  parent: { pid: number; name: string } | undefined;
}

let me: ThisProcess = { name: "MainProcess", daemon: false, parent: undefined };

/** The calling process. */
export function thisProcess(): ThisProcess {
  return me;
}

/** Tells a child who it is. */
export function setThisProcess(process: ThisProcess): void {
  me = process;
}

/**
 * What is awaited before a child process or a thread ends by itself: the processes that it has
 * started.
 */
export const childrenFirst: Set<() => Promise<unknown>> = new Set();

/** What is awaited before a child process ends by itself, after that: what it has yet to say. */
export const beforeEnd: Set<() => Promise<unknown>> = new Set();

/** What a thread whose task has ended by itself still says to others, just before it ends. */
export const lastWords: Set<() => void> = new Set();
