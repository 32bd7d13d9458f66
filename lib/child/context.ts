/**
 * The context that running code has: what a task can learn of its call, and of its process.
 *
 * @module
 */
import { self } from "../memory/this_thread.ts";

/** The surroundings of a running task. */
export interface TaskContext {
  /** Aborts when the caller cancels the task. */
  readonly signal: AbortSignal;
  /**
   * Sends a value to the caller's `onReport`. From a process without `--allow-ffi` it leaves once
   * the code pauses.
   */
  report(value: unknown): void;
  /** The name of the thread or process that runs the task. */
  readonly name: string;
  /** In a call from another machine: which try it is, from 1. */
  readonly attempt?: number;
  /** In a call from another machine: the call, the same at each try. */
  readonly id?: string;
  /** In a call from another machine: what its caller gave as `key`, if anything. */
  readonly key?: string;
  /** In a call from another machine: the worker that runs it, as in `host:4711:5f2c`. */
  readonly worker?: string;
}

let current: TaskContext | undefined;
let unhurried: AbortSignal | undefined;

/**
 * The context of the task that runs.
 *
 * Outside a task, where a target was called as the plain function that it is, the signal never
 * aborts and reports go nowhere.
 *
 * @example Stop early when the caller no longer waits
 * ```ts
 * import { context } from "@switchyard/switchyard/task";
 *
 * function crunch(rounds: number) {
 *   const { signal, report } = context();
 *   for (let k = 0; k < rounds && !signal.aborted; k++) report(k / rounds);
 * }
 *
 * crunch(3);
 * ```
 */
export function context(): TaskContext {
  if (current !== undefined) return current;
  const { roster, slot } = self();
  unhurried ??= new AbortController().signal;
  return { signal: unhurried, report: () => {}, name: roster.name(slot) };
}

/** Says which task runs. */
export function setContext(context: TaskContext): void {
  current = context;
}

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
