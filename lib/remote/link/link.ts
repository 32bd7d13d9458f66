/**
 * The calling thread's way to the service of a broker: it sends requests and waits for answers, by
 * one algorithm that can block or await (see `sync/steps.ts`).
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
import { post, prepareTake, take } from "../../core/ports.ts";
import { HeapRegion } from "../../memory/heap_region.ts";
import { self } from "../../memory/this_thread.ts";
import type { Park, Steps } from "../../sync/steps.ts";
import { unpack } from "../../transfer/pack.ts";
import { revive } from "../../transfer/reduce.ts";
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

/** The calling thread's way to a service. */
export abstract class BrokerLink {
  /** The broker's place, as it may be shown. */
  readonly place: string;
  readonly #region: HeapRegion;
  /** What is waited for, by number; the answer is there until it is taken. */
  #readAt = 0;
  readonly #questions = new Map<number, { h: number; answer?: Answer }>();
  /** Who is called with an answer, by number. */
  readonly #callbacks = new Map<number, (answer: Answer) => void>();
  /** Who hears what comes for an agent. */
  readonly #hearers = new Map<number, (news: News) => void>();
  #numbers = 0;
  #handles = 0;

  constructor(place: string, bell: SharedArrayBuffer) {
    this.place = place;
    this.#region = new HeapRegion(bell);
  }

  /** Sends a request. */
  abstract send(request: ToService): void;
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
    const callback = this.#callbacks.get(n);
    if (callback !== undefined) {
      this.#callbacks.delete(n);
      return callback(answer);
    }
    const question = this.#questions.get(n);
    if (question !== undefined) question.answer = answer;
  }

  /** Asks for something; calls `fn` with the answer, in whichever turn it comes. */
  request(make: (n: number) => ToService, fn: (answer: Answer) => void): void {
    const n = ++this.#numbers;
    this.#callbacks.set(n, fn);
    this.send(make(n));
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
    for (const question of this.#questions.values()) {
      if (question.h === h) question.answer ??= { error };
    }
    ring(this.bell);
  }

  #park(): Park {
    const { words } = this.#region;
    return { region: this.#region, index: RUNG, value: Atomics.load(words, RUNG), on: 0 };
  }

  /**
   * Asks for something. It is sent when the first step is taken.
   *
   * @param h The handle.
   * @param make Makes the request of that number.
   * @param taken Called with the answer's number, at once when it is there.
   */
  *ask<T>(
    h: number,
    make: (n: number) => ToService,
    taken?: (value: T, n: number) => void,
  ): Steps<T> {
    const n = ++this.#numbers;
    const question: { h: number; answer?: Answer } = { h };
    this.#questions.set(n, question);
    let isOver = false;
    try {
      this.send(make(n));
      for (;;) {
        const park = this.#park();
        this.read();
        const { answer } = question;
        if (answer !== undefined) {
          isOver = true;
          if ("error" in answer) throw answer.error;
          taken?.(answer.value as T, n);
          return answer.value as T;
        }
        if (this.isDead) {
          isOver = true;
          const loss = { host: this.place, attempts: 0 };
          throw new BrokerLostError(
            `Cannot reach the broker ${this.place}: the thread of its connection has ended`,
            loss,
          );
        }
        yield park;
      }
    } finally {
      this.#questions.delete(n);
      if (!isOver) this.send({ op: "cancel", h, n });
    }
  }
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
    prepareTake();
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
    post(this.#port, request);
    // Until then it is rung for all that was sent, when the word is known.
    if (this.#service !== undefined) ring(this.#service);
  }

  protected read(): void {
    for (;;) {
      const message = take(this.#port) as FromService | undefined;
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

  /** Closes the port. */
  close(): void {
    this.#port.close();
  }
}
