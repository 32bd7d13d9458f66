/**
 * The engine of every pool and executor: the life of calls, from `submit()` to their end. Who runs
 * them is the crew's business, who gets which the schedule's.
 *
 * Who dies when:
 *
 * - a worker before it is ready: another is started, a few times; then the pool is broken, and all
 *   that waits fails;
 * - a worker in the midst of a call: what it had said is heard; the call fails or is tried again,
 *   those behind it go to others, in front of the rest;
 * - the pool's own thread: its workers end with it.
 *
 * @module
 */
import { BrokenExecutor, CancelledError, TimeoutError, WorkerLostError } from "../core/errors.ts";
import { Countdown, holdProgram } from "../core/promises.ts";
import type { Outcome } from "../child/outcome.ts";
import { services } from "../sync/steps.ts";
import { loseAll } from "../transfer/flight.ts";
import { messageOf } from "../transfer/failure.ts";
import type { Packed } from "../transfer/pack.ts";
import { packFor } from "../transfer/flight.ts";
import type { World } from "../transfer/shareable.ts";
import { admit, type Reference, referTo, type Target } from "../transfer/task.ts";
import { callSafely } from "./async_result.ts";
import { Call, type CallOptions, ENDED, GIVEN, QUEUED } from "./call.ts";
import { describeLoss, type Employer, Workers } from "./workers.ts";
import { blockUntil } from "./completion.ts";
import {
  CALL,
  type CallKind,
  DONE,
  FAILED,
  REPORT,
  START_FAILED,
  STARTED,
} from "./transport/frames.ts";
import { holdInterrupts, interruption } from "./interrupt.ts";
import type { Loss } from "./transport/transport.ts";
import type { EngineOptions, PoolStats } from "./options.ts";
import { isSpent, missingModules, readValue, writeArgs, writeValue } from "./payload.ts";
import { Schedule } from "./schedule.ts";
import { now } from "../core/machine.ts";
import { Times } from "./stats.ts";
import type { Worker } from "./worker.ts";

/** A map, as far as its engine is concerned. */
export interface EngineMap {
  /** Ends it by an error once its calls that run have ended; the others are cancelled. */
  interrupt(error: CancelledError): void;
}

let ids = 0;
const NO_OPTIONS: CallOptions = {};
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
  readonly #workers: Workers;
  readonly #schedule: Schedule;
  readonly #runTimes = new Times();
  readonly #waitTimes = new Times();
  /** When the workers were listened to last, and when the latest call was submitted, in ticks. */
  #heardAt = 0;
  #submittedAt = 0;
  #untilLook = 0;
  #completed = 0;
  #failed = 0;
  /** How many calls have been submitted and have not ended, or still run. */
  #open = 0;
  #isClosed = false;
  /** The maps that are under way; one that nobody takes from any more may go. */
  readonly #maps = new Set<WeakRef<EngineMap>>();
  /**
   * Ctrl-C was pressed: until the calls that run have ended there are no new ones; and if there was
   * nothing to cancel, the next one is cancelled instead, so that somebody is told.
   */
  #interrupted: "ending" | "untold" | undefined;
  /** Settles when the modules are loaded that what was heard so far needs. */
  #loading: Promise<void> | undefined;
  #release: (() => void) | undefined;
  #letGo: (() => void) | undefined;
  #idle = Promise.withResolvers<void>();
  readonly #serve = (): boolean => this.poll();

  constructor(options: EngineOptions) {
    this.#options = options;
    loseAll(writeValue(options.initArgs, options.world, "initArgs").flights);
    this.#workers = new Workers(options, this.#asEmployer());
    this.#schedule = new Schedule(
      this.#workers,
      options.maxTasksPerWorker,
      (worker, call) => this.#watch(worker, call, call.options.timeout ?? Infinity),
      (call, error) => {
        this.#fail(call, error);
        this.#closeOne();
      },
    );
    this.#idle.resolve();
    this.#workers.grow();
  }

  /** What it has done and does. */
  get stats(): PoolStats {
    let running = 0;
    let given = 0;
    for (const worker of this.#workers.all) {
      given += worker.calls.size;
      for (const call of worker.calls.values()) if (worker.hasBegun(call)) running++;
    }
    return {
      queued: this.#schedule.backlog.size + given - running,
      running,
      completed: this.#completed,
      failed: this.#failed,
      workers: this.#workers.all.size,
      runTime: this.#runTimes.summary(),
      waitTime: this.#waitTimes.summary(),
    };
  }

  /** What it shows of itself. */
  get parts(): string[] {
    const { running, queued, workers } = this.stats;
    if (this.isBroken) return ["broken"];
    const now = [`${workers} workers`, `${running} running`, `${queued} queued`];
    return this.#isClosed ? ["closed", ...workers > 0 ? now : []] : now;
  }

  /** What its workers are. */
  get world(): World {
    return this.#options.world;
  }

  /** How many workers it may have. */
  get maxWorkers(): number {
    return this.#options.maxWorkers;
  }

  /** Whether its workers cannot start. */
  get isBroken(): boolean {
    return this.#workers.broken !== undefined;
  }

  /** Whether it takes no calls any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many calls wait. */
  get waiting(): number {
    let waiting = this.#schedule.backlog.size;
    for (const { calls } of this.#workers.all) waiting += Math.max(0, calls.size - 1);
    return waiting;
  }

  /**
   * Submits a call.
   *
   * @throws {TypeError} No worker could find the target.
   * @throws {ShareError} An argument cannot cross.
   * @throws {BrokenExecutor} Its workers cannot start.
   */
  submit(
    target: unknown,
    args: unknown[],
    options: CallOptions & { transfer?: Transferable[] | undefined } = NO_OPTIONS,
    kind: CallKind = CALL,
  ): Call {
    const { broken } = this.#workers;
    if (broken !== undefined) throw brokenAgain(broken);
    if (this.#interrupted !== undefined) throw this.#refusal();
    const reference = referenceOf(target);
    this.#workers.needs(reference);
    const { world, level, mayMap } = this.#options;
    const payload = level === "equal"
      ? writeArgs(args, world, options.transfer)
      : packFor(level, () => writeArgs(args, world, options.transfer), mayMap);
    // The first worker is started here, so that what keeps it from starting is told here.
    if (this.#workers.all.size === 0) {
      try {
        this.#workers.start();
      } catch (error) {
        loseAll(payload.flights);
        throw error;
      }
    }
    const size = kind === CALL ? 1 : args.length;
    const call = new Call(++ids, kind, reference, payload, this.#clock(), options, size);
    if (this.#open++ === 0) this.#wakeUp();
    this.#schedule.add(call);
    return call;
  }

  /** Whether a call has been begun. */
  isRunning(call: Call): boolean {
    return call.state === GIVEN && this.#workerOf(call)?.hasBegun(call) === true;
  }

  /**
   * Ends a call that nobody wants any more.
   *
   * @param running Whether also one that has been begun.
   * @returns Whether it was ended so.
   */
  cancel(call: Call, reason: unknown, running: boolean): boolean {
    if (call.state === ENDED) return false;
    const worker = this.#workerOf(call);
    if (call.state === QUEUED) this.#schedule.backlog.dropped();
    else if (worker?.withdraw(call) === true) this.#schedule.soon();
    else return running && worker !== undefined && this.#cancelRunning(worker, call, reason);
    loseAll(call.payload.flights);
    call.isCancelled = true;
    this.#fail(call, reason);
    this.#closeOne();
    return true;
  }

  /**
   * Hears what the workers have said, also while the thread blocks; whether there was something.
   */
  poll(): boolean {
    let any = false;
    this.#heardAt = ticks();
    for (const { transport } of this.#workers.all) {
      any = transport.drain() || any;
      // It need not wait for its next calls until all have been heard.
      this.#schedule.now();
    }
    return any;
  }

  /** Refuses further calls; the workers end when there is nothing left to do. */
  close(cancel = false): void {
    this.#isClosed = true;
    if (cancel) {
      this.cancelWaiting(() => new CancelledError("The call was cancelled by a shutdown"));
    }
    this.#workers.close();
  }

  /** Notes a map that is under way; Ctrl-C ends it. */
  begin(map: WeakRef<EngineMap>): void {
    this.#maps.add(map);
  }

  /** Notes that it is over. */
  over(map: WeakRef<EngineMap>): void {
    this.#maps.delete(map);
  }

  /** Settles when all calls have ended that there are. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  /**
   * Ctrl-C: cancels what no worker has begun; gives how many calls run. Who waits is told when
   * those have ended.
   */
  interrupt(): number {
    const failed = this.#failed;
    const isMapping = this.#maps.size > 0;
    this.#interrupted = "ending";
    for (const map of [...this.#maps]) {
      map.deref()?.interrupt(interruption("The map was cancelled by Ctrl-C"));
    }
    const reason = () => interruption("The call was cancelled by Ctrl-C");
    this.cancelWaiting(reason, this.#idle.promise);
    const isTold = isMapping || this.#failed > failed;
    const { running } = this.stats;
    this.#idle.promise.then(() => this.#interrupted = isTold ? undefined : "untold");
    return running;
  }

  #refusal(): CancelledError {
    if (this.#interrupted === "untold") this.#interrupted = undefined;
    return interruption("Cannot submit a call: cancelled by Ctrl-C");
  }

  /** Cancels what no worker has begun. */
  cancelWaiting(reason: () => unknown, told?: Promise<void>): void {
    const waiting = this.#schedule.backlog.waiting();
    for (const worker of this.#workers.all) {
      for (const call of worker.calls.values()) if (!worker.hasBegun(call)) waiting.push(call);
    }
    for (const call of waiting) {
      call.told = told;
      if (!this.cancel(call, reason(), false)) call.told = undefined;
    }
  }

  /** Ends all at once. */
  terminate(): void {
    this.close();
    const reason = () => new CancelledError("The call was cancelled: its pool was terminated");
    this.cancelWaiting(reason);
    for (const worker of [...this.#workers.all]) {
      for (const call of worker.calls.values()) {
        if (call.state === ENDED) continue;
        call.isCancelled = true;
        this.#fail(call, reason());
      }
      this.#workers.kill(worker);
    }
  }

  /** Settles when there is nothing left to do and all workers have ended. */
  async gone(): Promise<void> {
    await this.#idle.promise;
    await this.#workers.gone();
    this.#schedule.stop();
  }

  /** As {@linkcode gone}, but blocks the thread; false when the time is up first. */
  goneSync(timeout: number): boolean {
    const deadline = performance.now() + timeout;
    const isDone = blockUntil(() => this.#open === 0, () => this.poll(), timeout);
    return isDone && this.#workers.goneSync(deadline);
  }

  #asEmployer(): Employer {
    const isBusy = () => this.#open > 0;
    const unserved = () => this.waiting;
    return {
      get isBusy() {
        return isBusy();
      },
      get unserved() {
        return unserved();
      },
      poll: () => this.poll(),
      hear: (worker, kind, id, third, fourth, value) =>
        this.#hear(worker, kind, id, third, fourth, value),
      faulty: (worker, what) => this.#distrust(worker, what),
      lost: (worker, loss) => this.#lost(worker, loss),
      broke: (broken) => {
        this.#isClosed = true;
        this.#failWaiting(broken);
      },
    };
  }

  /** When a call is submitted, in ticks; of many in a row not each looks at the clock. */
  #clock(): number {
    if (this.#untilLook-- <= 0 || this.#open === 0) {
      this.#untilLook = LOOK_EVERY;
      this.#submittedAt = ticks();
    }
    return this.#submittedAt;
  }

  #workerOf(call: Call): Worker | undefined {
    for (const worker of this.#workers.all) if (worker.calls.get(call.id) === call) return worker;
    return undefined;
  }

  /** Its result is not waited for any more; it counts as open until its worker is done with it. */
  #cancelRunning(worker: Worker, call: Call, reason: unknown): boolean {
    worker.cancel(call, reason);
    worker.grace ??= new Countdown(this.#options.grace, () => this.#workers.kill(worker));
    call.isCancelled = true;
    return this.#fail(call, reason);
  }

  #fail(call: Call, error: unknown): boolean {
    this.#failed++;
    return call.end({ ok: false, error });
  }

  /** There is something to do: the program lives on, and a blocked thread goes on serving. */
  #wakeUp(): void {
    this.#idle = Promise.withResolvers<void>();
    this.#release = holdProgram();
    this.#workers.wake();
    services.add(this.#serve);
    this.#letGo = holdInterrupts(this);
  }

  #closeOne(): void {
    if (--this.#open > 0) return;
    this.#release?.();
    services.delete(this.#serve);
    this.#letGo?.();
    this.#workers.rest();
    this.#idle.resolve();
    if (this.#isClosed) this.#workers.close();
  }

  /** Ends a call when it has run for too long. */
  #watch(worker: Worker, call: Call, timeout: number): void {
    if (timeout === Infinity) return;
    const look = () => {
      if (call.state === ENDED || worker.calls.get(call.id) !== call) return;
      const began = worker.hasBegun(call);
      const ran = began ? worker.transport.claims?.ranFor(now()) ?? timeout : 0;
      if (ran < timeout) return this.#watch(worker, call, Math.max(1, timeout - ran));
      const name = JSON.stringify(call.target.name);
      const limit = call.options.timeout;
      this.cancel(call, new TimeoutError(`${name} has run for longer than ${limit} ms`), true);
    };
    const timer = new Countdown(timeout, look).unref();
    call.whenEnded(() => timer.cancel());
  }

  #hear(
    worker: Worker,
    kind: number,
    id: number,
    third: number,
    fourth: number,
    value: Uint8Array | Packed,
  ): void {
    // What was on its way when it was stopped.
    if (worker.fault !== undefined) return;
    if (kind === DONE || kind === FAILED) {
      return this.#hearEnd(worker, kind, id, third, fourth, value);
    }
    if (kind === REPORT) {
      const call = worker.calls.get(id);
      return call && this.#withModules(worker, value, (it) => this.#report(call, it));
    }
    if (kind !== STARTED && kind !== START_FAILED) {
      return this.#distrust(worker, `the word ${kind}`);
    }
    if (worker.hasStarted) return this.#distrust(worker, "twice how its start ended");
    worker.hasStarted = true;
    if (kind === START_FAILED) return this.#withModules(worker, value, (it) => this.#break(it));
    this.#workers.isReady(worker);
    this.#schedule.soon();
  }

  #hearEnd(
    worker: Worker,
    kind: number,
    id: number,
    third: number,
    fourth: number,
    value: Uint8Array | Packed,
  ): void {
    const size = worker.calls.get(id)?.size;
    if (size === undefined) {
      return this.#distrust(worker, "the end of a call that it does not have");
    }
    if (fourth < 0 || fourth > size || kind === DONE && fourth < size) {
      return this.#distrust(worker, `the end of ${fourth} items, of ${size}`);
    }
    const needs = this.#needsOf(worker, value);
    if (needs === undefined) return;
    const call = worker.finish(id)!;
    if (worker.grace !== undefined) {
      worker.grace.cancel();
      worker.grace = undefined;
    }
    this.#workers.hasServed(worker);
    this.#count(call, third, fourth);
    if (this.#loading === undefined && needs.length === 0) {
      this.#settle(worker, call, kind, value);
    } else this.#withModules(worker, value, (it) => this.#settle(worker, call, kind, it));
    if (worker.calls.size === 0) this.#workers.idles(worker);
    this.#schedule.soon();
  }

  /** A worker has said what no worker says: it is stopped, which costs what it runs. */
  #distrust(worker: Worker, what: string): void {
    if (worker.fault !== undefined) return;
    worker.fault = `was stopped, as it said what no worker may say: ${what}`;
    this.#workers.kill(worker);
  }

  #break(value: Uint8Array | Packed): void {
    const { error } = this.#outcomeOf(FAILURE, value);
    this.#workers.break(error, `the initializer failed: ${messageOf(error)}`);
  }

  /** The modules that a value needs; undefined if it is none, which its worker pays for. */
  #needsOf(worker: Worker, value: Uint8Array | Packed): string[] | undefined {
    try {
      return this.#missing(value);
    } catch (error) {
      this.#distrust(worker, `a value that is none (${messageOf(error)})`);
      return undefined;
    }
  }

  /**
   * Does something with a value once the modules are there that it needs; what comes first is done
   * first.
   */
  #withModules(
    worker: Worker,
    value: Uint8Array | Packed,
    fn: (value: Uint8Array | Packed) => void,
  ): void {
    const needs = this.#needsOf(worker, value);
    if (needs === undefined) return;
    if (needs.length === 0 && this.#loading === undefined) return fn(value);
    const kept = value instanceof Uint8Array ? value.slice() : value;
    // A module that cannot be imported here costs an error its class, and a value its unpacking.
    const { level } = this.#options;
    const loading = (this.#loading ?? Promise.resolve()).then(() => admit(needs, level))
      .catch(() => {}).then(() => fn(kept)).then(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    this.#loading = loading;
  }

  /** The modules that are to be loaded before a worker's value is read. */
  #missing(value: Uint8Array | Packed): string[] {
    return missingModules(value, this.#options.level);
  }

  #outcomeOf(kind: typeof FAILURE, value: Uint8Array | Packed): Outcome & { ok: false };
  #outcomeOf(kind: number, value: Uint8Array | Packed): Outcome;
  #outcomeOf(kind: number, value: Uint8Array | Packed): Outcome {
    try {
      const it = readValue(value, this.#options.level);
      return kind === DONE ? { ok: true, value: it } : { ok: false, error: it };
    } catch (error) {
      return { ok: false, error };
    }
  }

  #count(call: Call, micros: number, items: number): void {
    call.items = items;
    call.micros = micros;
    this.#schedule.learn(call.kind === CALL ? micros : micros / Math.max(1, items));
    this.#runTimes.add(micros);
    this.#waitTimes.add(Math.max(0, (this.#heardAt - call.submitted) * TICK - micros));
  }

  #settle(worker: Worker, call: Call, kind: number, value: Uint8Array | Packed): void {
    if (call.state !== ENDED) {
      let outcome = this.#outcomeOf(kind, value);
      if (outcome.ok && !hasResults(call, outcome.value)) {
        this.#distrust(worker, "not one result for each item");
        outcome = { ok: false, error: lostError(call, worker, STOPPED) };
      }
      if (outcome.ok) this.#completed++;
      else this.#failed++;
      call.end(outcome);
    }
    this.#closeOne();
  }

  #report({ options: { onReport } }: Call, value: Uint8Array | Packed): void {
    if (onReport === undefined) return;
    callSafely(() => onReport(readValue(value, this.#options.level) as never));
  }

  /** Puts right what a worker leaves behind that has ended; gives whether that cost a call. */
  #lost(worker: Worker, loss: Loss): boolean {
    const { size } = worker.calls;
    const back: Call[] = [];
    let untouched = 0;
    for (const call of worker.calls.values()) {
      if (call.state === ENDED) this.#closeOne();
      else if (!isSpent(call.payload) && !worker.hasBegun(call)) {
        untouched++;
        back.push(call);
      } else if (!isSpent(call.payload) && call.retries-- > 0) back.push(call);
      else {
        loseAll(call.payload.flights);
        this.#fail(call, lostError(call, worker, loss));
        this.#closeOne();
      }
    }
    worker.calls.clear();
    this.#schedule.putBack(back);
    if (this.#workers.broken !== undefined) this.#failWaiting(this.#workers.broken);
    return untouched < size;
  }

  #failWaiting(broken: BrokenExecutor): void {
    for (const call of this.#schedule.backlog.waiting()) {
      this.#schedule.backlog.dropped();
      loseAll(call.payload.flights);
      this.#fail(call, brokenAgain(broken));
      this.#closeOne();
    }
  }
}

/** How long a tick is, in µs: so that hours of them are a small integer. */
const TICK = 16;
/** How many calls that are submitted in a row look at the clock once. */
const LOOK_EVERY = 8;

function ticks(): number {
  return performance.now() * 1000 / TICK | 0;
}

/** What is read as an error. */
const FAILURE = -1;

/** The end of a worker that is being stopped. */
const STOPPED: Loss = { exitcode: null, signal: null, error: null };

/** Whether a value is what a call gives: of a chunk one result for each item. */
function hasResults({ kind, size }: Call, value: unknown): boolean {
  return kind === CALL || Array.isArray(value) && value.length === size;
}

function brokenAgain({ message, cause }: BrokenExecutor): BrokenExecutor {
  return new BrokenExecutor(message, { cause });
}

function lostError(call: Call, worker: Worker, loss: Loss): WorkerLostError {
  const name = JSON.stringify(call.target.name);
  const lost = new WorkerLostError(
    `${name} was lost: its worker ${worker.title} ${worker.fault ?? describeLoss(loss)}`,
    loss,
  );
  if (loss.error !== null) lost.cause = loss.error;
  return lost;
}
