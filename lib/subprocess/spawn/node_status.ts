/**
 * The ends of children that Node has started.
 *
 * Of a child that a signal without a name has killed (34, say) Node's side of Deno never says so:
 * all there is is a rejection that nobody can catch, and that would end this program. It does not
 * name the child either, which is the one that is no more and of which nothing else was told.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { builtin } from "../../core/node.ts";
import { killedBy, namelessSignal, signalNumber } from "../../core/signals.ts";

/** When it is looked again who is no more, in ms: the end of another is then told. */
const SOON = 5;

/** Those that run, and what tells of their end. */
const running = new Map<ChildProcess, (status: Deno.CommandStatus) => void>();
/** The signals that have killed one of them. */
const signals: number[] = [];
let soon: ReturnType<typeof setTimeout> | undefined;

/** True if a child has not been heard of as ended; after that its number may be another's. */
export function isRunning(child: ChildProcess): boolean {
  return running.has(child);
}

/** True if there is no such process, not even a zombie. */
export function isGone(pid: number): boolean {
  try {
    builtin("process").kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ESRCH";
  }
}

/** Settles when a child has been reaped. */
export function nodeStatusOf(child: ChildProcess): Promise<Deno.CommandStatus> {
  return new Promise((resolve) => {
    const settle = (status: Deno.CommandStatus) => {
      if (running.delete(child) && running.size === 0) {
        removeEventListener("unhandledrejection", notice);
      }
      resolve(status);
    };
    if (running.size === 0) addEventListener("unhandledrejection", notice);
    running.set(child, settle);
    child.on("exit", (code, signal) => {
      settle({
        success: code === 0,
        code: code ?? 128 + signalNumber(signal!),
        signal: signal as Deno.Signal | null,
      });
    });
  });
}

function notice(event: PromiseRejectionEvent): void {
  const number = namelessSignal(event.reason);
  if (number === undefined || !/\bchild_process\b/.test(event.reason.stack)) return;
  if (gone().length === 0) return;
  event.preventDefault();
  signals.push(number);
  tell();
}

function gone(): ChildProcess[] {
  return [...running.keys()].filter(({ pid }) => isGone(pid!));
}

function tell(): void {
  clearTimeout(soon);
  const ended = gone();
  if (ended.length > signals.length) {
    soon = setTimeout(tell, SOON);
    return;
  }
  for (const child of ended) running.get(child)!(killedBy(signals.shift()!));
  // One that is left is another's.
  signals.length = 0;
}
