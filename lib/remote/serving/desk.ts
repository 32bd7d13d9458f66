/**
 * Where a worker serves the calls of a queue: what becomes of each, from its delivery to its
 * answer. The calls run in the threads or processes of an engine; this code waits for the broker
 * only, and works in a blocked thread as well where the broker is near.
 *
 * **Who dies when.**
 *
 * - A thread or process of the engine: a try has failed. The call goes back and is counted; when
 *   its tries are used up it is buried, and its caller told.
 * - This program: the broker gives what it held to others, counted.
 * - The connection: the same; but what runs here runs on, is answered, and when the call comes here
 *   again, it is taken for the one that runs.
 * - The caller: its inbox is away, then gone. What has not begun is put off, then dropped; what
 *   runs is cancelled when the inbox is gone. Both only where `orphan` is not `"keep"`.
 *
 * A call is acknowledged once its answer is with the broker; with `retries` 0 before it runs.
 *
 * @module
 */
import { CancelledError, type TimeoutError, WorkerLostError } from "../../core/errors.ts";
import type { Call } from "../../pool/call.ts";
import { Engine } from "../../pool/engine.ts";
import type { EngineOptions } from "../../pool/options.ts";
import type { BrokerMessage, Delivery } from "../broker.ts";
import { messageOf } from "../../transfer/failure.ts";
import type { Clock } from "../clock.ts";
import { type Access, isUnroutable, Pending } from "../link/access.ts";
import { type Course, start } from "../link/soon.ts";
import { type Answered, AnsweredCalls } from "./answered.ts";
import { Callers } from "./callers.ts";
import { CancelledCalls } from "./cancelled.ts";
import { type Counts, Fates } from "./fates.ts";
import { CLAIMED, HELD, HeldCall, ofCall, OVER, RUNNING, type Stop } from "./held_call.ts";
import {
  type CallFacts,
  message,
  numberOf,
  pace,
  readCall,
  textOf,
  versionText,
} from "../calls/messages.ts";
import { type Level, LEVELS } from "../calls/names.ts";
import type { Places } from "../calls/places.ts";
import { BEGUN_HERE, type CallVerdict, runCall } from "./run.ts";
import { isGenuine } from "../calls/seal.ts";
import { CallWire } from "../calls/wire.ts";

/** What a desk is made of. */
export interface DeskOptions {
  queue: string;
  /** The worker's name, and its inbox. */
  worker: string;
  inbox: string;
  slots: number;
  places: Places;
  secret: string | undefined;
  /** For how long a call waits for a worker that has its target, in ms. */
  skew: number;
  /** The engine that runs the calls, whose initializer is `prepare`. */
  engine: EngineOptions;
}

/** How long a call waits at first, and at most, before another worker looks at it, in ms. */
const FIRST_SKEW = 250;
const LAST_SKEW = 5_000;
/** Calls that take less, on the mean, are given to the engine ahead, in µs. */
const SHORT = 10_000;
/** The weight of the newest call in that mean. */
const WEIGHT = 1 / 8;

/** How long a call may run before its caller is told that it does, in ms. */
const TELL_AFTER = 5;

const NOTHING_RUN = { micros: 0, items: 0 };

/** Where calls are served. */
export class Desk {
  readonly engine: Engine;
  readonly counts: Counts = {
    done: 0,
    failed: 0,
    back: 0,
    passed: 0,
    refused: 0,
    dropped: 0,
    buried: 0,
  };
  /** What is called after each change: there may be room, or nothing left to do. */
  changed: () => void = () => {};
  /** How many calls may be with the engine beyond those that its workers can run. */
  ahead = 0;
  /** The mean time of a call, in µs; negative before the first. */
  meanMicros = -1;
  isStopping = false;
  readonly #options: DeskOptions;
  readonly #access: Access;
  readonly #clock: Clock;
  readonly #wire: CallWire;
  readonly #callers: Callers;
  readonly #answered = new AnsweredCalls();
  /** What has been claimed or runs, by id; a call without a key has an id of its own. */
  readonly #open = new Map<string, HeldCall>();
  readonly #held: Record<Level, HeldCall[]> = { high: [], mid: [], low: [] };
  readonly #cancelled = new CancelledCalls();
  readonly #told = new Set<string>();
  readonly #fates: Fates;
  #isPumping = false;

  constructor(access: Access, clock: Clock, options: DeskOptions) {
    this.#access = access;
    this.#clock = clock;
    this.#options = options;
    this.#wire = new CallWire(options.places);
    this.#callers = new Callers(access);
    this.engine = new Engine(options.engine);
    this.#fates = new Fates(access, options, this.#wire, this.counts, {
      isStopping: () => this.isStopping,
      changed: () => this.changed(),
      gone: (inbox) => this.#callers.note(inbox, "gone"),
    });
  }

  /** The calls that are with the engine: begun, or soon to be. */
  get taken(): HeldCall[] {
    return [...this.#open.values()].filter(({ state }) => state === RUNNING);
  }

  /** The calls that have been begun. */
  get running(): HeldCall[] {
    return this.taken.filter(({ began }) => began > 0);
  }

  /** The calls that wait here. */
  get held(): HeldCall[] {
    return LEVELS.flatMap((level) => this.#held[level]);
  }

  /** True if nothing is begun, held or on its way. */
  get isIdle(): boolean {
    return this.#open.size === 0 && this.#fates.underWay === 0 && this.held.length === 0;
  }

  // --- what comes

  /** Takes a delivery of a queue of calls. */
  receive(level: Level, delivery: Delivery, isOld: boolean): void {
    let facts: CallFacts;
    try {
      facts = readCall(delivery);
    } catch (error) {
      return this.#fates.bury(level, delivery, `unreadable: ${messageOf(error)}`);
    }
    const why = this.#objection(delivery, facts);
    if (why !== undefined) return this.#refuse(level, delivery, facts, why, "");
    if (this.#cancelled.take(facts.call)) return delivery.ack();
    const answer = this.#answered.get(delivery.id);
    if (answer !== undefined) return this.#answerAgain(delivery, facts, answer);
    const known = this.#open.get(delivery.id) ?? this.held.find(({ id }) => id === delivery.id);
    // It runs here already: its lease was lost, or somebody has the same key.
    if (known !== undefined) return void known.deliveries.push(delivery);
    if (delivery.attempt > facts.retries + 1) {
      return this.#giveUp(level, delivery, facts, delivery.attempt - 1);
    }
    if (this.isStopping) return this.#fates.giveBack(level, delivery);
    this.#held[level].push(new HeldCall(delivery, facts, level, isOld || delivery.redelivered));
    this.pump();
  }

  /** Why a call may not run here, whatever it is; undefined if it may. */
  #objection(delivery: Delivery, { module }: CallFacts): string | undefined {
    const { secret, queue, places } = this.#options;
    if (!isGenuine(secret, queue, delivery)) return "it is not signed by the secret";
    if (places.moduleOf(module) === undefined) {
      return `${module.slice(0, 200)} is neither in the root nor allowed`;
    }
    try {
      const forbidden = this.#wire.forbidden(delivery.body);
      return forbidden && `${forbidden.slice(0, 200)} is neither in the root nor allowed`;
    } catch (error) {
      return `its arguments cannot be read: ${messageOf(error)}`;
    }
  }

  /** Somebody wants a call no more. */
  cancel(call: string, reason: CancelledError | TimeoutError): void {
    const entry = [...this.held, ...this.#open.values()].find((entry) => entry.isOf(call));
    // Others may have asked for it by the same key.
    if (entry !== undefined && entry.leave(call)) return;
    if (entry?.state === HELD) {
      this.#unhold(entry);
      return this.#settle(entry, (delivery) => delivery.ack());
    }
    if (entry !== undefined) return this.#stop(entry, "cancelled", reason);
    this.#cancelled.add(call);
  }

  /** A caller has said that a call may run. */
  go(call: string): void {
    for (const entry of this.#open.values()) if (entry.isOf(call)) entry.go?.();
  }

  // --- what runs

  /** Begins what there is room for, the highest priority first. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (const level of LEVELS) {
        while (this.#held[level].length > 0 && this.#hasRoom()) {
          this.#claim(this.#held[level].shift()!);
        }
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #hasRoom(): boolean {
    const { slots } = this.#options;
    const isShort = this.meanMicros >= 0 && this.meanMicros < SHORT;
    return this.#open.size < slots + (isShort ? this.ahead : 0);
  }

  #claim(entry: HeldCall): void {
    entry.state = CLAIMED;
    this.#open.set(entry.id, entry);
    const begun = () => {
      if (entry.state !== OVER) return;
      // It was dropped instead: there is room for the next.
      this.pump();
      this.changed();
    };
    start(this.#begin(entry), begun, (error) => {
      // The broker has ended; what is here goes back by itself.
      if (entry.state === CLAIMED) this.#end(entry);
      if (this.#access.state !== "ended") reportError(error);
    });
  }

  *#begin(entry: HeldCall): Course<void> {
    const { replyTo, facts } = entry;
    const where = replyTo === undefined ? "here" : yield* this.#callers.find(replyTo);
    if (entry.state !== CLAIMED) return;
    entry.isOrphan = where === "gone";
    if (!facts.isKept && where !== "here") {
      const [delivery] = entry.deliveries;
      this.#end(entry);
      if (where === "away") return this.#putOff(entry, pace.away);
      this.counts.dropped++;
      return delivery!.ack();
    }
    if (replyTo !== undefined && where === "here") {
      if (entry.isOld) yield* this.#mayRun(entry);
      // At most once: its caller is to notice if it dies with this worker.
      else if (facts.retries === 0) this.#tellBegin(entry);
      if (entry.state !== CLAIMED) return;
    }
    // Another has it by now, or it comes again.
    if (!entry.isHeld) return this.#end(entry);
    // At most once: who dies now has run it, or never will.
    if (facts.retries === 0) this.#settle(entry, (delivery) => delivery.ack());
    this.#run(entry);
  }

  #tellBegin(entry: HeldCall, asks = false): void {
    const { attempt } = entry;
    const { slots } = this.#options;
    this.#tell(entry, "begin", { attempt, slots, ...asks ? { asks } : {} });
  }

  /** Waits until its caller has said that it may run, for a while; also in a blocked thread. */
  *#mayRun(entry: HeldCall): Course<void> {
    const said = new Pending<void>();
    entry.go = () => said.settle();
    const stop = this.#clock.after(pace.go, entry.go);
    this.#tellBegin(entry, true);
    yield said;
    stop();
    entry.go = undefined;
  }

  #run(entry: HeldCall): void {
    const { facts, attempt } = entry;
    const [{ body }] = entry.deliveries;
    const { module, name, print, isMain, kind, hasQueue, call: id, key } = facts;
    const order = {
      module: this.#options.places.moduleOf(module)!,
      name,
      print,
      isMain,
      kind,
      body,
      hasQueue,
      attempt,
      id,
      key,
    };
    entry.state = RUNNING;
    let call: Call;
    try {
      call = this.engine.submit(runCall, [order], {
        timeout: facts.timeout,
        grace: facts.grace,
        onReport: (value: Uint8Array<ArrayBuffer> | typeof BEGUN_HERE) => {
          if (value === BEGUN_HERE) return this.#begun(entry);
          entry.tellBegin?.();
          this.#tell(entry, "report", {}, value);
        },
      });
    } catch {
      // Its workers cannot start: the desk's owner hears that from the engine.
      this.#end(entry);
      this.#giveBackAll(entry);
      return this.changed();
    }
    entry.call = call;
    call.whenEnded(() => this.#ended(entry, call));
  }

  /** It runs, which its caller is told in a moment: by then most calls have their answer. */
  #begun(entry: HeldCall): void {
    entry.began = performance.now();
    const stop = this.#clock.after(TELL_AFTER, () => entry.tellBegin?.());
    entry.tellBegin = () => {
      stop();
      entry.tellBegin = undefined;
      if (entry.state === RUNNING) this.#tellBegin(entry);
    };
  }

  #stop(entry: HeldCall, stop: Stop, reason: unknown): void {
    if (entry.state === OVER || entry.stop !== undefined) return;
    entry.stop = stop;
    if (entry.call !== undefined && this.engine.cancel(entry.call, reason, true)) return;
    if (entry.state !== CLAIMED) return;
    this.#end(entry);
    if (stop === "drain") this.#giveBackAll(entry);
    else this.#settle(entry, (delivery) => delivery.ack());
  }

  /** Stops all that runs, and gives it back. */
  stopRunning(reason: CancelledError): void {
    for (const entry of [...this.#open.values()]) this.#stop(entry, "drain", reason);
  }

  #ended(entry: HeldCall, call: Call): void {
    const outcome = call.outcome!;
    this.#end(entry);
    if (entry.stop === "cancelled" || entry.stop === "orphan") {
      this.counts.failed++;
      this.#settle(entry, (delivery) => delivery.ack());
    } else if (entry.stop === "drain") this.#giveBackAll(entry);
    else if (outcome.ok) this.#judge(entry, outcome.value as CallVerdict);
    else this.#failed(entry, outcome.error, call.isCancelled);
    this.pump();
    this.changed();
  }

  #judge(entry: HeldCall, verdict: CallVerdict): void {
    if (verdict.type === "refused") return this.#wrong(entry, verdict);
    const { type, body, micros, items } = verdict;
    this.#learn(micros);
    if (type === "done") this.counts.done++;
    else this.counts.failed++;
    this.#answer(entry, { type, body, headers: { micros, items } });
  }

  #learn(micros: number): void {
    const { meanMicros } = this;
    this.meanMicros = meanMicros < 0 ? micros : meanMicros + (micros - meanMicros) * WEIGHT;
  }

  #failed(entry: HeldCall, error: unknown, isCancelled: boolean): void {
    const { facts, attempt } = entry;
    if (error instanceof WorkerLostError && facts.retries > 0) {
      if (attempt <= facts.retries) {
        return this.#settle(entry, (delivery) => void delivery.back());
      }
      const [delivery, ...others] = entry.deliveries;
      for (const other of others) other.ack();
      return this.#giveUp(entry.level, delivery!, facts, attempt, error);
    }
    if (this.engine.isBroken || isCancelled && error instanceof CancelledError) {
      return this.#giveBackAll(entry);
    }
    this.counts.failed++;
    const body = this.#wire.writeError(ofCall(error, facts, isCancelled));
    this.#answer(entry, { type: "failed", body, headers: NOTHING_RUN });
  }

  /** It is not with this worker that it can run. */
  #wrong(entry: HeldCall, { reason, there }: CallVerdict & { type: "refused" }): void {
    const [delivery, ...others] = entry.deliveries;
    for (const other of others) other.ack();
    const skewed = numberOf(delivery, "skewed");
    const left = this.#options.skew - skewed;
    if (left <= 0) return this.#refuse(entry.level, delivery, entry.facts, reason, there);
    const delay = Math.min(left, Math.max(FIRST_SKEW, Math.min(LAST_SKEW, skewed)));
    this.#fates.giveBack(entry.level, delivery, { skewed: skewed + delay }, delay);
  }

  // --- what becomes of calls

  #end(entry: HeldCall): void {
    entry.state = OVER;
    entry.go?.();
    entry.tellBegin?.();
    if (this.#open.get(entry.id) === entry) this.#open.delete(entry.id);
  }

  #unhold(entry: HeldCall): void {
    const held = this.#held[entry.level];
    const at = held.indexOf(entry);
    if (at >= 0) held.splice(at, 1);
    entry.state = OVER;
  }

  #settle(entry: HeldCall, fate: (delivery: Delivery) => void): void {
    for (const delivery of entry.deliveries) fate(delivery);
  }

  /** Answers all who have asked for it, then acknowledges. */
  #answer(entry: HeldCall, answer: Answered): void {
    this.#answered.add(entry.id, answer);
    for (const delivery of entry.deliveries) {
      this.#answerAgain(delivery, entry.facts, answer);
    }
  }

  #answerAgain(delivery: Delivery, facts: CallFacts, answer: Answered): void {
    this.#fates.answer(delivery, facts, answer);
  }

  /** Tells the caller of what runs something that it can do without. */
  #tell(
    entry: HeldCall,
    type: string,
    headers: BrokerMessage["headers"],
    body?: Uint8Array<ArrayBuffer>,
  ): void {
    const { worker, inbox: replyTo } = this.#options;
    for (const delivery of entry.deliveries) {
      const inbox = delivery.replyTo;
      if (inbox === undefined || entry.isOrphan) continue;
      const call = textOf(delivery, "call");
      const more = body === undefined ? { replyTo } : { replyTo, body };
      const told = message(type, { call, worker, ...headers }, more);
      start(this.#fates.publish(inbox, told), () => {}, (error) => {
        if (isUnroutable(error)) this.orphan(inbox);
      });
    }
  }

  /** A caller has gone: what runs for it is cancelled, unless it is to be kept. */
  orphan(inbox: string): void {
    this.#callers.note(inbox, "gone");
    for (const entry of [...this.#open.values()]) {
      if (entry.replyTo !== inbox) continue;
      entry.isOrphan = true;
      if (entry.facts.isKept || entry.deliveries.length > 1) continue;
      this.counts.dropped++;
      this.#stop(
        entry,
        "orphan",
        new CancelledError("The call was cancelled: its caller has gone"),
      );
    }
  }

  /** It was refused for good. */
  #refuse(level: Level, delivery: Delivery, facts: CallFacts, reason: string, there: string): void {
    this.counts.refused++;
    this.#tellOnce(facts, reason);
    const here = versionText(facts.print, facts.deno);
    this.#fates.bury(level, delivery, `refused: ${reason}`, () => {
      const told = { call: facts.call, worker: this.#options.worker, reason, here, there };
      return message("refused", told);
    });
  }

  #tellOnce({ module }: CallFacts, reason: string): void {
    if (this.#told.has(module) || this.#told.size > 100) return;
    this.#told.add(module);
    console.error(`switchyard: a call of ${module.slice(0, 200)} was refused: ${reason}`);
  }

  /** All its tries are used up. */
  #giveUp(
    level: Level,
    delivery: Delivery,
    facts: CallFacts,
    attempt: number,
    cause?: WorkerLostError,
  ): void {
    this.counts.failed++;
    const times = attempt === 1 ? "its worker" : `its worker ${attempt} times`;
    const why = `The call of ${JSON.stringify(facts.name)} has killed ${times}`;
    const error = new WorkerLostError(
      cause === undefined
        ? why
        : `${why}, the last time: ${messageOf(ofCall(cause, facts, false))}`,
      cause,
    );
    const body = this.#wire.writeError(error);
    this.#fates.bury(level, delivery, `lost: ${error.message}`, () => {
      const told = { call: facts.call, worker: this.#options.worker, ...NOTHING_RUN };
      return message("failed", told, { body });
    });
  }

  /** Gives back what has not begun, in a way that counts no try. */
  giveBackUnbegun(entry: HeldCall, more: BrokerMessage["headers"] = {}): void {
    if (entry.state === RUNNING) {
      entry.more = more;
      entry.stop = "drain";
      const reason = new CancelledError("The call was given back");
      if (!this.engine.cancel(entry.call!, reason, false)) entry.stop = undefined;
      return;
    }
    if (entry.state !== HELD) return;
    this.#unhold(entry);
    const [delivery, ...others] = entry.deliveries;
    for (const other of others) other.ack();
    this.#fates.giveBack(entry.level, delivery, more);
  }

  #giveBackAll(entry: HeldCall): void {
    const [delivery, ...others] = entry.deliveries;
    for (const other of others) other.ack();
    // With no further try it has been acknowledged already.
    if (delivery.isHeld) this.#fates.giveBack(entry.level, delivery, entry.more);
    else if (entry.facts.retries === 0) {
      const name = JSON.stringify(entry.facts.name);
      const error = new WorkerLostError(`The call of ${name} was stopped with its worker`);
      const body = this.#wire.writeError(error);
      this.#fates.answer(delivery, entry.facts, { type: "failed", body, headers: NOTHING_RUN });
    }
  }

  #putOff(entry: HeldCall, delay: number): void {
    const [delivery, ...others] = entry.deliveries;
    for (const other of others) other.ack();
    this.#fates.giveBack(entry.level, delivery, {}, delay);
  }
}
