/**
 * Which worker is given which call, and when.
 *
 * Workers are given calls ahead, as many as they do in some {@linkcode AHEAD} µs by what calls have
 * taken so far, so that short ones need no round trip each. What a worker has not begun is taken
 * back for one that is free when the call before it takes long, and for a call of higher priority.
 * All that is submitted in one turn of the event loop goes out together.
 *
 * @module
 */
import { now } from "../core/environment.ts";
import type { Backlog } from "./backlog.ts";
import { type Call, QUEUED } from "./call.ts";
import { isForOnce } from "./payload.ts";
import { READY, type Worker } from "./worker.ts";
import type { Workers } from "./workers.ts";

/** For how long a worker is given calls ahead, in µs. */
const AHEAD = 10_000;
/** The least number given ahead: while one runs, the next is there. */
const LEAST_AHEAD = 2;
const MOST_AHEAD = 1024;
/**
 * The number of calls submitted in one turn that are given out before its end; twice as many the
 * next time.
 */
const MANY = 256;
/** The weight of the newest call in the mean. */
const WEIGHT = 1 / 8;
/** After how long a call keeps those behind it from a worker that is free, in ms. */
const LONG = 2;

/** Hands out calls. */
export class Schedule {
  readonly #workers: Workers;
  readonly #backlog: Backlog;
  readonly #maxTasksPerWorker: number;
  readonly #given: (worker: Worker, call: Call) => void;
  readonly #refused: (call: Call, error: unknown) => void;
  /** The mean time of a call or of an item, in µs. */
  #mean = -1;
  #isDue = false;
  #hasPriorities = false;
  /** The number of calls since the last were given out, and the most that it may be. */
  #added = 0;
  #many = MANY;
  #balancing: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param given Called with each call that a worker is given.
   * @param refused Called with one whose arguments can be sent no more.
   */
  constructor(
    workers: Workers,
    backlog: Backlog,
    maxTasksPerWorker: number,
    given: (worker: Worker, call: Call) => void,
    refused: (call: Call, error: unknown) => void,
  ) {
    this.#workers = workers;
    this.#backlog = backlog;
    this.#maxTasksPerWorker = maxTasksPerWorker;
    this.#given = given;
    this.#refused = refused;
  }

  /** Adds a call. */
  add(call: Call): void {
    this.#backlog.push(call);
    if ((call.options.priority ?? 0) !== 0) this.#hasPriorities = true;
    this.soon();
    // Workers need not wait until the last of many has been submitted.
    if (++this.#added < this.#many) return;
    this.now();
    this.#many *= 2;
  }

  /** Puts calls back that no worker has begun. */
  putBack(calls: Call[]): void {
    this.#return(calls);
    this.soon();
  }

  #return(calls: Call[]): void {
    for (const call of calls) call.state = QUEUED;
    this.#backlog.putBack(calls);
  }

  /** Learns how long a call took, in µs. */
  learn(micros: number): void {
    this.#mean = this.#mean < 0 ? micros : this.#mean + (micros - this.#mean) * WEIGHT;
  }

  /** Gives out what there is at the end of this turn. */
  soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#many = MANY;
    this.now();
  };

  /** Gives out what is due: also in a thread that blocks, which runs no microtasks. */
  now(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    this.#added = 0;
    if (this.#hasPriorities) this.#makeWay();
    this.#giveOut();
    this.#workers.grow();
    this.#balance();
  }

  /** Gives out nothing any more. */
  stop(): void {
    clearTimeout(this.#balancing);
  }

  #giveOut(): void {
    const backlog = this.#backlog;
    const depth = this.#depth();
    const { ready } = this.#workers;
    for (let next = backlog.first; next !== undefined; next = backlog.first) {
      let best: Worker | undefined;
      for (const worker of ready) {
        if (worker.state !== READY || worker.room(depth, next) <= 0) continue;
        if (best === undefined || worker.calls.size < best.calls.size) best = worker;
      }
      if (best === undefined) break;
      const share = Math.ceil(backlog.size / ready.length);
      this.#give(best, Math.min(best.room(depth, next), share));
    }
    for (const worker of this.#workers.all) worker.send();
  }

  #depth(): number {
    if (this.#mean < 0) return LEAST_AHEAD;
    return Math.max(LEAST_AHEAD, Math.min(MOST_AHEAD, Math.ceil(AHEAD / this.#mean)));
  }

  #give(worker: Worker, count: number): void {
    const most = Math.min(count, this.#maxTasksPerWorker - worker.given);
    for (let k = 0; k < most; k++) {
      const { first } = this.#backlog;
      if (first === undefined || k > 0 && isForOnce(first.payload)) break;
      this.#backlog.shift();
      try {
        worker.give(first);
      } catch (error) {
        this.#refused(first, error);
        continue;
      }
      this.#given(worker, first);
    }
    if (worker.given >= this.#maxTasksPerWorker) this.#workers.retire(worker);
  }

  /** Takes calls back that have not begun, for one that comes before them. */
  #makeWay(): void {
    const priority = this.#backlog.first?.options.priority ?? 0;
    const back: Call[] = [];
    for (const worker of this.#workers.all) {
      for (const call of [...worker.calls.values()]) {
        if ((call.options.priority ?? 0) < priority && worker.withdraw(call)) back.push(call);
      }
    }
    this.#return(back.sort((a, b) => a.id - b.id));
  }

  /** Takes calls back that wait behind a long one, for workers that have nothing to do. */
  #balance(): void {
    if (this.#backlog.size > 0) return;
    const free = this.#workers.ready.filter(({ calls }) => calls.size === 0).length;
    if (free === 0) return;
    let later = false;
    const back: Call[] = [];
    for (const worker of this.#workers.all) {
      const { claims } = worker.transport;
      if (worker.calls.size < 2 || claims === undefined) continue;
      if (claims.ranFor(now()) < LONG) {
        later = true;
        continue;
      }
      for (const call of [...worker.calls.values()].slice(1)) {
        if (back.length < free && worker.withdraw(call)) back.push(call);
      }
    }
    if (back.length > 0) this.putBack(back);
    else if (later) {
      this.#balancing ??= setTimeout(() => {
        this.#balancing = undefined;
        this.#balance();
      }, LONG);
    }
  }
}
