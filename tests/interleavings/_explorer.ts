/**
 * Runs an algorithm in every order of its parties' steps, up to a bound.
 *
 * The parties are generators, the ones that the drivers of `lib/sync/steps.ts` run, on one small
 * memory. The explorer takes the drivers' place: a party that yields a park is parked until its
 * word is woken, and is never woken by time. (So a lost wake-up shows as a standstill.) Whom to
 * step next is a choice, and so is, before each atomic operation on the memory, whether another
 * party steps first, or whether this party is killed there. The explorer replays the scenario until
 * all choices have been made in all ways.
 *
 * A step taken in the middle of another ends before the other goes on: such steps nest. All orders
 * of that kind are tried, with up to `preemptions` of them in a schedule; finer mixes are left to
 * the stress tests.
 *
 * @module
 */
import { AT, type Placed } from "../../lib/memory/placement.ts";
import type { Region } from "../../lib/memory/region.ts";
import { Roster } from "../../lib/memory/roster.ts";
import { ROSTER_WORDS } from "../../lib/memory/roster.ts";
import type { Park, Steps } from "../../lib/sync/steps.ts";

/** How a wait may be ended by the explorer. */
export type Cancel = "timeout" | "abort";

/** What a waiting call that was aborted throws. */
export class Aborted extends Error {
  override name = "Aborted";
}

/** A party: what it does, step by step. */
export type Party = (world: World) => Generator<Park, void, Cancel | undefined>;

/** What is explored. */
export interface Scenario {
  /** Makes the parties, and what is to be true at the end. */
  setup(world: World): { parties: Party[]; check?: () => void; standstill?: () => boolean };
  /** How many steps may be taken in the middle of others. Default: 2. */
  preemptions?: number;
  /** Ends each wait of this party, once, in these ways, at each point. */
  cancel?: { party: number; how: Cancel[] };
  /** Kills this party at each point. Parks then end by time, when nothing else goes on. */
  kill?: number;
  /** How far the clock moves with each step, in ms. Default: 0. */
  tick?: number;
  /** How many schedules to try at most. Default: 60,000. */
  most?: number;
}

/** What an exploration came to. */
export interface Explored {
  /** How many schedules were run. */
  schedules: number;
  /** Whether they were all that there are up to the bound. */
  all: boolean;
}

/** What one object may take. */
export const OBJECT_WORDS = 1088;
const WORDS = 4 * OBJECT_WORDS;
const MOST_STEPS = 2_000;
/** After so many slices without any other step nothing will happen any more. */
const MOST_SLICES = 10;
const MOST_PARTIES = 4;

const memory = new Int32Array(new SharedArrayBuffer(WORDS * 4));
const roster = new Roster(new Int32Array(new SharedArrayBuffer(ROSTER_WORDS * 4)));
const slots = Array.from(
  { length: MOST_PARTIES },
  (_, k) => roster.join({ name: `party-${k}`, daemon: false, starter: 0, pid: 1 }),
);

class Killed extends Error {}

interface Running {
  steps: Generator<Park, void, Cancel | undefined>;
  park: Park | undefined;
  isReady: boolean;
  isDone: boolean;
  isDead: boolean;
  isOnStack: boolean;
  hasBeenCancelled: boolean;
}

/** The memory and the parties of one run. */
export class World {
  /** The memory. */
  readonly words = memory;
  readonly #choices: number[];
  readonly #widths: number[] = [];
  readonly #scenario: Scenario;
  /** The steps that were taken, those in the midst of others indented, for a report. */
  readonly trail: string[] = [];
  #running: Running[] = [];
  #stack: number[] = [];
  #preemptions = 0;
  #next = 16;
  #steps = 0;
  #slices = 0;
  #suppressed = 0;
  #now = 0;

  constructor(scenario: Scenario, choices: number[]) {
    this.#scenario = scenario;
    this.#choices = choices;
    memory.fill(0);
    for (const { slot } of slots) roster.words.fill(0, slot + 8, slot + 60);
  }

  /** The widths of all choices that were made. */
  get widths(): number[] {
    return this.#widths;
  }

  /** Gives every party its own handle to the same words. */
  handles<T>(count: number, make: (options: Placed, party: number) => T): T[] {
    const base = this.#next;
    this.#next = base + OBJECT_WORDS;
    return Array.from({ length: count }, (_, party) =>
      make({
        [AT]: {
          region: this.#region(party),
          base,
          fresh: party === 0,
          share: () => undefined,
        },
      }, party));
  }

  /** A place where another party may step in between. */
  point(): void {
    Atomics.load(this.words, 0);
  }

  /** A step that ends here, so that any party may go next. */
  *pause(): Generator<Park, void, Cancel | undefined> {
    yield { region: this.#region(0), index: 1, value: -1, on: 0, isRepair: true };
  }

  /** Whether the party was killed. */
  isDead(party: number): boolean {
    return this.#running[party]!.isDead;
  }

  /** Whether a party is parked, and nobody has woken it. */
  isParked(party: number): boolean {
    const { park, isReady } = this.#running[party]!;
    return park !== undefined && !isReady;
  }

  /** Runs a waiting call as a driver does: whoever cancels it cancels the call alone. */
  *call<T>(steps: Steps<T>): Generator<Park, T | undefined, Cancel | undefined> {
    let step: IteratorResult<Park, T | undefined> = steps.next();
    while (!step.done) {
      const cancel = yield step.value;
      if (cancel === "timeout") step = steps.return(undefined as T);
      else if (cancel === "abort") step = steps.throw(new Aborted("aborted"));
      else step = steps.next();
    }
    return step.value;
  }

  /** Runs the scenario once. */
  run(): void {
    const { parties, check, standstill } = this.#scenario.setup(this);
    this.#running = parties.map((party) => ({
      steps: party(this),
      park: undefined,
      isReady: true,
      isDone: false,
      isDead: false,
      isOnStack: false,
      hasBeenCancelled: false,
    }));
    for (;;) {
      const options = this.#options();
      if (options.length === 0) {
        if (this.#running.every(({ isDone, isDead }) => isDone || isDead)) break;
        if (this.#scenario.kill !== undefined && this.#endSlices()) continue;
        if (standstill?.()) break;
        throw new Error("standstill: nobody can go on");
      }
      const { party, cancel } = options[this.#choose(options.length)]!;
      this.#step(party, cancel);
    }
    check?.();
  }

  /** Called before each atomic operation. */
  beforeAtomic(): void {
    const party = this.#stack.at(-1);
    if (party === undefined) return;
    const mine = this.#running[party]!;
    if (mine.isDead) {
      // It runs its `finally` blocks, which a killed one would not: they must change nothing.
      if (++this.#suppressed > 100) throw new Killed();
      throw SUPPRESS;
    }
    const others = this.#preemptions < (this.#scenario.preemptions ?? 2)
      ? this.#options().filter(({ cancel }) => cancel === undefined)
      : [];
    const isVictim = this.#scenario.kill === party;
    const choice = this.#choose(1 + others.length + (isVictim ? 1 : 0));
    if (choice === 0) return;
    if (choice <= others.length) {
      this.#preemptions++;
      this.#step(others[choice - 1]!.party, undefined);
      return this.beforeAtomic();
    }
    mine.isDead = true;
    throw new Killed();
  }

  #region(party: number): Region {
    const { ident, slot } = slots[party]!;
    return {
      words: memory,
      parties: {
        me: ident,
        slot,
        roster,
        isDead: (other) => {
          const k = slots.findIndex(({ ident }) => ident === other);
          return this.#running[k]?.isDead ?? false;
        },
      },
      waitSync: () => {
        throw new Error("blocks");
      },
      wait: () => {
        throw new Error("awaits");
      },
      wake: (index, count) => {
        if (this.#running[party]?.isDead) return;
        for (const other of this.#running) {
          if (count === 0) break;
          if (other.park?.index !== index || other.isReady) continue;
          other.isReady = true;
          count--;
        }
      },
    };
  }

  #options(): { party: number; cancel: Cancel | undefined }[] {
    const options: { party: number; cancel: Cancel | undefined }[] = [];
    this.#running.forEach((running, party) => {
      if (running.isDone || running.isDead || running.isOnStack) return;
      if (running.isReady) options.push({ party, cancel: undefined });
      const { cancel } = this.#scenario;
      if (cancel?.party !== party || running.hasBeenCancelled) return;
      if (running.park === undefined || running.park.isRepair) return;
      for (const how of cancel.how) options.push({ party, cancel: how });
    });
    return options;
  }

  /** Time passes: whoever is parked looks again. */
  #endSlices(): boolean {
    if (++this.#slices > MOST_SLICES) return false;
    this.#now += 50;
    for (const running of this.#running) running.isReady = true;
    return true;
  }

  #step(party: number, cancel: Cancel | undefined): void {
    this.trail.push(
      `${"  ".repeat(this.#stack.length)}${party}${cancel === undefined ? "" : ` ${cancel}`}`,
    );
    if (++this.#steps > MOST_STEPS) throw new Error("no end: it goes on and on");
    const running = this.#running[party]!;
    if (cancel !== undefined) running.hasBeenCancelled = true;
    running.isOnStack = true;
    running.park = undefined;
    this.#stack.push(party);
    const began = this.#now += this.#scenario.tick ?? 0;
    performance.now = () => Math.max(began, this.#now);
    try {
      const { done, value } = running.steps.next(cancel);
      running.isDone = done === true;
      running.park = done ? undefined : { ...value };
      running.isReady = !done && Atomics.load(memory, value.index) !== value.value;
    } catch (error) {
      if (!running.isDead) throw error;
    } finally {
      this.#stack.pop();
      running.isOnStack = false;
    }
  }

  #choose(width: number): number {
    if (width === 1) return 0;
    const k = this.#widths.length;
    this.#widths.push(width);
    return this.#choices[k] ?? 0;
  }
}

/** Thrown, and caught again, to leave an atomic operation of a dead party undone. */
const SUPPRESS = new Error("suppressed");

let world: World | undefined;

const OPERATIONS = [
  "load",
  "store",
  "add",
  "sub",
  "and",
  "or",
  "exchange",
  "compareExchange",
] as const;

/** Puts the explorer's choices before the atomic operations on its memory. */
function instrument(): Disposable {
  const atomics = Atomics as unknown as Record<string, (...args: unknown[]) => unknown>;
  const now = performance.now;
  const originals = OPERATIONS.map((name) => [name, atomics[name]!] as const);
  for (const [name, original] of originals) {
    atomics[name] = (...args) => {
      if ((args[0] as Int32Array).buffer !== memory.buffer || world === undefined) {
        return original(...args);
      }
      try {
        world.beforeAtomic();
      } catch (error) {
        if (error !== SUPPRESS) throw error;
        // A swap that fails, and nothing done.
        return name === "compareExchange" ? ~(args[2] as number) : original2(originals, args);
      }
      return original(...args);
    };
  }
  return {
    [Symbol.dispose]() {
      for (const [name, original] of originals) atomics[name] = original;
      performance.now = now;
    },
  };
}

function original2(
  originals: (readonly [string, (...args: unknown[]) => unknown])[],
  args: unknown[],
): unknown {
  return originals[0]![1](args[0], args[1]);
}

/** Explores a scenario; throws with the schedule that went wrong. */
export function explore(scenario: Scenario): Explored {
  using _ = instrument();
  const most = scenario.most ?? 60_000;
  let choices: number[] = [];
  for (let schedules = 1;; schedules++) {
    world = new World(scenario, choices);
    try {
      world.run();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const trail = world.trail.join("\n");
      throw new Error(`In schedule ${schedules}: ${message}\n${trail}`, { cause });
    }
    // The next schedule: the last choice that has more ways goes the next one.
    const { widths } = world;
    world = undefined;
    choices = widths.map((_, k) => choices[k] ?? 0);
    while (choices.length > 0 && choices.at(-1)! + 1 >= widths[choices.length - 1]!) choices.pop();
    if (choices.length === 0) return { schedules, all: true };
    choices[choices.length - 1]!++;
    if (schedules === most) return { schedules, all: false };
  }
}
