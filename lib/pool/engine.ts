/**
 * The engine of every pool and executor: it hands calls to workers and takes what becomes of them.
 *
 * Workers are given calls ahead, as many as they do in some {@linkcode AHEAD} ms by what calls have taken so far, so that
 * short ones need no round trip each; one that is free takes back what another has not begun. All that is
 * submitted in one turn of the event loop goes out together.
 *
 * Who dies when:
 *
 * - a worker before it is ready: another is started, {@linkcode TRIES} times; then the pool is broken, and all that
 *   waits fails;
 * - a worker in the midst of a call: what it had said is heard; the call fails or is tried again, those behind it go
 *   to others, in front of the rest;
 * - the pool's own thread: its workers end with it.
 *
 * @module
 */
import { BrokenExecutor, CancelledError, TimeoutError, WorkerLostError } from "../core/errors.ts";
import { services } from "../sync/steps.ts";
import type { Packed } from "../transfer/pack.ts";
import type { World } from "../transfer/shareable.ts";
import { loseAll } from "../transfer/flight.ts";
import { mainModule, type Reference, referTo, type Target } from "../transfer/task.ts";
import { callSafely } from "./async_result.ts";
import { Backlog } from "./backlog.ts";
import { Call, type CallOptions, ENDED, GIVEN, QUEUED } from "./call.ts";
import { blockUntil } from "./eventual.ts";
import { BROKEN, CALL, type CallKind, DONE, type Head, READY as HELLO, REPORT } from "./frames.ts";
import { holdInterrupts } from "./interrupt.ts";
import type { Lane, LaneBoot, Loss } from "./lane.ts";
import { isForOnce, isSpent, loadAll, missing, read, write } from "./payload.ts";
import { Times, type TimeSummary } from "./stats.ts";
import { GONE, READY, RETIRING, STARTING, Worker } from "./worker.ts";

/** For how long a worker is given calls ahead, in µs. */
const AHEAD = 2000;
/** So many at least: while one runs, the next is there. */
const LEAST_AHEAD = 2;
const MOST_AHEAD = 512;
/** How much the newest call counts in the mean. */
const WEIGHT = 1 / 8;
/** After how long a call keeps those behind it from a worker that is free, in ms. */
const LONG = 2;
/** For how long workers are listened to when there is nothing to do, in ms. */
const AWAKE = 50;
/** So many workers may die in a row before they are ready. */
const TRIES = 3;

/** What a pool is made of. */
export interface EngineOptions {
  world: World;
  /** Starts a worker. `rang` is called when it may have said something. */
  start: (boot: LaneBoot, rang: () => void) => Lane;
  /** What its workers are called, before their number. */
  prefix: string;
  maxWorkers: number;
  minWorkers: number;
  /** How long a worker may have nothing to do, in ms. */
  idleTimeout: number;
  maxTasksPerWorker: number;
  /** How many calls may wait. */
  maxQueue: number;
  /** How long a cancelled call may go on, in ms. */
  grace: number;
  initializer: Target | undefined;
  initArgs: unknown[];
}

/** What a pool has done and does. */
export interface PoolStats {
  /** Calls that wait for a worker. */
  queued: number;
  /** Calls that run. */
  running: number;
  /** Calls that have given a value. */
  completed: number;
  /** Calls that have thrown, were cancelled or lost. */
  failed: number;
  /** Workers that live. */
  workers: number;
  /** How long calls ran. */
  runTime: TimeSummary;
  /** How long they waited before that. */
  waitTime: TimeSummary;
}

let ids = 0;
const references = new WeakMap<Target, Reference>();

/**
 * How a target is found by a worker.
 *
 * @throws {TypeError} No worker could.
 */
export function referenceOf(target: unknown): Reference {
  const known = typeof target === "function" ? references.get(target as Target) : undefined;
  if (known !== undefined) return known;
  const reference = referTo(target);
  references.set(target as Target, reference);
  return reference;
}

/** Calls, and the workers that run them. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #initializer: Reference | undefined;
  readonly #workers = new Set<Worker>();
  readonly #backlog = new Backlog();
  readonly #runTimes = new Times();
  readonly #waitTimes = new Times();
  readonly #modules = new Set<string>();
  /** When the workers were listened to last, in ms. */
  #now = 0;
  #completed = 0;
  #failed = 0;
  /** How many calls have been submitted and have not ended, or still run. */
  #open = 0;
  /** Whether calls of several priorities have come. */
  #hasPriorities = false;
  /** The mean time of a call, in µs. */
  #mean = -1;
  #isFlushing = false;
  #isClosed = false;
  #started = 0;
  #deaths = 0;
  #broken: BrokenExecutor | undefined;
  /** Settles when the modules are loaded that what was heard so far needs. */
  #loading: Promise<void> | undefined;
  #growing: ReturnType<typeof setTimeout> | undefined;
  #balancing: ReturnType<typeof setTimeout> | undefined;
  #falling: ReturnType<typeof setTimeout> | undefined;
  #resting: ReturnType<typeof setTimeout> | undefined;
  #alive: ReturnType<typeof setInterval> | undefined;
  #letGo: (() => void) | undefined;
  #idle = Promise.withResolvers<void>();
  readonly #serve = (): boolean => this.poll();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#initializer = options.initializer && referTo(options.initializer);
    loseAll(write(options.initArgs, options.world, "initArgs").flights);
    this.#idle.resolve();
    this.#grow();
  }

  /** What it has done and does. */
  get stats(): PoolStats {
    let running = 0;
    let given = 0;
    for (const worker of this.#workers) {
      given += worker.calls.size;
      for (const call of worker.calls.values()) if (worker.hasBegun(call)) running++;
    }
    return {
      queued: this.#backlog.size + given - running,
      running,
      completed: this.#completed,
      failed: this.#failed,
      workers: this.#workers.size,
      runTime: this.#runTimes.summary(),
      waitTime: this.#waitTimes.summary(),
    };
  }

  /** The mean time of one item of the calls so far, in µs; undefined when none has ended. */
  get mean(): number | undefined {
    return this.#mean < 0 ? undefined : this.#mean;
  }

  get world(): World {
    return this.#options.world;
  }

  get maxWorkers(): number {
    return this.#options.maxWorkers;
  }

  /** Whether its workers cannot start. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Whether it takes no calls any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Submits a call.
   *
   * @param check Called before anything is done; throws if it may not be.
   */
  submit(
    target: unknown,
    args: unknown[],
    options: CallOptions & { transfer?: Transferable[] | undefined } = {},
    kind: CallKind = CALL,
  ): Call {
    if (this.#broken !== undefined) throw brokenAgain(this.#broken);
    const reference = referenceOf(target);
    const { payload, flights } = write(args, this.#options.world, "args", options.transfer);
    this.#modules.add(reference.module);
    // The first worker is started here, so that what keeps it from starting is told here.
    if (this.#workers.size === 0) {
      try {
        this.#start();
      } catch (error) {
        loseAll(flights);
        throw error;
      }
    }
    const call = new Call(++ids, kind, reference, payload, performance.now(), options, flights);
    this.#backlog.push(call);
    if (options.priority !== undefined && options.priority !== 0) this.#hasPriorities = true;
    if (this.#open++ === 0) this.#wakeUp();
    this.#flushSoon();
    return call;
  }

  /** How many calls wait. */
  get waiting(): number {
    let waiting = this.#backlog.size;
    for (const worker of this.#workers) waiting += Math.max(0, worker.calls.size - 1);
    return waiting;
  }

  /** Whether a call has been begun. */
  isRunning(call: Call): boolean {
    if (call.state !== GIVEN) return false;
    const worker = this.#workerOf(call);
    return worker !== undefined && worker.hasBegun(call);
  }

  /**
   * Ends a call that nobody wants any more.
   *
   * @param running Whether also one that has been begun.
   * @returns Whether it was ended so.
   */
  cancel(call: Call, reason: unknown, running: boolean): boolean {
    if (call.state === ENDED) return false;
    if (call.state === QUEUED) {
      this.#backlog.dropped();
      loseAll(call.flights);
      return this.#drop(call, reason);
    }
    const worker = this.#workerOf(call);
    if (worker?.withdraw(call) === true) {
      loseAll(call.flights);
      this.#flushSoon();
      return this.#drop(call, reason);
    }
    if (!running || worker === undefined) return false;
    worker.cancel(call, reason);
    const { grace } = this.#options;
    worker.grace ??= setTimeout(() => this.#kill(worker), grace);
    call.isCancelled = true;
    // It counts as open until its worker is done with it.
    this.#failed++;
    return call.end({ ok: false, error: reason });
  }

  /** Hears what the workers have said, also while the thread blocks; whether there was something. */
  poll(): boolean {
    let any = false;
    this.#now = performance.now();
    for (const worker of this.#workers) {
      any = worker.lane.drain() || any;
      // It need not wait until all have been heard; and a thread that blocks runs no microtasks.
      if (this.#isFlushing) this.#flush();
    }
    return any;
  }

  /** Settles when nothing is open. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** Refuses further calls; the workers end when there is nothing left to do. */
  close(cancel = false): void {
    this.#isClosed = true;
    if (cancel) {
      this.cancelWaiting(() => new CancelledError("The call was cancelled by a shutdown"));
    }
    this.#retireIfDone();
  }

  /** Cancels what no worker has begun. */
  cancelWaiting(reason: () => unknown): void {
    for (const call of this.#backlog.waiting()) this.cancel(call, reason(), false);
    for (const worker of this.#workers) {
      for (const call of [...worker.calls.values()]) {
        if (!worker.hasBegun(call)) this.cancel(call, reason(), false);
      }
    }
  }

  /** Ends all at once. */
  terminate(): void {
    this.close();
    const reason = () => new CancelledError("The call was cancelled: its pool was terminated");
    this.cancelWaiting(reason);
    for (const worker of [...this.#workers]) {
      for (const call of worker.calls.values()) {
        if (call.state === ENDED) continue;
        call.isCancelled = true;
        this.#failed++;
        call.end({ ok: false, error: reason() });
      }
      this.#kill(worker);
    }
  }

  /** Settles when all workers have ended. */
  async gone(): Promise<void> {
    await this.idle;
    while (this.#workers.size > 0) {
      await Promise.all([...this.#workers].map((worker) => worker.lane.ended));
      await Promise.resolve();
    }
    clearTimeout(this.#resting);
    clearTimeout(this.#falling);
    clearTimeout(this.#growing);
  }

  /** Blocks the thread until all workers have ended; false when the time is up first. */
  goneSync(timeout: number): boolean {
    const deadline = performance.now() + timeout;
    if (!blockUntil(() => this.#open === 0, () => this.poll(), timeout)) return false;
    return [...this.#workers].every(({ lane }) =>
      lane.joinSync(Math.max(0, deadline - performance.now()))
    );
  }

  #workerOf(call: Call): Worker | undefined {
    for (const worker of this.#workers) if (worker.calls.get(call.id) === call) return worker;
    return undefined;
  }

  #drop(call: Call, reason: unknown, isCancelled = true): boolean {
    call.isCancelled = isCancelled;
    this.#failed++;
    const ended = call.end({ ok: false, error: reason });
    this.#closeOne();
    return ended;
  }

  /** There is something to do: the program lives on, and a blocked thread goes on serving. */
  #wakeUp(): void {
    this.#idle = Promise.withResolvers<void>();
    this.#alive = setInterval(() => {}, 1 << 30);
    for (const { lane } of this.#workers) lane.wake();
    clearTimeout(this.#falling);
    services.add(this.#serve);
    this.#letGo = holdInterrupts(this);
  }

  #closeOne(): void {
    if (--this.#open > 0) return;
    clearInterval(this.#alive);
    services.delete(this.#serve);
    this.#letGo?.();
    this.#rest();
    this.#idle.resolve();
    this.#retireIfDone();
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Gives the workers what waits, as far as there is room. */
  #flush(): void {
    this.#isFlushing = false;
    if (this.#hasPriorities) this.#makeWay();
    const depth = this.#depth();
    const ready = [...this.#workers].filter((worker) => worker.state === READY);
    for (let next = this.#backlog.first; next !== undefined; next = this.#backlog.first) {
      let best: Worker | undefined;
      for (const worker of ready) {
        if (worker.state !== READY || worker.room(depth, next) <= 0) continue;
        if (best === undefined || worker.calls.size < best.calls.size) best = worker;
      }
      if (best === undefined) break;
      const share = Math.ceil(this.#backlog.size / ready.length);
      this.#give(best, Math.min(best.room(depth, next), share));
    }
    for (const worker of this.#workers) worker.send();
    this.#grow();
    this.#balance();
  }

  /** Takes calls back that have not begun, for one that comes before them. */
  #makeWay(): void {
    const priority = this.#backlog.first?.options.priority ?? 0;
    const back: Call[] = [];
    for (const worker of this.#workers) {
      for (const call of [...worker.calls.values()]) {
        if ((call.options.priority ?? 0) >= priority || !worker.withdraw(call)) continue;
        call.state = QUEUED;
        back.push(call);
      }
    }
    this.#backlog.putBack(back.sort((a, b) => a.id - b.id));
  }

  #depth(): number {
    if (this.#mean < 0) return LEAST_AHEAD;
    return Math.max(LEAST_AHEAD, Math.min(MOST_AHEAD, Math.ceil(AHEAD / this.#mean)));
  }

  #give(worker: Worker, count: number): void {
    const left = this.#options.maxTasksPerWorker - worker.given;
    for (let k = 0; k < Math.min(count, left); k++) {
      if (k > 0 && this.#backlog.first !== undefined && isForOnce(this.#backlog.first.payload)) {
        break;
      }
      const call = this.#backlog.shift();
      if (call === undefined) break;
      worker.give(call);
      const { timeout } = call.options;
      if (timeout !== undefined && timeout !== Infinity) this.#watch(worker, call, timeout);
    }
    if (worker.given >= this.#options.maxTasksPerWorker) this.#retire(worker);
  }

  /** Ends a call when it has run for too long. */
  #watch(worker: Worker, call: Call, timeout: number): void {
    const timer = setTimeout(() => {
      if (call.state === ENDED || worker.calls.get(call.id) !== call) return;
      const began = worker.hasBegun(call);
      const ran = began ? worker.lane.tickets?.ranFor(now()) ?? timeout : 0;
      if (ran < timeout) return this.#watch(worker, call, Math.max(1, timeout - ran));
      const reason = new TimeoutError(
        `${show(call.target.name)} has run for longer than ${call.options.timeout} ms`,
      );
      this.cancel(call, reason, true);
    }, timeout);
    timer.unref();
    call.whenEnded(() => clearTimeout(timer));
  }

  /** Takes calls back that wait behind a long one, for workers that have nothing to do. */
  #balance(): void {
    if (this.#backlog.size > 0) return;
    const free = [...this.#workers].filter((w) => w.state === READY && w.calls.size === 0);
    if (free.length === 0) return;
    let later = false;
    const back: Call[] = [];
    for (const worker of this.#workers) {
      if (worker.calls.size < 2 || worker.lane.tickets === undefined) continue;
      if (worker.lane.tickets.ranFor(now()) < LONG) {
        later = true;
        continue;
      }
      for (const call of [...worker.calls.values()].slice(1)) {
        if (back.length < free.length && worker.withdraw(call)) {
          call.state = QUEUED;
          back.push(call);
        }
      }
    }
    if (back.length > 0) {
      this.#backlog.putBack(back);
      this.#flushSoon();
    } else if (later) {
      this.#balancing ??= setTimeout(() => {
        this.#balancing = undefined;
        this.#balance();
      }, LONG);
    }
  }

  /** Starts workers while there is work for them: one at a time, as each start blocks this thread. */
  #grow(): void {
    if (this.#growing !== undefined || !this.#wantsWorker()) return;
    this.#growing = setTimeout(() => {
      this.#growing = undefined;
      if (!this.#wantsWorker()) return;
      try {
        this.#start();
      } catch (cause) {
        return this.#break(cause);
      }
      this.#grow();
    }, 0);
  }

  #wantsWorker(): boolean {
    const { maxWorkers, minWorkers } = this.#options;
    const count = this.#workers.size;
    if (this.#broken !== undefined || count >= maxWorkers) return false;
    if (!this.#isClosed && count < minWorkers) return true;
    let starting = 0;
    let behind = 0;
    for (const worker of this.#workers) {
      if (worker.state === STARTING) starting++;
      behind += Math.max(0, worker.calls.size - 1);
    }
    return this.#backlog.size + behind > starting;
  }

  #start(): void {
    const { start, prefix, world, initArgs } = this.#options;
    const worker = new Worker(`${prefix}${this.#started++}`, world);
    const { payload } = write(initArgs, world, "initArgs");
    worker.lane = start({
      name: worker.name,
      modules: [...this.#modules].filter((module) => module === mainModule()),
      initializer: this.#initializer,
      initArgs: payload instanceof Uint8Array ? payload : payload.packed,
      hear: (head, value) => this.#hear(worker, head, value),
    }, () => this.poll());
    this.#workers.add(worker);
    worker.lane.ended.then((loss) => this.#lost(worker, loss));
  }

  #hear(worker: Worker, head: Head, value: Uint8Array | Packed): void {
    const { kind, id, third, fourth } = head;
    if (kind === HELLO) {
      this.#deaths = 0;
      if (worker.state === STARTING) worker.state = READY;
      this.#idles(worker);
      if (this.#open === 0) this.#rest();
      return this.#flushSoon();
    }
    if (kind === BROKEN) return this.#withModules(value, (it) => this.#break(readError(it)));
    const call = worker.calls.get(id);
    if (call === undefined) return;
    if (kind === REPORT) return this.#withModules(value, (it) => this.#report(call, it));
    worker.calls.delete(id);
    clearTimeout(worker.grace);
    worker.grace = undefined;
    call.items = fourth;
    call.micros = third;
    this.#count(call, third, fourth);
    this.#withModules(value, (it) => this.#settle(call, kind, it));
    if (worker.calls.size === 0) this.#idles(worker);
    this.#flushSoon();
  }

  /** Does something with a value once the modules are there that it needs; what comes first is done first. */
  #withModules(value: Uint8Array | Packed, fn: (value: Uint8Array | Packed) => void): void {
    const needs = missing(value);
    if (needs.length === 0 && this.#loading === undefined) return fn(value);
    const kept = value instanceof Uint8Array ? value.slice() : value;
    // A module that cannot be imported here costs an error its class, and a value its unpacking.
    const loading = (this.#loading ?? Promise.resolve()).then(() => loadAll(needs)).catch(() => {})
      .then(() => fn(kept)).then(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    this.#loading = loading;
  }

  #count(call: Call, micros: number, items: number): void {
    const mean = call.kind === CALL ? micros : micros / Math.max(1, items);
    this.#mean = this.#mean < 0 ? mean : this.#mean + (mean - this.#mean) * WEIGHT;
    this.#runTimes.add(micros);
    const waited = (this.#now - call.submitted) * 1000 - micros;
    this.#waitTimes.add(Math.max(0, waited));
  }

  #settle(call: Call, kind: number, value: Uint8Array | Packed): void {
    if (call.state !== ENDED) {
      let outcome;
      try {
        const it = read(value);
        outcome = kind === DONE
          ? { ok: true as const, value: it }
          : { ok: false as const, error: it };
      } catch (error) {
        outcome = { ok: false as const, error };
      }
      if (outcome.ok) this.#completed++;
      else this.#failed++;
      call.end(outcome);
    }
    this.#closeOne();
  }

  #report({ options: { onReport } }: Call, value: Uint8Array | Packed): void {
    if (onReport !== undefined) callSafely(() => onReport(read(value) as never));
  }

  /** There is nothing to be heard; when that lasts nobody listens, so that the program can end. */
  #rest(): void {
    clearTimeout(this.#falling);
    this.#falling = setTimeout(() => {
      for (const { lane, state } of this.#workers) if (state !== STARTING) lane.rest();
    }, AWAKE);
    this.#falling.unref();
  }

  /** Notes that a worker has nothing to do; it leaves when that lasts. */
  #idles(worker: Worker): void {
    worker.idleSince = performance.now();
    if (worker.state === RETIRING) return worker.stop();
    if (this.#isClosed) return this.#retireIfDone();
    const { idleTimeout } = this.#options;
    if (idleTimeout === Infinity || this.#resting !== undefined) return;
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      this.#leaveIdle();
    }, idleTimeout);
    this.#resting.unref();
  }

  #leaveIdle(): void {
    const { idleTimeout, minWorkers } = this.#options;
    const idle = [...this.#workers].filter((w) => w.state === READY && w.calls.size === 0);
    let count = this.#workers.size;
    for (const worker of idle) {
      if (performance.now() - worker.idleSince < idleTimeout - 1) this.#idles(worker);
      else if (count > minWorkers) {
        count--;
        this.#retire(worker);
      }
    }
  }

  #retire(worker: Worker): void {
    if (worker.state === RETIRING || worker.state === GONE) return;
    worker.state = RETIRING;
    if (worker.calls.size === 0) worker.stop();
  }

  #retireIfDone(): void {
    if (!this.#isClosed || this.#open > 0) return;
    clearTimeout(this.#balancing);
    for (const worker of this.#workers) this.#retire(worker);
  }

  #kill(worker: Worker): void {
    clearTimeout(worker.grace);
    worker.lane.kill();
  }

  /** Puts right what a worker leaves behind that has ended. */
  #lost(worker: Worker, loss: Loss): void {
    const wasReady = worker.state !== STARTING;
    worker.state = GONE;
    this.#workers.delete(worker);
    clearTimeout(worker.grace);
    const back: Call[] = [];
    for (const call of worker.calls.values()) {
      if (call.state === ENDED) this.#closeOne();
      else if (!worker.hasBegun(call) && !isSpent(call.payload)) {
        call.state = QUEUED;
        back.push(call);
      } else if (call.retries-- > 0 && !isSpent(call.payload)) {
        call.state = QUEUED;
        back.push(call);
      } else {
        loseAll(call.flights);
        this.#failed++;
        call.end({ ok: false, error: lostError(call, worker, loss) });
        this.#closeOne();
      }
    }
    worker.calls.clear();
    this.#backlog.putBack(back);
    if (!wasReady && ++this.#deaths >= TRIES) {
      const how = `${TRIES} workers in a row ended before they were ready, the last of them ${
        endOf(loss)
      }`;
      return this.#break(loss.error, how);
    }
    if (this.#broken !== undefined) return this.#failWaiting(this.#broken);
    this.#grow();
    this.#flushSoon();
  }

  /** No worker will ever be ready. */
  #break(cause: unknown, how = "the initializer failed"): void {
    if (this.#broken !== undefined) return;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    this.#broken = new BrokenExecutor(`The pool is broken: ${how}${why}`, { cause });
    this.#isClosed = true;
    this.#failWaiting(this.#broken);
    for (const worker of this.#workers) this.#kill(worker);
  }

  #failWaiting(broken: BrokenExecutor): void {
    for (const call of this.#backlog.waiting()) {
      this.#backlog.dropped();
      loseAll(call.flights);
      this.#drop(call, brokenAgain(broken), false);
    }
  }
}

function brokenAgain({ message, cause }: BrokenExecutor): BrokenExecutor {
  return new BrokenExecutor(message, { cause });
}

function readError(value: Uint8Array | Packed): unknown {
  try {
    return read(value);
  } catch (error) {
    return error;
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function show(name: string): string {
  return JSON.stringify(name);
}

/** How a worker ended, in words. */
function endOf({ exitcode, signal, error }: Loss): string {
  if (signal !== null) return `was killed by ${signal}`;
  if (error instanceof WorkerLostError) return `ended: ${error.message}`;
  if (error !== null) return `ended by an uncaught error: ${error.message}`;
  return exitcode === null ? "was terminated" : `ended with exit code ${exitcode}`;
}

function lostError(call: Call, worker: Worker, loss: Loss): WorkerLostError {
  const lost = new WorkerLostError(
    `${show(call.target.name)} was lost: its worker ${worker.title} ${endOf(loss)}`,
    loss,
  );
  if (loss.error !== null) lost.cause = loss.error;
  return lost;
}
