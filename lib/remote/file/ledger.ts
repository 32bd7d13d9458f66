/**
 * Who writes in the file, and when. What is asked for is a job; all jobs of one turn go in one
 * transaction, in their order, and settle when that is committed. So many puts at once cost little
 * more than one, and what they wait for, the disk, they wait for together.
 *
 *     asked for -> in a transaction -> settled
 *        ^               |  \ one cannot be done (Full …): that one is rejected, all else is done
 *        +---------------+  somebody else writes, or the disk is full: all of it again, later
 *
 * States, as in `broker.ts`:
 *
 *     connecting -> up <-> blocked      the disk is full
 *                    ^---> down         somebody has held the lock for a second; the disk fails
 *        all ------------> ended        closed; the file is no database, damaged, or was removed
 *
 * **News.** Who has put something that others may want touches the file, and the others watch it.
 * That may fail or be missed, so each that wants something also looks {@linkcode LOOK} ms after it
 * did so last, for what others have written, and for others that have died. Who wants nothing does
 * nothing.
 *
 * @module
 */
import { BrokerLostError } from "../../core/errors.ts";
import type { AbortNotice } from "../../core/promises.ts";
import { messageOf } from "../../transfer/failure.ts";
import type { BrokerState, Outage } from "../broker.ts";
import { Clock } from "../clock.ts";
import { FileDatabase } from "./database.ts";
import { isOfDatabase, kindOfFault, reasonOf } from "./fault.ts";
import { FileWatch, touch } from "./file_watch.ts";
import { Presence } from "./presence.ts";
import { FileStore } from "./store.ts";
import type { FileAddress } from "./url.ts";

/** How often it is looked for news, in ms: with a watch that works, and without. */
const LOOK = 100;
const LOOK_ALONE = 10;
/** The most jobs of a transaction: others want to write, too. */
const MOST_JOBS = 1000;
/** How often the lock is tried for in one go, and how long in between, in ms. */
const TRIES = 5;
const PAUSE = 0.3;
/** How long it waits then, at most, in ms. */
const REST = 4;
/** How long somebody else may have the lock until this counts as a loss, in ms. */
const LOCKED_FOR = 1000;
/** How long a disk that is full or fails is left alone, in ms. */
const SICK_REST = 250;
/** How long what was asked for may take when it is closed, in ms. */
const CLOSING = 2000;

/** What the ledger serves. */
export interface Patron {
  /** True if it has consumers, whether they have credit or not. */
  readonly isTaking: boolean;
  /** The queues from which it could take something. */
  hungry(): string[];
  /** Takes, in the transaction; gives what is to be done once that is committed. */
  serve(store: FileStore): () => void;
  /** The state has changed. */
  changed(state: BrokerState): void;
  /** It has ended, for that reason. */
  ended(error: BrokerLostError): void;
}

/** How a job is done. */
export interface JobOptions {
  /** True if it must outlive a power failure when it has settled. */
  isDurable?: boolean | undefined;
  /** Gives it up, as long as it has not been done. */
  signal?: AbortNotice | undefined;
}

interface Job {
  readonly action: string;
  readonly isDurable: boolean;
  readonly work: (store: FileStore) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  outcome: () => void;
}

/** What is there while the file is open. */
interface Opened {
  readonly database: FileDatabase;
  readonly store: FileStore;
  readonly presence: Presence;
}

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Writes in the file of one address, for one connection. */
export class Ledger {
  readonly clock: Clock = new Clock();
  readonly #address: FileAddress;
  readonly #patron: Patron;
  #jobs: Job[] = [];
  #opened: Opened | undefined;
  #watch: FileWatch | undefined;
  #state: BrokerState = "connecting";
  #loss: Outage | undefined;
  #blockedBy = "";
  #isScheduled = false;
  #stopRest: (() => void) | undefined;
  #stopLook: (() => void) | undefined;
  /** What the others had written when it was last looked. */
  #version = -1;
  /** When something happens by itself, as far as is known, by the system's clock. */
  #due = Infinity;
  #closing: Promise<void> | undefined;

  constructor(address: FileAddress, patron: Patron) {
    this.#address = address;
    this.#patron = patron;
  }

  get state(): BrokerState {
    return this.#state;
  }

  get loss(): Outage | undefined {
    return this.#loss;
  }

  get blockedBy(): string {
    return this.#blockedBy;
  }

  /**
   * Does something in the next transaction.
   *
   * @param action What was asked for, as in `publish to "jobs"`.
   */
  run<T>(
    action: string,
    work: (store: FileStore) => T,
    { isDurable = false, signal }: JobOptions = {},
  ): Promise<T> {
    if (this.#state === "ended") return Promise.reject(this.#lost(action));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const abort = () => {
      const at = this.#jobs.indexOf(job);
      if (at >= 0) this.#jobs.splice(at, 1);
      reject(signal!.reason);
    };
    const letGo = () => signal?.removeEventListener("abort", abort);
    const job: Job = {
      action,
      isDurable,
      work,
      resolve(value) {
        letGo();
        resolve(value as T);
      },
      reject(error) {
        letGo();
        reject(error);
      },
      outcome: () => {},
    };
    signal?.addEventListener("abort", abort);
    this.#jobs.push(job);
    this.schedule();
    return promise;
  }

  #lost(action: string): BrokerLostError {
    const { place } = this.#address;
    const { attempts = 0, cause } = this.#loss ?? {};
    const reason = cause === undefined ? `${place} was closed` : `${place}: ${cause.message}`;
    return new BrokerLostError(`Cannot ${action}: ${reason}`, { host: place, attempts, cause });
  }

  /** Begins a transaction at the end of this turn: there is something to do, or to take. */
  schedule(): void {
    if (this.#isScheduled || this.#state === "ended") return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#stopRest === undefined) this.#flush();
      else if (this.#state === "blocked") this.#flush(true);
    });
  }

  /** @param isTaking True if what brings something is left out: the disk is full. */
  #flush(isTaking = false): void {
    if (this.#state === "ended") return;
    const left = isTaking ? this.#jobs.filter(({ isDurable }) => isDurable) : [];
    if (isTaking) this.#jobs = this.#jobs.filter(({ isDurable }) => !isDurable);
    const jobs = this.#jobs.splice(0, MOST_JOBS);
    this.#jobs.push(...left);
    let current: Job | undefined;
    let after = () => {};
    let isNews = false;
    try {
      const { database, store } = this.#opened ??= this.#open();
      this.#begin(database, jobs.some(({ isDurable }) => isDurable));
      try {
        store.begin();
        store.checkParty();
        store.sweep();
        for (current of jobs) this.#do(current, store);
        current = undefined;
        after = this.#patron.serve(store);
        isNews = store.hasStirredOthers();
        if (this.#patron.isTaking) this.#due = store.nextDue();
        database.commit();
      } catch (error) {
        database.rollback();
        throw error;
      }
      database.checkPlace();
    } catch (error) {
      return this.#failed(error, jobs, current);
    }
    if (!isTaking) {
      this.#loss = undefined;
      this.#turn("up");
    }
    if (isNews) touch(this.#address.path);
    for (const { outcome } of jobs) outcome();
    after();
    if (this.#jobs.length > left.length) this.schedule();
    this.#retime();
  }

  #do(job: Job, store: FileStore): void {
    try {
      const value = job.work(store);
      job.outcome = () => job.resolve(value);
    } catch (error) {
      if (isOfDatabase(error)) throw error;
      job.outcome = () => job.reject(error);
    }
  }

  /** Opens the file, and says that it is used. */
  #open(): Opened {
    const { path, prefix } = this.#address;
    const database = new FileDatabase(path);
    let presence: Presence | undefined;
    try {
      const store = new FileStore(database, prefix);
      presence = new Presence(path);
      this.#begin(database, false);
      store.begin();
      const known = new Set(store.others().map(({ token }) => token));
      // Of programs that died before they were known.
      for (const token of presence.tokens()) if (!known.has(token)) presence.isGone(token);
      store.join(presence.token);
      this.#buryDead(store, presence);
      database.commit();
      return { database, store, presence };
    } catch (error) {
      presence?.end();
      database.close();
      throw error;
    }
  }

  #begin(database: FileDatabase, isDurable: boolean): void {
    for (let tries = TRIES;; tries--) {
      try {
        return database.begin(isDurable);
      } catch (error) {
        if (tries === 0 || kindOfFault(error) !== "locked") throw error;
        Atomics.wait(nap, 0, 0, PAUSE);
      }
    }
  }

  /** Ends what is of parties that are gone. */
  #buryDead(store: FileStore, presence: Presence): void {
    for (const { id, token } of store.others()) if (presence.isGone(token)) store.leave(id);
  }

  /** Ends what is of parties that are gone, in a transaction. */
  tidy(store: FileStore): void {
    this.#buryDead(store, this.#opened!.presence);
  }

  #failed(error: unknown, jobs: Job[], current: Job | undefined): void {
    const kind = kindOfFault(error);
    if (kind === "own" && current !== undefined) {
      const reason = messageOf(error);
      current.reject(new Error(`Cannot ${current.action}: ${reason}`, { cause: error }));
      this.#jobs.unshift(...jobs.filter((job) => job !== current));
      return this.schedule();
    }
    this.#jobs.unshift(...jobs);
    // Of a disk that is full it is known already.
    if (kind === "full" && this.#stopRest !== undefined) return;
    const cause = new Error(reasonOf(error), { cause: error });
    const { attempts = 0, since = performance.now() } = this.#loss ?? {};
    this.#loss = { host: this.#address.place, attempts: attempts + 1, since, cause };
    if (kind === "own" || kind === "lasting") return this.#end();
    let rest = SICK_REST;
    if (kind === "full") {
      this.#turn("blocked", cause.message);
      // What takes something away may find room.
      this.schedule();
    } else if (kind === "io") this.#turn("down");
    else {
      rest = 1 + Math.random() * (REST - 1);
      if (performance.now() - since > LOCKED_FOR) this.#turn("down");
    }
    this.#stopRest?.();
    this.#stopRest = this.clock.after(rest, () => {
      this.#stopRest = undefined;
      this.#flush();
    });
  }

  #turn(state: BrokerState, blockedBy = ""): void {
    this.#blockedBy = blockedBy;
    if (this.#state === state) return;
    this.#state = state;
    this.#patron.changed(state);
  }

  // --- news

  /** Looks when it will be time to, if anything is wanted. */
  #retime(): void {
    this.#stopLook?.();
    this.#stopLook = undefined;
    if (this.#opened === undefined || this.#patron.hungry().length === 0) return;
    this.#watch ??= new FileWatch(this.#address.path, () => this.#look());
    const look = this.#watch.isAtWork ? LOOK : LOOK_ALONE;
    const ms = Math.max(0, Math.min(look, this.#due - Date.now()));
    this.#stopLook = this.clock.after(ms, () => this.#look(true));
  }

  /** Looks for what others have written; `isInTurn` if also for those that are gone. */
  #look(isInTurn = false): void {
    if (this.#opened === undefined || this.#isScheduled) return;
    const { database, store, presence } = this.#opened;
    try {
      const version = database.version();
      const isNews = version !== this.#version;
      this.#version = version;
      if (isInTurn) {
        database.checkPlace();
        if (store.others().some(({ token }) => presence.isGone(token))) {
          this.run("give back what the dead held", (store) => this.tidy(store)).catch(() => {});
          return;
        }
      } else if (!isNews) return;
      if (isNews) {
        if (this.#patron.hungry().some((name) => store.hasReady(name))) return this.schedule();
        this.#due = store.nextDue();
      }
      if (this.#due <= Date.now()) this.schedule();
      else this.#retime();
    } catch (error) {
      this.#failed(error, [], undefined);
    }
  }

  // --- the end

  /**
   * Ends it: what was asked for is done first, if that can be, then what is held comes back. It
   * never rejects; twice does nothing.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    if (this.#opened !== undefined || this.#jobs.length > 0) {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const stop = this.clock.after(CLOSING, resolve);
      const left = this.run("close", (store) => store.leave(store.party)).catch(() => {});
      await Promise.race([left, late]);
      stop();
    }
    this.#loss = undefined;
    this.#end();
  }

  /** Ends it: all that is under way is rejected. */
  #end(): void {
    if (this.#state === "ended") return;
    this.#stopRest?.();
    this.#stopLook?.();
    this.#turn("ended");
    const { database, presence } = this.#opened ?? {};
    this.#opened = undefined;
    // Who was not taken out of the file is found gone by the others, once its lock is.
    database?.close();
    presence?.end();
    for (const { action, reject } of this.#jobs.splice(0)) reject(this.#lost(action));
    this.#patron.ended(this.#lost("consume"));
    this.#watch?.close();
  }
}
