/**
 * What a process knows of itself: its name, and its parent.
 *
 * @module
 */

/** A process of the toolkit, as it sees itself. */
export interface ThisProcess {
  /** Its name: MainProcess, or as its parent named it. */
  name: string;
  /** True if it is stopped when its parent ends; it may start no children then. */
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
