/**
 * Ending programs: they are asked to, have a time of grace, and are then killed.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { reached } from "../core/promises.ts";
import { Signals } from "../core/signals.ts";
import { checkCancelled } from "../sync/steps.ts";
import type { SpawnedProgram } from "./stdio/stdio.ts";
import { Tree } from "./tree.ts";

/**
 * The interval at which it is looked whether descendants have ended, whose ends nobody tells, in
 * ms.
 */
const LOOK = 10;
/** The time that a program which was asked to end has for it, unless it is told, in ms. */
const GRACE = 5000;

/** The ending of programs. */
export interface Ending {
  /** The signal that asks, or SIGKILL. */
  signal: Deno.Signal;
  /** The time after which SIGKILL follows, in ms. */
  grace: number;
  /** True if descendants are ended too. */
  tree: boolean;
  /** True if the program leads a process group of its own. */
  isGroup: boolean;
}

/** The options of `run()` and its kin about it. */
export interface EndingOptions {
  killSignal?: Deno.Signal;
  grace?: number;
  tree?: boolean;
  detached?: boolean;
}

/** The way in which a run's programs are to be ended, when they must be. */
export function endingOf(options: EndingOptions, action: string): Ending {
  const { killSignal, grace, tree, detached } = options;
  return {
    signal: checkSignalOf(
      killSignal ?? (grace === undefined ? "SIGKILL" : "SIGTERM"),
      "killSignal",
      action,
    ),
    grace: checkGrace(grace, action),
    tree: tree ?? false,
    isGroup: detached ?? false,
  };
}

/** Checks a time of grace, and gives it in ms. */
export function checkGrace(grace: unknown, action: string): number {
  if (grace === undefined) return GRACE;
  if (typeof grace !== "number" || Number.isNaN(grace)) {
    throw new TypeError(`Cannot ${action}: grace must be a number, received ${show(grace)}`);
  }
  if (grace < 0) {
    throw new RangeError(`Cannot ${action}: grace must be >= 0 ms, received ${grace}`);
  }
  return grace;
}

/** Checks the name of a signal. */
export function checkSignalOf(signal: unknown, option: string, action: string): Deno.Signal {
  if (typeof signal === "string" && Object.hasOwn(Signals, signal)) return signal as Deno.Signal;
  throw new TypeError(
    `Cannot ${action}: ${option} must be the name of a signal, received ${show(signal)}`,
  );
}

/** Programs that are being ended. */
class Doomed {
  readonly #children: readonly SpawnedProgram[];
  readonly #trees: Tree[];

  constructor(children: readonly SpawnedProgram[], { tree, isGroup }: Ending) {
    this.#children = children;
    this.#trees = tree ? children.map(({ pid }) => new Tree(pid, isGroup)) : [];
  }

  send(signal: Deno.Signal): void {
    for (const tree of this.#trees) tree.send(signal);
    if (this.#trees.length > 0 && signal !== "SIGKILL") return;
    for (const child of this.#children) child.kill(signal);
  }

  /** True if no descendant of them is left. */
  get isAlone(): boolean {
    return this.#trees.every((tree) => tree.isGone);
  }
}

/** Ends children of this program; settles when they have been reaped. */
export async function endAll(children: readonly SpawnedProgram[], ending: Ending): Promise<void> {
  const doomed = new Doomed(children, ending);
  const reaped = Promise.all(children.map(({ status }) => status));
  doomed.send(ending.signal);
  if (ending.signal !== "SIGKILL") {
    const deadline = performance.now() + ending.grace;
    const hasEnded = await reached(reaped, ending.grace, undefined);
    while (hasEnded && !doomed.isAlone && performance.now() < deadline) {
      await new Promise((next) => setTimeout(next, LOOK));
    }
    if (hasEnded && doomed.isAlone) return;
    doomed.send("SIGKILL");
  }
  await reaped;
}

/**
 * As {@linkcode endAll}, for one child, while the thread is blocked.
 *
 * @param hasEnded Blocks until it has ended, or to a point in time; whether it has.
 */
export function endAllSync(
  child: SpawnedProgram,
  ending: Ending,
  hasEnded: (deadline: number) => boolean,
): void {
  const doomed = new Doomed([child], ending);
  doomed.send(ending.signal);
  if (ending.signal !== "SIGKILL") {
    const deadline = performance.now() + ending.grace;
    const idle = new Int32Array(new SharedArrayBuffer(4));
    const isDone = hasEnded(deadline);
    while (isDone && !doomed.isAlone && performance.now() < deadline) {
      checkCancelled();
      Atomics.wait(idle, 0, 0, LOOK);
    }
    if (isDone && doomed.isAlone) return;
    doomed.send("SIGKILL");
  }
  hasEnded(Infinity);
}
