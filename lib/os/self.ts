/**
 * The numbers that a process knows of itself.
 *
 * @module
 */

/** The pid of this process: the same in all its threads. */
export function getpid(): number {
  return Deno.pid;
}

/**
 * The pid of the process that started this one.
 *
 * When that one has ended it is the pid of whoever took this process over: 1, as a rule.
 */
export function getppid(): number {
  return Deno.ppid;
}
