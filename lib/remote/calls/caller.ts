/**
 * The caller: calls that programs on other machines run, from `submit()` to their end. It is what
 * the engine is to the executors of this machine, and works in a thread that blocks as well.
 *
 * At most `maxInFlight` calls are with the broker and unanswered; the others wait here.
 *
 * **Who dies when.**
 *
 * - The broker is away: nothing is lost by that; for longer than `patience`, and all calls fail.
 * - No worker serves the queue for longer than `patience`: the calls that wait fail.
 * - A worker: the broker gives its calls to another, which says so. With `retries` 0 it is noticed
 *   by its silence.
 * - This program: the broker removes its inbox after a while, and workers see that.
 *
 * @module
 */
import {
  BrokenExecutor,
  CancelledError,
  Full,
  TaskRefusedError,
  TimeoutError,
  WorkerLostError,
} from "../../core/errors.ts";
import { holdProgram } from "../../core/promises.ts";
import type { Outcome } from "../../child/outcome.ts";
import { callSafely } from "../../pool/async_result.ts";
import { type Call, type Caller, type CallerMap, ENDED, knownReference } from "../../pool/call.ts";
import { holdInterrupts, interruption } from "../../pool/interrupt.ts";
import { CallStats, type PoolStats } from "../../pool/stats.ts";
import { CALL, type CallKind } from "../../pool/transport/frames.ts";
import { mainModule } from "../../transfer/task.ts";
import { Clock } from "../clock.ts";
import type { Delivery } from "../broker.ts";
import { isUnroutable } from "../link/access.ts";
import { start } from "../link/soon.ts";
import { type CallerOptions, Exchange } from "./exchange.ts";
import { callMessage, numberOf, textOf, versionText } from "./messages.ts";
import { levelOf } from "./names.ts";
import { AT_BROKER, BEGUN, NEW, RemoteCall, type RemoteCallOptions, SENT } from "./remote_call.ts";
import { ResultReader } from "./result_reader.ts";
import { isGenuine } from "./seal.ts";
import { CallWatch, cannotRun } from "./watch.ts";
import { CallWire, type RestoreQueue } from "./wire.ts";

/** Figures about an executor over many machines. */
export interface RemoteStats extends PoolStats {
  /** Tries after the first, of calls that have or had several. */
  retried: number;
  /** Calls that were refused. */
  refused: number;
  /** Answers that came for calls that had ended. */
  duplicates: number;
}

/** For how long a worker counts that was heard of, in ms. */
const HEARD_LATELY = 30_000;
/** How many calls a map has under way for each place where one can run, at least so many. */
const LEAST_WORKERS = 8;

let ids = 0;

/** Calls that others run. */
export class RemoteCaller implements Caller {
  readonly #options: CallerOptions;
  readonly #exchange: Exchange;
  readonly #clock = new Clock();
  readonly #wire: CallWire;
  readonly #reader: ResultReader;
  readonly #stats = new CallStats();
  /** What is with the broker, by the name of the call. */
  readonly #sent = new Map<string, RemoteCall>();
  /** What waits here. */
  #unsent: RemoteCall[] = [];
  #next = 0;
  #open = 0;
  #isClosed = false;
  #retried = 0;
  #refused = 0;
  #duplicates = 0;
  /** Workers, by name: when each was heard of last, and how many calls it runs at once. */
  readonly #workers = new Map<string, { at: number; slots: number }>();
  readonly #maps = new Set<WeakRef<CallerMap>>();
  #interrupted: "ending" | "untold" | undefined;
  #idle = Promise.withResolvers<void>();
  #release: (() => void) | undefined;
  #letGo: (() => void) | undefined;
  #gone: Promise<void> | undefined;
  readonly #watch: CallWatch;
  #isTold = false;

  /** @param restore Makes a RemoteQueue that comes in a result. */
  constructor(options: CallerOptions, restore: RestoreQueue) {
    this.#options = options;
    this.#wire = new CallWire(options.places, () => restore);
    this.#reader = new ResultReader(this.#wire);
    this.#exchange = new Exchange(options, this.#clock, {
      hear: (delivery) => this.#hear(delivery),
      opened: () => this.#flush(),
      failed: (error) => this.#failAll(() => error),
      state: () => this.#watch.look(),
    });
    this.#watch = new CallWatch(options, this.#exchange, this.#clock, {
      isIdle: () => this.#open === 0,
      sent: () => [...this.#sent.values()],
      unsent: () => this.#unsent.slice(this.#next),
      poll: () => this.poll(),
      fail: (call, error) => this.#fail(call, error),
      leave: (call, reason) => this.#tellCancelled(call, reason),
    });
    this.#idle.resolve();
  }

  get maxWorkers(): number {
    this.#forgetWorkers();
    let slots = 0;
    for (const worker of this.#workers.values()) slots += worker.slots;
    const most = Math.max(1, Math.floor(this.#options.maxInFlight / 2));
    return Math.min(most, Math.max(LEAST_WORKERS, slots));
  }

  get isBroken(): boolean {
    return false;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get waiting(): number {
    return this.#unsent.length - this.#next;
  }

  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  get stats(): RemoteStats {
    this.#forgetWorkers();
    let running = 0;
    for (const { phase } of this.#sent.values()) if (phase === BEGUN) running++;
    return {
      queued: this.#open - running,
      running,
      ...this.#stats.summary(),
      workers: this.#workers.size,
      retried: this.#retried,
      refused: this.#refused,
      duplicates: this.#duplicates,
    };
  }

  get parts(): string[] {
    const { running, queued, workers } = this.stats;
    const now = [this.#options.queue, `${workers} workers`, `${running} running`];
    return [...this.#isClosed ? ["closed"] : [], ...now, `${queued} queued`];
  }

  // --- what is asked for

  submit(
    target: unknown,
    args: unknown[],
    options: RemoteCallOptions = {},
    kind: CallKind = CALL,
  ): RemoteCall {
    if (this.#interrupted !== undefined) throw this.#refusal();
    const call = this.#make(target, args, options, kind, true);
    if (this.#open++ === 0) this.#wakeUp();
    const { expires = this.#options.expires } = options;
    if (expires !== undefined) {
      call.stopTimer = this.#clock.after(expires, () => this.#expire(call, expires));
    }
    this.#unsent.push(call);
    this.#exchange.open();
    this.#flush();
    return call;
  }

  #make(
    target: unknown,
    args: unknown[],
    options: RemoteCallOptions,
    kind: CallKind,
    isAnswered: boolean,
  ): RemoteCall {
    const { queue, places, retries: most, grace, orphan: fate } = this.#options;
    const { retries = most, orphan = fate, priority, timeout, key } = options;
    const reference = knownReference(target);
    const { module, name, print } = reference;
    const place = places.checkedNameOf(module, JSON.stringify(name));
    const { body, hasQueue } = this.#wire.write(args, "args");
    const id = ++ids;
    const call = `${this.#exchange.name}:${id}`;
    const size = kind === CALL ? 1 : args.length;
    const { expires = this.#options.expires } = options;
    const facts = {
      call,
      module: place,
      name,
      print,
      isMain: module === mainModule(),
      kind,
      size,
      retries,
      timeout: timeout === Infinity ? undefined : timeout,
      grace,
      isKept: orphan === "keep" || !isAnswered,
      key,
      hasQueue,
      deno: Deno.version.deno,
    };
    const message = callMessage(facts, body, {
      replyTo: isAnswered ? this.#exchange.inbox : undefined,
      expires: expires === undefined ? undefined : Math.ceil(expires),
    });
    const submitted = this.#stats.submits(this.#open === 0);
    return new RemoteCall(
      { id, kind, target: reference, submitted, size },
      { ...options, retries },
      { name: call, level: levelOf(priority), message: this.#exchange.sealed(queue, message) },
    );
  }

  /** Sends a call whose outcome nobody waits for; settles with its id when the broker has it. */
  async send(target: unknown, args: unknown[], options: RemoteCallOptions): Promise<string> {
    const call = this.#make(target, args, options, CALL, false);
    const release = holdProgram();
    const action = `send a call of ${JSON.stringify(call.target.name)}`;
    try {
      await this.#exchange.opening(action);
      await this.#exchange.publish(call, action);
      return call.message.id;
    } finally {
      release();
    }
  }

  check(value: unknown, root: string): void {
    this.#wire.write(value, root);
  }

  isRunning(call: Call): boolean {
    return call.state !== ENDED && (call as RemoteCall).phase === BEGUN;
  }

  cancel(given: Call, reason: unknown, running: boolean): boolean {
    const call = given as RemoteCall;
    if (call.state === ENDED || call.phase === BEGUN && !running) return false;
    call.isCancelled = true;
    this.#tellCancelled(call, reason);
    this.#end(call, { ok: false, error: reason });
    return true;
  }

  /** Whoever has it, or gets it, is to leave it. */
  #tellCancelled(call: RemoteCall, reason: unknown): void {
    if (call.phase === NEW) return;
    if (call.phase === BEGUN) this.#exchange.cancel(call.inbox, call.name, reason);
    // If it is with nobody yet, or with somebody who could not say so yet.
    else this.#exchange.cancelAnywhere(call.name);
  }

  poll(): boolean {
    this.#stats.hearsNow();
    return this.#exchange.read();
  }

  noteMap(map: WeakRef<CallerMap>): void {
    this.#maps.add(map);
  }

  forgetMap(map: WeakRef<CallerMap>): void {
    this.#maps.delete(map);
  }

  close(cancel = false): void {
    this.#isClosed = true;
    if (cancel) {
      this.#cancelWaiting(() => new CancelledError("The call was cancelled by a shutdown"));
    }
    if (this.#open === 0) this.#leave();
  }

  async gone(): Promise<void> {
    await this.#idle.promise;
    await this.#leave();
  }

  #leave(): Promise<void> {
    return this.#gone ??= this.#exchange.close();
  }

  // --- Ctrl-C

  /** Cancels what no worker has begun; gives how many calls run. */
  interrupt(): number {
    const { failed } = this.#stats;
    const isMapping = this.#maps.size > 0;
    this.#interrupted = "ending";
    for (const map of [...this.#maps]) {
      map.deref()?.interrupt(interruption("The map was cancelled by Ctrl-C"));
    }
    this.#cancelWaiting(() => interruption("The call was cancelled by Ctrl-C"), this.idle);
    const isTold = isMapping || this.#stats.failed > failed;
    const { running } = this.stats;
    this.idle.then(() => this.#interrupted = isTold ? undefined : "untold");
    return running;
  }

  #refusal(): CancelledError {
    if (this.#interrupted === "untold") this.#interrupted = undefined;
    return interruption("Cannot submit a call: cancelled by Ctrl-C");
  }

  #cancelWaiting(reason: () => unknown, told?: Promise<void>): void {
    for (const call of [...this.#sent.values(), ...this.#unsent.slice(this.#next)]) {
      if (call.state === ENDED || call.phase === BEGUN) continue;
      call.told = told;
      this.cancel(call, reason(), false);
    }
  }

  // --- on its way

  #flush(): void {
    if (!this.#exchange.isOpen) return;
    while (this.#next < this.#unsent.length && this.#sent.size < this.#options.maxInFlight) {
      const call = this.#unsent[this.#next++]!;
      if (call.state !== ENDED) this.#send(call);
    }
    if (this.#next === this.#unsent.length || this.#next > 1024) {
      this.#unsent = this.#unsent.slice(this.#next);
      this.#next = 0;
    }
  }

  #send(call: RemoteCall): void {
    call.phase = SENT;
    this.#sent.set(call.name, call);
    start(this.#exchange.publishing(call), () => {
      if (call.phase === SENT) call.phase = AT_BROKER;
    }, (error) => this.#notSent(call, error));
  }

  #notSent(call: RemoteCall, error: unknown): void {
    if (call.state === ENDED) return;
    if (isUnroutable(error)) {
      return this.#fail(
        call,
        new BrokenExecutor(cannotRun(this.#options.queue, "its queue was removed")),
      );
    }
    if (error instanceof Full) {
      const { queue, maxQueue } = this.#options;
      const name = JSON.stringify(queue);
      error = new Full(`Cannot submit a call: ${maxQueue} calls wait in the queue ${name} already`);
    }
    this.#fail(call, error);
  }

  #expire(call: RemoteCall, expires: number): void {
    if (call.state === ENDED || call.phase === BEGUN) return;
    const name = JSON.stringify(call.target.name);
    const error = new TimeoutError(`No worker has begun ${name} within ${expires} ms`);
    call.isCancelled = true;
    this.#tellCancelled(call, error);
    this.#end(call, { ok: false, error });
  }

  // --- what comes

  #hear(delivery: Delivery): void {
    delivery.ack();
    if (!isGenuine(this.#options.secret, this.#exchange.inbox, delivery)) {
      if (!this.#isTold) {
        console.error("switchyard: an answer is not signed by the secret: dropped");
      }
      this.#isTold = true;
      return;
    }
    this.#stats.hearsNow();
    this.#watch.isServed();
    const worker = textOf(delivery, "worker");
    const slots = numberOf(delivery, "slots") || this.#workers.get(worker)?.slots || 1;
    this.#workers.set(worker, { at: performance.now(), slots });
    if (delivery.type === "alive") return this.#hearAlive(delivery);
    const call = this.#sent.get(textOf(delivery, "call"));
    if (call === undefined) return this.#hearUnknown(delivery);
    if (delivery.type === "begin") this.#hearBegin(call, delivery);
    else if (delivery.type === "report") this.#hearReport(call, delivery);
    else if (delivery.type === "refused") this.#hearRefused(call, delivery);
    else if (delivery.type === "done" || delivery.type === "failed") this.#hearEnd(call, delivery);
  }

  #hearUnknown({ type, replyTo, headers }: Delivery): void {
    if (type === "done" || type === "failed") this.#duplicates++;
    // It was cancelled, or somebody else was quicker.
    if (type === "begin" && replyTo !== undefined) {
      this.#exchange.cancel(replyTo, String(headers.call), new CancelledError("It has ended"));
    }
  }

  #hearBegin(call: RemoteCall, delivery: Delivery): void {
    const { replyTo = "", headers: { asks } } = delivery;
    if (asks === true) this.#exchange.go(replyTo, call.name);
    // It is begun when it says so again, unless it runs at most once.
    if (asks === true && call.options.retries !== 0) return;
    this.#noteAttempt(call, delivery);
    call.phase = BEGUN;
    call.inbox = replyTo;
    call.worker = textOf(delivery, "worker");
    call.begunAt = call.aliveAt = performance.now();
  }

  #noteAttempt(call: RemoteCall, delivery: Delivery): void {
    const before = Math.max(1, call.attempt);
    call.attempt = Math.max(before, numberOf(delivery, "attempt"));
    this.#retried += call.attempt - before;
  }

  #hearAlive(delivery: Delivery): void {
    let names: unknown;
    try {
      names = JSON.parse(new TextDecoder().decode(delivery.body));
    } catch {
      return;
    }
    if (!Array.isArray(names)) return;
    for (const name of names) {
      const call = this.#sent.get(String(name));
      if (call === undefined) {
        const { replyTo } = delivery;
        if (replyTo === undefined) continue;
        this.#exchange.cancel(replyTo, String(name), new CancelledError("It has ended"));
      } else if (call.inbox === delivery.replyTo) {
        call.phase = BEGUN;
        call.aliveAt = performance.now();
      }
    }
  }

  #hearReport(call: RemoteCall, { body }: Delivery): void {
    const { onReport } = call.options;
    if (onReport === undefined) return;
    this.#reader.read(body, (outcome) => {
      if (outcome.ok) callSafely(() => onReport(outcome.value as never));
    });
  }

  #hearRefused(call: RemoteCall, delivery: Delivery): void {
    this.#refused++;
    const reason = textOf(delivery, "reason");
    const { print } = call.target;
    const here = versionText(print);
    const there = textOf(delivery, "there");
    const versions = there === "" ? "" : ` (here: ${here}; there: ${there})`;
    const name = JSON.stringify(call.target.name);
    const message = `The call of ${name} was refused: ${reason}${versions}`;
    this.#fail(call, new TaskRefusedError(message, { reason, here, there }));
  }

  #hearEnd(call: RemoteCall, delivery: Delivery): void {
    // Nobody else can end it meanwhile.
    this.#sent.delete(call.name);
    this.#noteAttempt(call, delivery);
    call.worker = textOf(delivery, "worker");
    call.micros = numberOf(delivery, "micros");
    call.items = numberOf(delivery, "items");
    this.#reader.read(delivery.body, (read) => {
      let outcome: Outcome = read;
      if (delivery.type === "failed" && read.ok) outcome = { ok: false, error: read.value };
      else if (delivery.type === "done" && read.ok && !hasResults(call, read.value)) {
        const name = JSON.stringify(call.target.name);
        const error = new WorkerLostError(`${name} was lost: not one result came for each item`);
        outcome = { ok: false, error };
      }
      if (outcome.ok) {
        this.#stats.completed++;
        this.#stats.add(call.micros, call.submitted);
      } else this.#stats.failed++;
      this.#close(call, outcome);
    });
  }

  #forgetWorkers(): void {
    const now = performance.now();
    for (const [name, { at }] of this.#workers) {
      if (now - at > HEARD_LATELY) this.#workers.delete(name);
    }
  }

  // --- the end of calls

  #fail(call: RemoteCall, error: unknown): void {
    this.#end(call, { ok: false, error });
  }

  #end(call: RemoteCall, outcome: Outcome): void {
    if (call.state === ENDED) return;
    this.#stats.failed++;
    this.#sent.delete(call.name);
    this.#close(call, outcome);
  }

  #close(call: RemoteCall, outcome: Outcome): void {
    call.stopTimer?.();
    if (!call.end(outcome)) return;
    this.#flush();
    if (--this.#open > 0) return;
    this.#watch.stop();
    this.#release?.();
    this.#letGo?.();
    this.#idle.resolve();
    if (this.#isClosed) this.#leave();
  }

  #failAll(error: () => unknown): void {
    const waiting = this.#unsent.slice(this.#next);
    this.#unsent = [];
    this.#next = 0;
    for (const call of [...this.#sent.values(), ...waiting]) this.#fail(call, error());
  }

  #wakeUp(): void {
    this.#idle = Promise.withResolvers<void>();
    this.#release = holdProgram();
    this.#letGo = holdInterrupts(this);
    this.#watch.start();
  }
}

/** True if a value is what a call gives: of a chunk one result for each item. */
function hasResults({ kind, size }: Call, value: unknown): boolean {
  return kind === CALL || Array.isArray(value) && value.length === size;
}
