/**
 * The calling thread's way to the service of a broker: it sends requests, and waits for answers.
 * Who blocks waits by itself ({@linkcode BrokerLink.ask}); all who await ({@linkcode
 * BrokerLink.call}) share one wait, which hears their answers, so that a thousand of them cost no
 * more than one.
 *
 * There are two. {@linkcode LocalLink} calls a service of this same thread. {@linkcode PortLink}
 * reaches that of another thread over a port; it never waits for this thread's or the main thread's
 * event loop, so both may compute or block meanwhile.
 *
 * A wait that ends early (timeout, signal, the thread is stopped) says so: what the service had
 * granted to it goes back, and nothing is lost with it.
 *
 * @module
 */
import { BrokerLostError } from "../../core/errors.ts";
import { flushes } from "../../core/hooks.ts";
import { prepareTake } from "../../core/ports.ts";
import { HeapRegion } from "../../memory/heap_region.ts";
import { self } from "../../memory/this_thread.ts";
import { checkCancelled, type Park, runAsync, type Steps } from "../../sync/steps.ts";
import { unpack } from "../../transfer/pack.ts";
import { revive } from "../../transfer/reduce.ts";
import { BatchReader, BatchWriter, MOST_IN_A_BATCH } from "./batches.ts";
import type { User } from "./handle.ts";
import type { FromService, News, ToService } from "./protocol.ts";
import { ring } from "./reception.ts";
import type { Service } from "./service.ts";

/** The words of a user's bell: the one that is rung, and whether the service has ended. */
const RUNG = 0;
const OVER = 1;
/** The size of a user's bell. */
export const BELL_BYTES = 8;

/** Tells a user that the service has ended. */
export function toll(bell: SharedArrayBuffer): void {
  const words = new Int32Array(bell);
  Atomics.store(words, OVER, 1);
  Atomics.add(words, RUNG, 1);
  Atomics.notify(words, RUNG);
}

/** An answer that came. */
export type Answer = { value: unknown } | { error: unknown };

/** Somebody who waits for an answer. */
interface Question {
  /** Its handle. */
  readonly h: number;
  /** Called once with the answer, in whichever turn it comes. */
  readonly on: (answer: Answer) => void;
  /** True if somebody awaits it. */
  readonly isAwaited: boolean;
}

/** The calling thread's way to a service. */
export abstract class BrokerLink {
  /** The broker's place, as it may be shown. */
  readonly place: string;
  readonly #region: HeapRegion;
  #readAt = 0;
  /** What is waited for, by number. */
  readonly #questions = new Map<number, Question>();
  /** How many of them are awaited. */
  #awaited = 0;
  #isHearing = false;
  /** Who hears what comes for an agent. */
  readonly #hearers = new Map<number, (news: News) => void>();
  #numbers = 0;
  #handles = 0;

  constructor(place: string, bell: SharedArrayBuffer) {
    this.place = place;
    this.#region = new HeapRegion(bell);
  }

  /** Sends a request, at the latest when this turn is over, or the thread blocks. */
  abstract send(request: ToService): void;
  /** Sends at once what is to be sent. */
  abstract flush(): void;
  /** Takes what has come. */
  protected abstract read(): void;
  /** True if nobody will ever answer. */
  abstract readonly isDead: boolean;

  /** A number for a new handle. */
  newHandle(): number {
    return ++this.#handles;
  }

  /** The word that says that something has come. */
  protected get bell(): Int32Array<SharedArrayBuffer> {
    return this.#region.words;
  }

  /** An answer has come; one that nobody waits for is dropped. */
  protected receive(n: number, answer: Answer): void {
    const question = this.#questions.get(n);
    if (question === undefined) return;
    this.#questions.delete(n);
    // The wait of all sees that it is over.
    if (question.isAwaited && --this.#awaited === 0) ring(this.bell);
    question.on(answer);
  }

  #ask(h: number, isAwaited: boolean, on: (answer: Answer) => void): number {
    const n = ++this.#numbers;
    this.#questions.set(n, { h, on, isAwaited });
    if (isAwaited) this.#awaited++;
    return n;
  }

  /** Nobody waits for an answer any more: what is granted with it goes back. */
  #giveUp(n: number, error: unknown): void {
    const question = this.#questions.get(n);
    if (question === undefined) return;
    this.send({ op: "cancel", h: question.h, n });
    this.receive(n, { error });
  }

  /** Asks for something; calls `fn` with the answer. It keeps no program alive. */
  request(h: number, make: (n: number) => ToService, fn: (answer: Answer) => void): void {
    this.send(make(this.#ask(h, false, fn)));
  }

  /** Has `fn` called with what comes for the agent `h`. */
  hear(h: number, fn: (news: News) => void): void {
    this.#hearers.set(h, fn);
  }

  /** Has nobody called any more. */
  unhear(h: number): void {
    this.#hearers.delete(h);
  }

  /** Something has come for the agent `h`. */
  tell(h: number, news: News): void {
    this.#hearers.get(h)?.(news);
  }

  /** Reads what is there; whether somebody had rung for it. */
  readNow(): boolean {
    const rung = Atomics.load(this.bell, RUNG);
    const isNew = rung !== this.#readAt;
    this.#readAt = rung;
    if (isNew) this.read();
    this.flush();
    return isNew;
  }

  /**
   * Reads whenever somebody rings, which keeps no program alive.
   *
   * @param died Called once, when nobody will ever answer.
   * @returns What ends it.
   */
  attend(died: () => void): () => void {
    let isOver = false;
    const turn = () => {
      if (isOver) return;
      const heard = Atomics.load(this.bell, RUNG);
      this.read();
      if (this.isDead) {
        isOver = true;
        return died();
      }
      const parked = Atomics.waitAsync(this.bell, RUNG, heard);
      if (parked.async) parked.value.then(turn);
      else Promise.resolve().then(turn);
    };
    // In the next turn: whoever attends is not yet made.
    Promise.resolve().then(turn);
    return () => {
      isOver = true;
      ring(this.bell);
    };
  }

  /** A handle is closed: whoever waits for something through it gets the error. */
  fail(h: number, error: Error): void {
    for (const [n, question] of [...this.#questions]) {
      if (question.h === h) this.receive(n, { error });
    }
    ring(this.bell);
  }

  #park(): Park {
    const { words } = this.#region;
    return { region: this.#region, index: RUNG, value: Atomics.load(words, RUNG), on: 0 };
  }

  #lost(): BrokerLostError {
    const loss = { host: this.place, attempts: 0 };
    return new BrokerLostError(
      `Cannot reach the broker ${this.place}: the thread of its connection has ended`,
      loss,
    );
  }

  /**
   * Asks for something, for who blocks. It is sent when the first step is taken.
   *
   * @param h The handle.
   * @param make Makes the request of that number.
   * @param read Makes the result of the answer's value and number.
   */
  *ask<T, R>(
    h: number,
    make: (n: number) => ToService,
    read: (value: T, n: number) => R,
  ): Steps<R> {
    const answers: Answer[] = [];
    const n = this.#ask(h, false, (answer) => answers.push(answer));
    try {
      this.send(make(n));
      this.flush();
      for (;;) {
        const park = this.#park();
        this.read();
        const [answer] = answers;
        if (answer !== undefined) return result(answer, (value) => read(value as T, n));
        if (this.isDead) throw this.#lost();
        yield park;
      }
    } finally {
      this.#giveUp(n, undefined);
    }
  }

  /**
   * Asks for something, for who awaits; it keeps the program alive until then.
   *
   * @param h The handle.
   * @param make Makes the request of that number.
   * @param read Makes the result of the answer's value and number, in the turn in which it comes.
   * @param signal Gives it up: what is granted with the answer goes back.
   */
  async call<T, R>(
    h: number,
    make: (n: number) => ToService,
    read: (value: T, n: number) => R,
    signal?: AbortSignal,
  ): Promise<R> {
    signal?.throwIfAborted();
    checkCancelled();
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const abort = () => this.#giveUp(n, signal!.reason);
    const n = this.#ask(h, true, (answer) => {
      signal?.removeEventListener("abort", abort);
      try {
        resolve(result(answer, (value) => read(value as T, n)));
      } catch (error) {
        reject(error);
      }
    });
    signal?.addEventListener("abort", abort);
    this.send(make(n));
    if (this.#awaited > 0) this.#hear();
    return await promise;
  }

  /** Waits for all that is awaited. */
  #hear(): void {
    if (this.#isHearing) return;
    this.#isHearing = true;
    const over = () => {
      this.#isHearing = false;
      if (this.#awaited > 0) this.#hear();
    };
    runAsync(this.#hearing()).catch((error) => {
      // The thread is to stop.
      for (const [n, { isAwaited }] of [...this.#questions]) if (isAwaited) this.#giveUp(n, error);
    }).then(over);
  }

  *#hearing(): Steps<void> {
    while (this.#awaited > 0) {
      const park = this.#park();
      this.read();
      if (this.#awaited === 0) return;
      if (this.isDead) {
        const error = this.#lost();
        for (const [n, { isAwaited }] of [...this.#questions]) {
          if (isAwaited) this.receive(n, { error });
        }
        return;
      }
      yield park;
    }
  }
}

function result<R>(answer: Answer, read: (value: unknown) => R): R {
  if ("error" in answer) throw answer.error;
  return read(answer.value);
}

/** A link to a service of this same thread. */
export class LocalLink extends BrokerLink implements User {
  readonly isDead = false;
  readonly #service: Service;

  constructor(place: string, service: Service, bell: SharedArrayBuffer) {
    super(place, bell);
    this.#service = service;
  }

  send(request: ToService): void {
    this.#service.receive(this, request);
  }

  flush(): void {}

  protected read(): void {}

  answer(n: number, value: unknown): void {
    if (n === 0) return;
    this.receive(n, { value });
    ring(this.bell);
  }

  refuse(n: number, error: unknown): void {
    if (n === 0) return;
    this.receive(n, { error });
    ring(this.bell);
  }
}

/** A link to a service of another thread. */
export class PortLink extends BrokerLink {
  readonly #port: MessagePort;
  readonly #requests: BatchWriter<ToService>;
  readonly #answers: BatchReader<FromService>;
  #service: Int32Array<SharedArrayBuffer> | undefined;
  /** The thread of the service, once it is known. */
  #thread: { ident: number; slot: number } | undefined;

  /**
   * Makes it.
   *
   * @param bell The word that the service rings.
   */
  constructor(place: string, port: MessagePort, bell: SharedArrayBuffer) {
    super(place, bell);
    this.#port = port;
    this.#requests = new BatchWriter(port);
    this.#answers = new BatchReader(port);
    prepareTake();
    flushes.add(this.flush);
  }

  /** Watches the thread in which the service is to be. */
  watch(ident: number): void {
    this.#thread ??= { ident, slot: self().roster.slotOf(ident) };
  }

  get isDead(): boolean {
    if (Atomics.load(this.bell, OVER) !== 0) return true;
    const thread = this.#thread;
    return thread !== undefined && self().roster.hasEnded(thread.slot, thread.ident);
  }

  send(request: ToService): void {
    if (this.isDead) return;
    const count = this.#requests.add(request);
    if (count === 1) queueMicrotask(this.flush);
    else if (count === MOST_IN_A_BATCH) this.flush();
  }

  readonly flush = (): void => {
    // It is rung for all that was sent before its word was known.
    if (this.#requests.flush() && this.#service !== undefined) ring(this.#service);
  };

  protected read(): void {
    for (;;) {
      const message = this.#answers.take();
      if (message === undefined) return;
      if ("news" in message) this.tell(message.h, message.news);
      else if ("bell" in message) {
        const { bell, ident, slot } = message;
        this.#service = new Int32Array(bell);
        this.#thread = { ident, slot };
        ring(this.#service);
      } else if ("error" in message) {
        this.receive(message.n, { error: unpack(message.error, revive) });
      } else this.receive(message.n, { value: message.value });
    }
  }

  /** Closes the port. What has come by then is heard. */
  close(): void {
    this.read();
    flushes.delete(this.flush);
    this.#port.close();
  }
}
