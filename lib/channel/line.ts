/**
 * A thread's end of its line to home.
 *
 * What is put in one stretch of code is sent together, once it is more than {@linkcode AT_ONCE}
 * items: when the code pauses, before it waits, at {@linkcode BATCH} items, and when the thread
 * ends. Items come in batches too, and are handed out by number: see `home.ts`.
 *
 * @module
 */
import { ThreadTerminated } from "../core/errors.ts";
import { flushes } from "../core/hooks.ts";
import { post, prepareTake, take } from "../core/ports.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { BELL } from "../memory/roster.ts";
import { isCut, self } from "../memory/this_thread.ts";
import { SpinBudget } from "../sync/spin.ts";
import type { Park } from "../sync/steps.ts";
import { handOver, type Packed, uncloneable, unpack } from "../transfer/pack.ts";
import { revive } from "../transfer/reduce.ts";
import { Boxed, fromSent, type Item, toSent } from "./item.ts";
import { ANSWER, ENDED, GRANT, type Ledger, PUTS, USER_WORDS } from "./ledger.ts";
import type { FromQueueHome, ToQueueHome } from "./line_protocol.ts";
import { lines } from "./lines.ts";

/** The number of items of one stretch of code that go at once, each alone. */
const AT_ONCE = 32;
/** The most items that are sent together. */
const BATCH = 128;

/** The calling thread's line. */
class Line {
  readonly #port: MessagePort;
  readonly #region = new HeapRegion(self().memory);
  readonly #bell = self().slot + BELL;
  readonly #homeBell: number;
  readonly #users = new Map<string, QueueUser>();
  #batch: Item[] = [];
  #batchUser: QueueUser | undefined;
  /** The number put in this stretch of code, and at the last look. */
  #burst = 0;
  #seen = 0;
  #isWatching = false;

  constructor() {
    const { ident, slot, roster } = self();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#homeBell = roster.slotOf(1) + BELL;
    prepareTake();
    lines.announce!({ ident, slot, port: port2 });
    lines.flush = () => this.flush();
    flushes.add(lines.flush);
  }

  /** Where the thread's waits park; read it before the look. */
  get park(): Park {
    const region = this.#region;
    const index = this.#bell;
    return { region, index, value: Atomics.load(region.words, index), on: 0 };
  }

  /** This thread as a user of a queue. */
  use(q: string, ledger: Ledger): QueueUser {
    let user = this.#users.get(q);
    if (user === undefined) this.#users.set(q, user = new QueueUser(this, q, ledger));
    return user;
  }

  /** Sends a message after all that was put before. */
  post(message: ToQueueHome, transfer: Transferable[] = []): void {
    this.flush();
    post(this.#port, message, transfer);
    this.#ring();
  }

  /** Sends an item, or keeps it for a batch. */
  put(user: QueueUser, item: Item): void {
    if (user !== this.#batchUser) {
      this.flush();
      this.#batchUser = user;
    }
    this.#batch.push(item);
    if (++this.#burst <= AT_ONCE || this.#batch.length >= BATCH) this.flush();
    if (this.#isWatching) return;
    this.#isWatching = true;
    queueMicrotask(this.#watch);
  }

  // As long as there is a put in each turn the stretch goes on, also in
  // `for (...) await queue.put(...)`.
  readonly #watch = (): void => {
    if (this.#burst !== this.#seen) {
      this.#seen = this.#burst;
      queueMicrotask(this.#watch);
      return;
    }
    this.#isWatching = false;
    this.#burst = this.#seen = 0;
    this.flush();
  };

  /** Sends what was kept. */
  flush(): void {
    const items = this.#batch;
    if (items.length === 0) return;
    this.#batch = [];
    post(this.#port, { type: "put", q: this.#batchUser!.q, sent: toSent(items) });
    this.#ring();
  }

  #ring(): void {
    const { words } = this.#region;
    Atomics.add(words, this.#homeBell, 1);
    Atomics.notify(words, this.#homeBell);
  }

  /** Takes what home has sent. */
  read(): void {
    for (;;) {
      const message = take(this.#port) as FromQueueHome | undefined;
      if (message === undefined) return;
      this.#users.get(message.q)?.receive(message);
    }
  }
}

/** An item that was handed out, or that is next. */
export interface TakenItem {
  /** The item. */
  item: Item;
}

/** Items that came together. */
interface Chunk {
  /** The number of the first. */
  first: number;
  items: Item[];
}

/** This thread as a user of one queue. */
export class QueueUser {
  readonly q: string;
  readonly #line: Line;
  readonly #ledger: Ledger;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #chunks: Chunk[] = [];
  readonly #replies = new Map<number, Packed | undefined>();
  readonly #spin = new SpinBudget();
  #replyNumber = 0;
  #questions = 0;
  /** The number of items that it was granted and that it, or home, has done with. */
  #done = 0;
  #waiting = 0;
  #wanted = 0;
  /** The number at which it asks for more: where a batch ends that was more than it waited for. */
  #moreAt = -1;

  constructor(line: Line, q: string, ledger: Ledger) {
    this.#line = line;
    this.q = q;
    this.#ledger = ledger;
    const words = new SharedArrayBuffer(USER_WORDS * 4);
    this.#words = new Int32Array(words);
    line.post({ type: "use", q, words });
  }

  /** Where waits park; read it before the look. */
  get park(): Park {
    const { park } = this.#line;
    park.spin = this.#spin;
    return park;
  }

  receive(message: FromQueueHome): void {
    if (message.type === "reply") {
      this.#replies.set(message.reply, message.error);
      return;
    }
    const items = fromSent(message.sent);
    this.#chunks.push({ first: message.first, items });
    if (items.length > this.#waiting) this.#moreAt = message.first + items.length;
  }

  /** Counts an item for which there is room, before it is sent. */
  #count(): void {
    const puts = Atomics.add(this.#words, PUTS, 2);
    if ((puts & ENDED) === 0) return;
    // Home takes nothing of this thread any more, and has not counted this.
    this.#ledger.writeOff(1);
    throw new ThreadTerminated("The thread was terminated");
  }

  /** Puts an item in, for which there is room. */
  put(item: Item): void {
    this.#count();
    if (!(item instanceof Boxed)) return this.#line.put(this, item);
    try {
      this.#line.post({ type: "put", q: this.q, sent: toSent([item]) }, item.transfer);
      handOver(item);
    } catch (cause) {
      this.#uncount();
      throw uncloneable(cause, "item");
    }
  }

  #uncount(): void {
    Atomics.sub(this.#words, PUTS, 2);
    this.#ledger.writeOff(1);
  }

  /** As {@linkcode put}; gives the number of home's reply. */
  putForReply(item: Item): number {
    this.#count();
    const reply = ++this.#replyNumber;
    const transfer = item instanceof Boxed ? item.transfer : [];
    try {
      this.#line.post({ type: "put", q: this.q, sent: toSent([item]), reply }, transfer);
    } catch (cause) {
      this.#uncount();
      throw uncloneable(cause, "item");
    }
    return reply;
  }

  /**
   * True if a reply has come.
   *
   * @throws {unknown} What putting the item threw at home.
   */
  replied(reply: number): boolean {
    this.#line.read();
    if (!this.#replies.has(reply)) return false;
    const error = this.#replies.get(reply);
    this.#replies.delete(reply);
    if (error !== undefined) throw unpack(error, revive);
    return true;
  }

  /** The next item of those that were granted, still to be taken. */
  peek(): TakenItem | undefined {
    if (isCut()) return undefined;
    const words = this.#words;
    const grant = Atomics.load(words, GRANT);
    this.#skip(grant);
    if ((grant >>> 16) === (grant & 0xffff)) return undefined;
    // It was sent before it was granted.
    for (let isRead = false;; isRead = true) {
      const chunk = this.#chunkOf(this.#done);
      if (chunk !== undefined) return { item: chunk.items[this.#done - chunk.first] };
      if (isRead) return undefined;
      this.#line.read();
    }
  }

  /** Takes the next item of those that were granted, which ends a wait if `waits`. */
  take(waits: boolean): TakenItem | undefined {
    const words = this.#words;
    for (;;) {
      const next = this.peek();
      if (next === undefined) return undefined;
      const done = this.#done & 0xffff;
      const grant = Atomics.load(words, GRANT);
      if ((grant >>> 16) !== done || (grant & 0xffff) === done) continue;
      const after = (done + 1 & 0xffff) << 16 | grant & 0xffff;
      if (Atomics.compareExchange(words, GRANT, grant, after) !== grant) continue;
      this.#done++;
      if (waits) this.#waiting--;
      // At the end of what came together: so the next is on its way while the rest is used up.
      if (this.#done === this.#moreAt) this.#want();
      if (this.#ledger.handedOut()) this.#line.post({ type: "shut", q: this.q });
      return next;
    }
  }

  /** Passes over what home has taken back. */
  #skip(grant: number): void {
    const more = ((grant >>> 16) - this.#done) & 0xffff;
    this.#done += more;
  }

  #chunkOf(number: number): Chunk | undefined {
    const chunks = this.#chunks;
    const head = chunks[0];
    if (head !== undefined && head.first <= number && number < head.first + head.items.length) {
      return head;
    }
    while (chunks.length > 0 && chunks[0]!.first + chunks[0]!.items.length <= number) {
      chunks.shift();
    }
    return chunks.length > 0 && chunks[0]!.first <= number ? chunks[0] : undefined;
  }

  /** Begins a wait; `asks`: to know if there is an item now. Gives the question's number. */
  beginWait(asks: boolean): number {
    this.#waiting++;
    const question = asks ? ++this.#questions : 0;
    this.#want(question);
    return question;
  }

  /** Says again what is wanted, if home has taken back what was granted. */
  renew(): void {
    if (this.#wanted !== this.#done + this.#waiting) this.#want();
  }

  /** True if home has answered the question with no. */
  isRefused(question: number): boolean {
    return (Atomics.load(this.#words, ANSWER) - question | 0) >= 0;
  }

  /** Ends a wait that got nothing. */
  endWait(): void {
    this.#waiting--;
    this.renew();
  }

  #want(question = 0): void {
    const upTo = this.#wanted = this.#done + this.#waiting;
    const message: ToQueueHome = { type: "want", q: this.q, upTo };
    this.#line.post(question === 0 ? message : { ...message, question });
  }

  /** Tells home that the queue was shut. */
  shut(): void {
    this.#line.post({ type: "shut", q: this.q });
  }
}

let line: Line | undefined;

/** The calling thread's line; it is made at the first use. */
export function theLine(): Line {
  return line ??= new Line();
}
export type { Line };
