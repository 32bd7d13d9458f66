/**
 * The engine of every pool and executor: the life of calls, from `submit()` to their end. Who runs
 * them is the workers' business, who gets which the schedule's.
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
import { BrokenExecutor, CancelledError, TimeoutError } from "../core/errors.ts";
import { services } from "../core/hooks.ts";
import { Countdown, holdProgram } from "../core/promises.ts";
import { messageOf } from "../transfer/failure.ts";
import type { Packed } from "../transfer/pack.ts";
import { loseAll, packFor } from "../transfer/flight.ts";
import { callSafely } from "./async_result.ts";
import { Backlog } from "./backlog.ts";
import {
  Call,
  type Caller,
  type CallerMap,
  type CallOptions,
  ENDED,
  GIVEN,
  knownReference,
  QUEUED,
} from "./call.ts";
import { blockUntil } from "./completion.ts";
import {
  CALL,
  type CallKind,
  DONE,
  FAILED,
  type ReplyHead,
  REPORT,
  START_FAILED,
  STARTED,
} from "./transport/frames.ts";
import { holdInterrupts, interruption } from "./interrupt.ts";
import { type Loss, STOPPED, type Transport } from "./transport/transport.ts";
import type { EngineOptions } from "./options.ts";
import { isSpent, writeArgs, writePayload } from "./payload.ts";
import { ReplyReader } from "./reply_reader.ts";
import { Schedule } from "./schedule.ts";
import { now } from "../core/environment.ts";
import { CallStats, type PoolStats } from "./stats.ts";
import { GONE, type Worker } from "./worker.ts";
import { type Connect, Workers } from "./workers.ts";

let ids = 0;
const NO_OPTIONS: CallOptions = {};

/** Calls, and the workers that run them. */
export class Engine implements Caller {
  readonly #options: EngineOptions;
  readonly #workers: Workers;
  readonly #backlog = new Backlog();
  readonly #schedule: Schedule;
  readonly #reader: ReplyReader;
  readonly #stats = new CallStats();
  /** The number of calls that have been submitted and have not ended, or still run. */
  #open = 0;
  #isClosed = false;
  /** The maps that are under way; one that nobody takes from any more may go. */
  readonly #maps = new Set<WeakRef<CallerMap>>();
  /**
   * Ctrl-C was pressed: until the calls that run have ended there are no new ones; and if there was
   * nothing to cancel, the next one is cancelled instead, so that somebody is told.
   */
  #interrupted: "ending" | "untold" | undefined;
  #release: (() => void) | undefined;
  #letGo: (() => void) | undefined;
  #idle = Promise.withResolvers<void>();
  readonly #serve = (): boolean => this.poll();
  readonly #serveBlocked = (): boolean => {
    const any = this.poll();
    const dead = this.#workers.endedNow();
    for (const [worker, loss] of dead) {
      this.#lost(worker, loss);
      // The timer of the event loop, by which workers are started, cannot go off.
      this.#workers.growNow();
    }
    return any || dead.length > 0;
  };
  /** As {@linkcode Workers.checkHeard}. */
  readonly checkHeard = (): void => this.#workers.checkHeard();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#reader = new ReplyReader(options.level);
    loseAll(writePayload(options.initArgs, options.world, "initArgs").flights);
    this.#workers = new Workers(
      options,
      this.#backlog,
      (worker, boot) => this.#connect(worker, boot),
      (error) => {
        this.#isClosed = true;
        this.#failWaiting(error);
      },
    );
    this.#schedule = new Schedule(
      this.#workers,
      this.#backlog,
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

  /** The figures of what it has done and does. */
  get stats(): PoolStats {
    const { completed, failed, runTime, waitTime } = this.#stats.summary();
    let running = 0;
    let given = 0;
    for (const worker of this.#workers.all) {
      given += worker.calls.size;
      for (const call of worker.calls.values()) if (worker.hasBegun(call)) running++;
    }
    return {
      queued: this.#backlog.size + given - running,
      running,
      completed,
      failed,
      workers: this.#workers.all.size,
      runTime,
      waitTime,
    };
  }

  /** The parts of its text. */
  get parts(): string[] {
    const { running, queued, workers } = this.stats;
    if (this.isBroken) return ["broken"];
    const now = [`${workers} workers`, `${running} running`, `${queued} queued`];
    return this.#isClosed ? ["closed", ...workers > 0 ? now : []] : now;
  }

  /** The most workers that it may have. */
  get maxWorkers(): number {
    return this.#options.maxWorkers;
  }

  /** True if its workers cannot start. */
  get isBroken(): boolean {
    return this.#workers.broken !== undefined;
  }

  /** True if it takes no calls any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The number of calls that wait. */
  get waiting(): number {
    return this.#workers.waiting;
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
    const reference = knownReference(target);
    this.#workers.noteModule(reference);
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
    const submitted = this.#stats.submits(this.#open === 0);
    const call = new Call(++ids, kind, reference, payload, submitted, options, size);
    if (this.#open++ === 0) this.#wakeUp();
    this.#schedule.add(call);
    return call;
  }

  /** Holds a value against what can cross to its workers. */
  check(value: unknown, root: string): void {
    loseAll(writePayload(value, this.#options.world, root).flights);
  }

  /** True if a call has been begun. */
  isRunning(call: Call): boolean {
    return call.state === GIVEN && this.#workerOf(call)?.hasBegun(call) === true;
  }

  /**
   * Ends a call that nobody wants any more.
   *
   * @param running True if also one that has been begun.
   * @returns True if it was ended so.
   */
  cancel(call: Call, reason: unknown, running: boolean): boolean {
    if (call.state === ENDED) return false;
    const worker = this.#workerOf(call);
    if (call.state === QUEUED) this.#backlog.dropped();
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
    this.#stats.hearsNow();
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
  noteMap(map: WeakRef<CallerMap>): void {
    this.#maps.add(map);
  }

  /** Notes that it is over. */
  forgetMap(map: WeakRef<CallerMap>): void {
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
    const { failed } = this.#stats;
    const isMapping = this.#maps.size > 0;
    this.#interrupted = "ending";
    for (const map of [...this.#maps]) {
      map.deref()?.interrupt(interruption("The map was cancelled by Ctrl-C"));
    }
    const reason = () => interruption("The call was cancelled by Ctrl-C");
    this.cancelWaiting(reason, this.#idle.promise);
    const isTold = isMapping || this.#stats.failed > failed;
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
    const waiting = this.#backlog.waiting();
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
    const isDone = blockUntil(() => this.#open === 0, [this], timeout);
    return isDone && this.#workers.goneSync(deadline);
  }

  #connect(worker: Worker, boot: Parameters<Connect>[1]): Transport {
    const transport = this.#options.start({
      ...boot,
      hear: (reply, value) => this.#hear(worker, reply, value),
      faulty: (what) => this.#distrust(worker, what),
    }, this.#serve);
    transport.ended.then((loss) => this.#lost(worker, loss));
    return transport;
  }

  #workerOf(call: Call): Worker | undefined {
    for (const worker of this.#workers.all) if (worker.calls.get(call.id) === call) return worker;
    return undefined;
  }

  /** Its result is not waited for any more; it counts as open until its worker is done with it. */
  #cancelRunning(worker: Worker, call: Call, reason: unknown): boolean {
    worker.cancel(call, reason);
    call.grace ??= new Countdown(
      call.options.grace ?? this.#options.grace,
      () => this.#workers.kill(worker),
    );
    call.isCancelled = true;
    return this.#fail(call, reason);
  }

  #fail(call: Call, error: unknown): boolean {
    this.#stats.failed++;
    return call.end({ ok: false, error });
  }

  /** There is something to do: the program lives on, and a blocked thread goes on serving. */
  #wakeUp(): void {
    this.#idle = Promise.withResolvers<void>();
    this.#release = holdProgram();
    this.#workers.wake();
    services.add(this.#serveBlocked);
    this.#letGo = this.#options.isHidden ? undefined : holdInterrupts(this);
  }

  #closeOne(): void {
    if (--this.#open > 0) return;
    this.#release?.();
    services.delete(this.#serveBlocked);
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

  #hear(worker: Worker, reply: ReplyHead, value: Uint8Array | Packed): void {
    // What was on its way when it was stopped.
    if (worker.fault !== undefined) return;
    const { kind, id } = reply;
    if (kind === DONE || kind === FAILED) return this.#hearEnd(worker, reply, value);
    if (kind === REPORT) {
      const call = worker.calls.get(id);
      return call && this.#whenReady(worker, value, (it) => this.#report(call, it));
    }
    if (kind !== STARTED && kind !== START_FAILED) {
      return this.#distrust(worker, `the word ${kind}`);
    }
    if (worker.hasStarted) return this.#distrust(worker, "twice how its start ended");
    worker.hasStarted = true;
    if (kind === START_FAILED) return this.#whenReady(worker, value, (it) => this.#break(it));
    this.#workers.noteReady(worker);
    this.#schedule.soon();
  }

  #hearEnd(worker: Worker, reply: ReplyHead, value: Uint8Array | Packed): void {
    const { kind, id, micros, items } = reply;
    const size = worker.calls.get(id)?.size;
    if (size === undefined) {
      return this.#distrust(worker, "the end of a call that it does not have");
    }
    if (items < 0 || items > size || kind === DONE && items < size) {
      return this.#distrust(worker, `the end of ${items} items, of ${size}`);
    }
    const needs = this.#needsOf(worker, value);
    if (needs === undefined) return;
    const call = worker.finish(id)!;
    call.grace?.cancel();
    this.#workers.noteServed(worker);
    this.#count(call, micros, items);
    if (this.#reader.isReady(needs)) this.#settle(worker, call, kind, value);
    else this.#reader.whenReady(needs, value, (it) => this.#settle(worker, call, kind, it));
    if (worker.calls.size === 0) this.#workers.noteIdle(worker);
    this.#schedule.soon();
  }

  /** A worker has said what no worker says: it is stopped, which costs what it runs. */
  #distrust(worker: Worker, what: string): void {
    if (worker.fault !== undefined) return;
    worker.fault = `was stopped, as it said what no worker may say: ${what}`;
    this.#workers.kill(worker);
  }

  #break(value: Uint8Array | Packed): void {
    const error = this.#reader.error(value);
    this.#workers.break(error, `the initializer failed: ${messageOf(error)}`);
  }

  /** The modules that a value needs; undefined if it is none, which its worker pays for. */
  #needsOf(worker: Worker, value: Uint8Array | Packed): string[] | undefined {
    try {
      return this.#reader.needsOf(value);
    } catch (error) {
      this.#distrust(worker, `a value that is none (${messageOf(error)})`);
      return undefined;
    }
  }

  /** Does something with a value once the modules are there that it needs. */
  #whenReady(
    worker: Worker,
    value: Uint8Array | Packed,
    fn: (value: Uint8Array | Packed) => void,
  ): void {
    const needs = this.#needsOf(worker, value);
    if (needs !== undefined) this.#reader.whenReady(needs, value, fn);
  }

  #count(call: Call, micros: number, items: number): void {
    call.items = items;
    call.micros = micros;
    this.#schedule.learn(call.kind === CALL ? micros : micros / Math.max(1, items));
    this.#stats.add(micros, call.submitted);
  }

  #settle(worker: Worker, call: Call, kind: number, value: Uint8Array | Packed): void {
    if (call.state !== ENDED) {
      let outcome = this.#reader.outcome(kind, value);
      if (outcome.ok && !hasResults(call, outcome.value)) {
        this.#distrust(worker, "not one result for each item");
        outcome = { ok: false, error: worker.lostError(call, STOPPED) };
      }
      if (outcome.ok) this.#stats.completed++;
      else this.#stats.failed++;
      call.end(outcome);
    }
    this.#closeOne();
  }

  #report({ options: { onReport } }: Call, value: Uint8Array | Packed): void {
    if (onReport === undefined) return;
    callSafely(() => onReport(this.#reader.report(value) as never));
  }

  /** Puts right what a worker leaves behind that has ended. */
  #lost(worker: Worker, loss: Loss): void {
    // It was found before the event loop told of it.
    if (worker.state === GONE) return;
    const wasToStay = this.#workers.remove(worker);
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
        this.#fail(call, worker.lostError(call, loss));
        this.#closeOne();
      }
    }
    worker.calls.clear();
    this.#schedule.putBack(back);
    if (this.#workers.broken !== undefined) this.#failWaiting(this.#workers.broken);
    const hasCost = untouched < size;
    this.#workers.replace(worker, loss, wasToStay && !hasCost);
  }

  #failWaiting(broken: BrokenExecutor): void {
    for (const call of this.#backlog.waiting()) {
      this.#backlog.dropped();
      loseAll(call.payload.flights);
      this.#fail(call, brokenAgain(broken));
      this.#closeOne();
    }
  }
}

/** True if a value is what a call gives: of a chunk one result for each item. */
function hasResults({ kind, size }: Call, value: unknown): boolean {
  return kind === CALL || Array.isArray(value) && value.length === size;
}

function brokenAgain({ message, cause }: BrokenExecutor): BrokenExecutor {
  return new BrokenExecutor(message, { cause });
}
