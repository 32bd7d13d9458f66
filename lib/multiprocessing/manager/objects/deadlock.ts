/**
 * Deadlocks among the clients of a manager: the server sees who holds what and who waits for what.
 *
 * All async functions of a thread are one client, and another of them may be about to release what
 * somebody waits for. So a cycle counts once it has lasted for half a second, with the same
 * acquisitions all the time; and a client that waits for itself is none.
 *
 * @module
 */
import { DeadlockError } from "../../../core/errors.ts";

/** The time that a cycle must last, in ms. */
const PATIENCE = 500;
/** The interval at which a waiter looks, in ms. */
const LOOK = 125;

/** A client, as far as it matters here. */
export interface Contender {
  /** Its name in reports. */
  readonly name: string;
  /** Its number among the clients. */
  readonly number: number;
  /** The locks that it waits for, one for each wait. */
  readonly waitsFor: readonly Contended[];
}

/** A lock, as far as it matters here. */
export interface Contended {
  /** Who holds it. */
  readonly owner: Contender | undefined;
  /** The number of its acquisition. */
  readonly turn: number;
  /** Its name in reports. */
  readonly label: string;
}

/** One that holds a lock which the one before it waits for, and waits for another. */
interface Step {
  contender: Contender;
  holds: Contended;
  waitsFor: Contended;
}

/** The clients that wait for each other, from one that waits for `lock` round to itself. */
function cycleFrom(start: Contender, lock: Contended): Step[] | undefined {
  const seen = new Set<Contender>([start]);
  const follow = (wanted: Contended): Step[] | undefined => {
    const contender = wanted.owner;
    if (contender === undefined || seen.has(contender)) return undefined;
    seen.add(contender);
    for (const next of contender.waitsFor) {
      const step = { contender, holds: wanted, waitsFor: next };
      if (next.owner === start) return [step, { contender: start, holds: next, waitsFor: lock }];
      const rest = follow(next);
      if (rest !== undefined) return [step, ...rest];
    }
    return undefined;
  };
  return follow(lock);
}

/**
 * Calls `tell` when the wait of a client for a lock has become part of a deadlock; gives what stops
 * it.
 */
export function watchFor(
  contender: Contender,
  lock: Contended,
  tell: (error: DeadlockError) => void,
): () => void {
  let since = 0;
  let known = "";
  const timer = setInterval(() => {
    const cycle = cycleFrom(contender, lock);
    const key = cycle === undefined
      ? ""
      : cycle.map(({ contender, holds }) => `${contender.number} ${holds.label} ${holds.turn}`)
        .join();
    if (key !== known) since = performance.now();
    known = key;
    if (cycle === undefined || performance.now() - since < PATIENCE) return;
    clearInterval(timer);
    tell(new DeadlockError(textOf(cycle)));
  }, LOOK);
  return () => clearInterval(timer);
}

function textOf(cycle: Step[]): string {
  const byName = (a: Step, b: Step) =>
    a.contender.name.localeCompare(b.contender.name, "en", { numeric: true });
  const first = cycle.indexOf(cycle.toSorted(byName)[0]!);
  return "Deadlock: " + [...cycle.slice(first), ...cycle.slice(0, first)]
    .map(({ contender, holds, waitsFor }) =>
      `${contender.name} holds ${holds.label} and waits for ${waitsFor.label}`
    ).join("; ");
}
