/**
 * Where a service hears the threads that use it, and answers them over their ports.
 *
 * Nobody listens on the ports: an event loop that had taken an answer could not give it to a thread
 * that blocks. Whoever has sent something rings the other's bell, a word of shared memory, and the
 * other looks at its port then. A user learns the word of the service by its first message.
 *
 * **Who dies when.** A thread has ended: what it had sent is read, then its handles are closed. The
 * thread of the service has ended: users see that in the roster of threads, at most 40 ms later.
 *
 * @module
 */
import { services } from "../../core/hooks.ts";
import { self } from "../../memory/this_thread.ts";
import { pack } from "../../transfer/pack.ts";
import { reducer } from "../../transfer/reduce.ts";
import { BatchReader, BatchWriter, MOST_IN_A_BATCH } from "./batches.ts";
import type { User } from "./handle.ts";
import type { FromService, News, NewUser, ToService } from "./protocol.ts";
import type { Service } from "./service.ts";

/** The number of messages of a user that are read in one go. */
const MOST_AT_A_TIME = 256;

const reduce = reducer("thread");

/** Rings a bell: whoever waits for its word looks again. */
export function ring(bell: Int32Array<SharedArrayBuffer>): void {
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
}

/** A user in another thread. */
class PortUser implements User {
  readonly requests: BatchReader<ToService>;
  readonly #port: MessagePort;
  readonly #answers: BatchWriter<FromService>;
  readonly #bell: Int32Array<SharedArrayBuffer>;
  readonly #hasSome: (user: PortUser) => void;

  /** @param hasSome Sees to it that what is to be sent is, soon. */
  constructor({ port, bell }: NewUser, hasSome: (user: PortUser) => void) {
    this.#port = port;
    this.requests = new BatchReader(port);
    this.#answers = new BatchWriter(port);
    this.#bell = new Int32Array(bell);
    this.#hasSome = hasSome;
  }

  post(message: FromService): void {
    const count = this.#answers.add(message);
    if (count === 1) this.#hasSome(this);
    else if (count === MOST_IN_A_BATCH) this.flush();
  }

  /** Sends what is to be sent. One ring is enough: it wakes every wait of the thread. */
  flush(): void {
    if (this.#answers.flush()) ring(this.#bell);
  }

  close(): void {
    this.flush();
    this.#port.close();
  }

  answer(n: number, value: unknown): void {
    if (n !== 0) this.post({ n, value });
  }

  refuse(n: number, error: unknown): void {
    if (n !== 0) this.post({ n, error: pack(error, reduce, "error") });
  }

  tell(h: number, news: News): void {
    this.post({ h, news });
  }
}

/** Where a service hears the threads that use it. */
export class Reception {
  /** The service. */
  readonly service: Service;
  readonly #bell: Int32Array<SharedArrayBuffer>;
  readonly #users = new Map<number, PortUser>();
  readonly #toFlush = new Set<PortUser>();
  readonly #alsoRead: () => boolean;
  #isListening = false;
  #isOver = false;

  /**
   * Opens it.
   *
   * @param bell The word that users ring.
   * @param alsoRead Reads something else that this bell is rung for; whether there was something.
   */
  constructor(service: Service, bell: SharedArrayBuffer, alsoRead: () => boolean = () => false) {
    this.service = service;
    this.#bell = new Int32Array(bell);
    this.#alsoRead = alsoRead;
  }

  /** The number of threads that use it. */
  get users(): number {
    return this.#users.size;
  }

  /** Lets a user in. */
  admit(user: NewUser): void {
    const mine = new PortUser(user, this.#hasSome);
    this.#users.set(user.ident, mine);
    const { ident, slot } = self();
    mine.post({ n: 0, bell: this.#bell.buffer, ident, slot });
    services.add(this.read);
    this.listen();
  }

  /** A thread has ended, or uses it no more. */
  gone(ident: number): void {
    const user = this.#users.get(ident);
    if (user === undefined) return;
    this.#users.delete(ident);
    this.#readUser(user, Infinity);
    this.service.leave(user);
    user.close();
    if (this.#users.size === 0) services.delete(this.read);
  }

  readonly #hasSome = (user: PortUser): void => {
    if (this.#toFlush.size === 0) queueMicrotask(this.#flush);
    this.#toFlush.add(user);
  };

  readonly #flush = (): void => {
    for (const user of this.#toFlush) user.flush();
    this.#toFlush.clear();
  };

  #readUser(user: PortUser, most: number): boolean {
    for (let k = 0; k < most; k++) {
      const request = user.requests.take();
      if (request === undefined) return k > 0;
      this.service.receive(user, request);
    }
    return true;
  }

  /** Reads what is there; whether there was something. */
  readonly read = (): boolean => {
    let any = this.#alsoRead();
    for (const user of this.#users.values()) any = this.#readUser(user, MOST_AT_A_TIME) || any;
    // A thread that is blocked runs no microtasks.
    this.#flush();
    return any;
  };

  /** Reads whenever somebody rings, as long as there are users, or until the end if `always`. */
  listen(always = false): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const turn = () => {
      if (this.#isOver || !always && this.#users.size === 0) {
        this.#isListening = false;
        return;
      }
      const heard = Atomics.load(this.#bell, 0);
      const isMore = this.read();
      const parked = Atomics.waitAsync(this.#bell, 0, heard);
      if (!parked.async) return void Promise.resolve().then(turn);
      parked.value.then(turn);
      // While there is something to read, other events have their turn in between.
      if (isMore) Atomics.notify(this.#bell, 0);
    };
    turn();
  }

  /** Closes it. */
  close(): void {
    this.#isOver = true;
    for (const ident of [...this.#users.keys()]) this.gone(ident);
    services.delete(this.read);
    ring(this.#bell);
  }
}
