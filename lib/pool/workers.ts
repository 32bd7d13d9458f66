/**
 * The workers of a pool: how many there are, and who comes and goes.
 *
 * Workers are started while there is work for them, one at a time, as each start blocks this
 * thread. They leave when they have had nothing to do for long, when they have done what one may
 * do, and when the pool closes. When {@linkcode TRIES} in a row die before they have run a call the
 * pool is broken: it starts no more. (One that dies of its first call costs that call: so all calls
 * come to an end.)
 *
 * @module
 */
import { BrokenExecutor } from "../core/errors.ts";
import { Countdown } from "../core/promises.ts";
import { messageOf } from "../transfer/failure.ts";
import { loseAll, packFor } from "../transfer/flight.ts";
import { inFile, mainModule, type Reference, referTo } from "../transfer/task.ts";
import type { Backlog } from "./backlog.ts";
import type { EngineOptions } from "./options.ts";
import { type Aside, Span, writePayload } from "./payload.ts";
import { describeLoss, type Loss, type Transport, type WorkerBoot } from "./transport/transport.ts";
import { GONE, READY, RETIRING, STARTING, Worker } from "./worker.ts";

/** The number of workers that may die in a row before they have run a call. */
const TRIES = 3;
/** How often a thread that blocks looks whether some have ended, in ms. */
const LOOK = 50;
/** For how long workers are listened to when there is nothing to do, in ms. */
const AWAKE = 50;

/**
 * Starts what is behind a worker, and has its replies and its end heard.
 *
 * @throws {Deno.errors.NotCapable} A permission is missing.
 */
export type Connect = (worker: Worker, boot: Omit<WorkerBoot, "hear" | "faulty">) => Transport;

/** The workers of a pool. */
export class Workers {
  readonly all: Set<Worker> = new Set();
  readonly #options: EngineOptions;
  readonly #backlog: Backlog;
  readonly #connect: Connect;
  readonly #broke: (error: BrokenExecutor) => void;
  readonly #initializer: Reference | undefined;
  /** True if there are calls that have not ended. */
  #isBusy = false;
  #isClosed = false;
  #started = 0;
  /** The number that have died in a row before they had run a call. */
  #deaths = 0;
  #broken: BrokenExecutor | undefined;
  /**
   * The modules that calls need: a worker imports the main one before it is ready, and may read
   * all.
   */
  readonly #modules = new Set<string>();
  /** When that is done next, in ms. */
  #nextLook = 0;
  #growing: ReturnType<typeof setTimeout> | undefined;
  #leaving: Countdown | undefined;
  #resting: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param backlog The calls that wait for a worker.
   * @param broke Called when there will be no workers.
   */
  constructor(
    options: EngineOptions,
    backlog: Backlog,
    connect: Connect,
    broke: (error: BrokenExecutor) => void,
  ) {
    this.#options = options;
    this.#backlog = backlog;
    this.#connect = connect;
    this.#broke = broke;
    this.#initializer = options.initializer && this.#checked(referTo(options.initializer));
  }

  /** Those that take calls. */
  get ready(): Worker[] {
    return [...this.all].filter((worker) => worker.state === READY);
  }

  /** The number of calls that no worker runs or is to run next. */
  get waiting(): number {
    let waiting = this.#backlog.size;
    for (const { calls } of this.all) waiting += Math.max(0, calls.size - 1);
    return waiting;
  }

  /** Why there are no workers, if there can be none. */
  get broken(): BrokenExecutor | undefined {
    return this.#broken;
  }

  /**
   * Tells of what calls need: the main module is imported before a worker is ready, and workers may
   * read all.
   *
   * @throws {TypeError} No worker could import it.
   */
  noteModule(reference: Reference): void {
    if (this.#modules.has(reference.module)) return;
    if (reference.module === mainModule()) this.#checked(reference);
    this.#modules.add(reference.module);
  }

  #checked(reference: Reference): Reference {
    return this.#options.world === "process" ? inFile(reference) : reference;
  }

  /**
   * Starts a worker.
   *
   * @throws {Deno.errors.NotCapable} A permission is missing.
   */
  start(): void {
    const { prefix, world, level, mayMap, initArgs } = this.#options;
    const name = `${prefix}${this.#started++}`;
    const worker = new Worker(name, { world, level, mayMap });
    const payload = packFor(level, () => writePayload(initArgs, world, "initArgs"), mayMap);
    const boot = {
      name,
      modules: this.#modules.has(mainModule()) ? [mainModule()] : [],
      known: [...this.#modules],
      initializer: this.#initializer,
      initArgs: payload instanceof Span ? new Uint8Array(payload.view) : (payload as Aside).packed,
    };
    try {
      worker.transport = this.#connect(worker, boot);
    } catch (cause) {
      loseAll(payload.flights);
      throw cause;
    }
    this.all.add(worker);
  }

  /** Starts a worker, if one is wanted. */
  growNow(): void {
    clearTimeout(this.#growing);
    this.#growing = undefined;
    if (!this.#wantsWorker()) return;
    try {
      this.start();
    } catch (cause) {
      this.break(cause, `a worker cannot be started: ${messageOf(cause)}`);
    }
  }

  /** Starts workers as long as they are wanted. */
  grow(): void {
    if (this.#growing !== undefined || !this.#wantsWorker()) return;
    this.#growing = setTimeout(() => {
      this.growNow();
      this.grow();
    }, 0);
  }

  /** Notes that a worker is ready for its first call. */
  noteReady(worker: Worker): void {
    if (worker.state === STARTING) worker.state = READY;
    this.noteIdle(worker);
    if (!this.#isBusy) this.rest();
  }

  /** Notes that a worker has ended a call. */
  noteServed(worker: Worker): void {
    worker.hasServed = true;
    this.#deaths = 0;
  }

  /** Notes that a worker has nothing to do; it leaves when that lasts. */
  noteIdle(worker: Worker): void {
    worker.idleSince = performance.now();
    if (worker.state === RETIRING) return worker.stop();
    if (this.#isClosed && !this.#isBusy) return this.retire(worker);
    const { idleTimeout } = this.#options;
    if (idleTimeout === Infinity || this.#leaving !== undefined) return;
    this.#leaving = new Countdown(idleTimeout, () => {
      this.#leaving = undefined;
      this.#letIdleLeave();
    }).unref();
  }

  /** Has a worker end when it has done what it was given. */
  retire(worker: Worker): void {
    if (worker.state === RETIRING || worker.state === GONE) return;
    worker.state = RETIRING;
    if (worker.calls.size === 0) worker.stop();
  }

  /** Has all workers end when there is nothing left to do. */
  close(): void {
    this.#isClosed = true;
    if (!this.#isBusy) { for (const worker of this.all) this.retire(worker); }
  }

  /** Ends a worker as soon as that can be done. */
  kill(worker: Worker): void {
    worker.endGrace();
    if (worker.state !== GONE) worker.state = RETIRING;
    worker.transport.kill();
  }

  /** Starts no more workers, and ends those that there are. */
  break(cause: unknown, how: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = new BrokenExecutor(`The pool is broken: ${how}`, { cause });
    this.#broke(this.#broken);
    for (const worker of this.all) this.kill(worker);
  }

  /** Listens to the workers: there is something to do. */
  wake(): void {
    this.#isBusy = true;
    clearTimeout(this.#resting);
    for (const { transport } of this.all) transport.wake();
  }

  /** There is nothing to be heard; when that lasts nobody listens, so that the program can end. */
  rest(): void {
    this.#isBusy = false;
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      for (const { transport, state } of this.all) if (state !== STARTING) transport.rest();
    }, AWAKE);
    this.#resting.unref();
  }

  /** Settles when all have ended. */
  async gone(): Promise<void> {
    while (this.all.size > 0) {
      await Promise.all([...this.all].map((worker) => worker.transport.ended));
      await Promise.resolve();
    }
    this.#leaving?.cancel();
    clearTimeout(this.#resting);
    clearTimeout(this.#growing);
  }

  /** Blocks the thread until all have ended; false when the time is up first. */
  goneSync(deadline: number): boolean {
    return [...this.all].every(({ transport }) =>
      transport.joinSync(Math.max(0, deadline - performance.now()))
    );
  }

  /**
   * Checks that a thread which blocks hears them: those that it shares memory with.
   *
   * @throws {Deno.errors.NotCapable} It does not.
   */
  checkHeard(): void {
    if ([...this.all].every(({ transport }) => transport.claims !== undefined)) return;
    throw new Deno.errors.NotCapable(
      "Cannot block for what runs in processes: without shared memory only the event loop hears " +
        "them; use the awaiting form, or --allow-ffi, here and in the workers, on Linux",
    );
  }

  /** Those that have ended, for a thread that blocks: the event loop cannot tell it. */
  endedNow(): [Worker, Loss][] {
    const now = performance.now();
    if (now < this.#nextLook) return [];
    this.#nextLook = now + LOOK;
    return [...this.all].flatMap((worker) => {
      const loss = worker.transport.lossNow();
      return loss === undefined ? [] : [[worker, loss] as [Worker, Loss]];
    });
  }

  #wantsWorker(): boolean {
    const { maxWorkers, minWorkers } = this.#options;
    if (this.#broken !== undefined || this.all.size >= maxWorkers) return false;
    if (!this.#isClosed && this.all.size < minWorkers) return true;
    const starting = [...this.all].filter(({ state }) => state === STARTING).length;
    return this.waiting > starting;
  }

  #letIdleLeave(): void {
    const { idleTimeout, minWorkers } = this.#options;
    let count = this.all.size;
    for (const worker of this.ready) {
      if (worker.calls.size > 0) continue;
      if (performance.now() - worker.idleSince < idleTimeout - 1) this.noteIdle(worker);
      else if (count > minWorkers) {
        count--;
        this.retire(worker);
      }
    }
  }

  /** Takes one out that has ended; gives whether it was to stay. */
  remove(worker: Worker): boolean {
    const wasToStay = worker.state !== RETIRING || worker.fault !== undefined;
    worker.state = GONE;
    this.all.delete(worker);
    worker.endGrace();
    return wasToStay;
  }

  /**
   * Starts another in place of one that has ended, if one is wanted.
   *
   * @param isFailure Whether it ended unasked, and that has cost no call.
   */
  replace(worker: Worker, loss: Loss, isFailure: boolean): void {
    if (!isFailure || worker.hasServed) return this.grow();
    // Ctrl-C hits all that are just starting: together they count as one.
    this.#deaths += loss.signal === "SIGINT" ? 1 / this.#options.maxWorkers : 1;
    if (this.#deaths < TRIES) return this.grow();
    const last = worker.fault ?? describeLoss(loss);
    const how =
      `${TRIES} workers in a row ended before they had run a call, the last of them ${last}`;
    this.break(loss.error, how);
  }
}
