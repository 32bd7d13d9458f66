/**
 * The home of queues: the main thread, which keeps the items of each in a deque, a stack or a heap.
 *
 * **Who gets what.** Calls in the home thread work on the store itself. Another thread says up to
 * which number it wants items; home lets it have them: it posts them, and raises the number in its
 * `GRANT` word (see `ledger.ts`). While only one thread gets from a FIFO queue, it is granted
 * items before it asks (read-ahead), in growing batches. Once a second one asks, home first takes
 * back what the first has not handed out, and from then on grants wishes alone, in turn: so items
 * are handed out in the order of put. After {@linkcode SHARED_FOR} ms with one thread asking
 * batches begin again.
 *
 * **Who dies when.** Home keeps every granted item until it sees in `GRANT` that it was handed out.
 *
 * - A thread ends, is terminated or is cut off, at whatever point: home reads all that it has sent,
 *   then takes back what it had not handed out, puts that back in front and gives it to others.
 *   From then on the thread can hand out nothing, even if it runs on.
 * - It had taken room for items that it never sent: they are written off, by its `PUTS` word.
 * - A wait is ended early: the thread wants less; what was granted for it goes back.
 *
 * Ports and streams alone are moved with an item when it is granted, which is never done ahead.
 * Such an item cannot be taken back: it waits for the thread's next get, and is written off with
 * the thread.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { pack } from "../transfer/pack.ts";
import { reducer } from "../transfer/reduce.ts";
import { find, load } from "../transfer/task.ts";
import { fromSent, isMover, type Item, movedOnly, toSent } from "./item.ts";
import { ANSWER, CLOSED, ENDED, GRANT, type Ledger, MOST_GRANTED, OPEN, PUTS } from "./ledger.ts";
import type { FromQueueHome, Plan, ToQueueHome } from "./line_protocol.ts";
import type { Compare } from "./natural_order.ts";
import { Heap, Stack, type Store } from "./store.ts";

/** The time for which batches rest after a second thread has asked, in ms. */
const SHARED_FOR = 100;
/** The first and the largest batch. */
const FIRST_BATCH = 16;
const MOST_AHEAD = 1024;
/** The most items in one message. */
const MOST_TOGETHER = 256;

const reduce = reducer("thread");

/** A line, as the queues at home see it. */
export interface HomeLine {
  /** Sends a message to the thread. */
  post(message: FromQueueHome, transfer: Transferable[]): void;
  /** Wakes the thread when the messages at hand have been dealt with. */
  ring(): void;
}

/** Who waits for items: a thread, or the home thread itself. */
interface Wisher {
  /** The number of items that it waits for and has not been given. */
  readonly wishes: number;
  /** True if it stands in the row. */
  inRow: boolean;
  give(item: Item): void;
}

/**
 * A thread that uses a queue. Numbers of items count from 0 and stay exact; the words hold 16 bits.
 */
class User implements Wisher {
  readonly line: HomeLine;
  readonly #q: string;
  readonly #words: Int32Array<SharedArrayBuffer>;
  inRow = false;
  /** The question that waits for its answer, 0 for none. */
  question = 0;
  /** The number of items that it may be granted ahead; 0 when it was not alone of late. */
  ahead = 0;
  /** The number of its items that have arrived. */
  received = 0;
  #wanted = 0;
  #granted = 0;
  #handedOut = 0;
  /** The items granted and not seen to be handed out, and those about to be granted. */
  #kept: Item[] = [];
  #outbox: Item[] = [];

  constructor(line: HomeLine, q: string, words: SharedArrayBuffer) {
    this.line = line;
    this.#q = q;
    this.#words = new Int32Array(words);
  }

  want(upTo: number): void {
    this.#wanted = upTo;
  }

  get wishes(): number {
    const planned = this.#granted + this.#outbox.length;
    return Math.min(this.#wanted - planned, MOST_GRANTED - (planned - this.#handedOut));
  }

  /** The number of items that it was granted and has not handed out. */
  get outstanding(): number {
    this.#look(Atomics.load(this.#words, GRANT));
    return this.#granted - this.#handedOut;
  }

  /** The number of items that it may still be given ahead. */
  get room(): number {
    if (this.ahead === 0) return 0;
    return this.ahead - this.outstanding - this.#outbox.length;
  }

  /** True if something was moved to it with an item that it has not handed out. */
  get hasMoved(): boolean {
    this.#look(Atomics.load(this.#words, GRANT));
    return this.#kept.some(isMover);
  }

  give(item: Item): void {
    this.#outbox.push(item);
  }

  /**
   * Grants what it was given, in messages of a size that the thread reads while the next is
   * written.
   */
  post(): void {
    const all = this.#outbox;
    if (all.length === 0) return;
    this.#outbox = [];
    this.#look(Atomics.load(this.#words, GRANT));
    for (let from = 0; from < all.length; from += MOST_TOGETHER) {
      const items = all.length <= MOST_TOGETHER ? all : all.slice(from, from + MOST_TOGETHER);
      const message: FromQueueHome = {
        type: "items",
        q: this.#q,
        first: this.#granted,
        sent: toSent(items),
      };
      this.line.post(message, movedOnly(items));
      this.#grant(items.length);
    }
    if (this.#kept.length === 0) this.#kept = all;
    else for (const item of all) this.#kept.push(item);
    this.line.ring();
  }

  #grant(count: number): void {
    this.#granted += count;
    const words = this.#words;
    for (;;) {
      const seen = Atomics.load(words, GRANT);
      const next = seen & ~0xffff | this.#granted & 0xffff;
      if (Atomics.compareExchange(words, GRANT, seen, next) === seen) return;
    }
  }

  /** Takes back all that it has not handed out; what it wishes for beyond that it still does. */
  takeBack(): Item[] {
    const words = this.#words;
    for (;;) {
      const seen = Atomics.load(words, GRANT);
      const all = this.#granted & 0xffff;
      if (Atomics.compareExchange(words, GRANT, seen, all << 16 | all) !== seen) continue;
      this.#look(seen);
      const unmet = Math.max(0, this.#wanted - this.#handedOut);
      const back = [...this.#kept, ...this.#outbox];
      this.#wanted = this.#granted + unmet;
      this.#kept = [];
      this.#outbox = [];
      this.#handedOut = this.#granted;
      return back;
    }
  }

  /** Ends its puts; how many items it had room for and never sent. */
  end(): number {
    const puts = Atomics.or(this.#words, PUTS, ENDED) >>> 1;
    return (puts - this.received) & 0x7fffffff;
  }

  /** Says no to its question. */
  answer(): void {
    Atomics.store(this.#words, ANSWER, this.question);
    this.question = 0;
    this.line.ring();
  }

  #look(grant: number): void {
    const more = ((grant >>> 16) - this.#handedOut) & 0xffff;
    if (more === 0) return;
    this.#handedOut += more;
    if (more === this.#kept.length) this.#kept = [];
    else this.#kept.splice(0, more);
  }
}

/** The home thread's own gets that wait. */
class Local implements Wisher {
  inRow = false;
  waiting = 0;
  readonly given: Item[] = [];
  readonly #wake: () => void;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  get wishes(): number {
    return this.waiting - this.given.length;
  }

  give(item: Item): void {
    this.given.push(item);
    this.#wake();
  }
}

/** A queue at home. */
export class HomeQueue {
  /** Its id. */
  readonly id: string;
  /** Its shared words. */
  readonly ledger: Ledger;
  readonly #store: Store;
  readonly #users = new Map<HomeLine, User>();
  readonly #row: Wisher[] = [];
  readonly #local: Local;
  readonly #isList: boolean;
  #last: Wisher | undefined;
  #sharedUntil = 0;
  #asking = new Set<User>();
  readonly #wakeLocal: () => void;

  /** Makes a queue; `wakeLocal` wakes the home thread's own waits. */
  constructor(id: string, ledger: Ledger, store: Store, wakeLocal: () => void) {
    this.id = id;
    this.ledger = ledger;
    this.#store = store;
    this.#isList = store instanceof Deque;
    this.#wakeLocal = wakeLocal;
    this.#local = new Local(wakeLocal);
  }

  /**
   * Puts an item in, for which there is room.
   *
   * @throws {unknown} What comparing it throws; it is written off then.
   */
  arrive(item: Item): void {
    if (this.ledger.shut === CLOSED) return this.ledger.writeOff(1);
    try {
      this.#store.push(item);
    } catch (error) {
      this.ledger.writeOff(1);
      throw error;
    }
  }

  /** Gives out what is wished for, as far as there is something. */
  serve(): void {
    const store = this.#store;
    const row = this.#row;
    const users: User[] = [];
    while (row.length > 0 && store.length > 0) {
      const wisher = row.shift()!;
      wisher.inRow = false;
      if (wisher.wishes <= 0) continue;
      wisher.give(store.pop());
      if (wisher instanceof User && !users.includes(wisher)) users.push(wisher);
      this.#enter(wisher);
    }
    const last = this.#last;
    if (store.length > 0 && last instanceof User && last.ahead > 0) {
      const most = Math.min(last.room, store.length);
      // What must be moved could not be taken back: it waits for a wish.
      for (let k = 0; k < most && !isMover(store.peek()); k++) {
        last.give(store.pop());
      }
      last.post();
    }
    for (const user of users) user.post();
  }

  #enter(wisher: Wisher): void {
    if (wisher.inRow || wisher.wishes <= 0) return;
    wisher.inRow = true;
    this.#row.push(wisher);
  }

  /** Notes who asks: who is not alone is given nothing ahead, and what it was given goes back. */
  #asks(wisher: Wisher): void {
    if (wisher !== this.#last) {
      if (this.#last !== undefined) this.#sharedUntil = performance.now() + SHARED_FOR;
      this.#last = wisher;
      for (const user of this.#users.values()) {
        if (user === wisher || user.ahead === 0) continue;
        user.ahead = 0;
        if (user.hasMoved) continue;
        this.#putBack(user);
        this.#enter(user);
      }
    }
    if (!(wisher instanceof User) || !this.#isList) return;
    if (wisher.ahead > 0) wisher.ahead = Math.min(MOST_AHEAD, wisher.ahead * 2);
    else if (performance.now() > this.#sharedUntil) wisher.ahead = FIRST_BATCH;
  }

  /** Takes back what a thread has not handed out. What it still wishes for it is granted anew. */
  #putBack(user: User): void {
    const back = user.takeBack();
    if (back.length === 0) return;
    if (this.ledger.shut === CLOSED) return this.ledger.writeOff(back.length);
    // Ports and streams have left with their item.
    const whole = back.filter((item) => !isMover(item));
    this.ledger.writeOff(back.length - whole.length);
    this.#store.putBack(whole);
    // It may see that by itself, and wish anew; so it is told.
    user.line.ring();
  }

  /** Takes the next item for the home thread; undefined when there is none. */
  take(): { item: Item } | undefined {
    const local = this.#local;
    if (local !== this.#last) {
      this.#asks(local);
      this.serve();
    }
    if (this.ledger.shut === CLOSED || this.#store.length === 0) return undefined;
    return { item: this.#store.pop() };
  }

  /** The number of items that have room and have not arrived. */
  get inFlight(): number {
    let there = this.#store.length + this.#local.given.length;
    for (const user of this.#users.values()) there += user.outstanding;
    return this.ledger.size - there;
  }

  /** The next item for the home thread, which stays where it is. */
  peek(): { item: Item } | undefined {
    return this.#store.length === 0 ? undefined : { item: this.#store.peek() };
  }

  /** Begins a wait of the home thread. */
  beginWait(): void {
    this.#local.waiting++;
    this.#enter(this.#local);
    this.serve();
  }

  /** The item that a wait of the home thread was given, if it was. */
  given(): { item: Item } | undefined {
    const { given } = this.#local;
    return given.length === 0 ? undefined : { item: given.shift() };
  }

  /** Puts back what the home thread was given and cannot open. */
  giveBack(item: Item): void {
    this.#store.putBack([item]);
    this.serve();
  }

  /** Ends a wait of the home thread. */
  endWait(): void {
    const local = this.#local;
    local.waiting--;
    if (local.given.length <= local.waiting) return;
    this.#store.putBack(local.given.splice(local.waiting));
    this.serve();
  }

  /** Puts the queue's end into effect. */
  shut(): void {
    if (this.ledger.shut === OPEN) return;
    if (this.ledger.shut === CLOSED) {
      for (const user of this.#users.values()) this.#putBack(user);
      const { given } = this.#local;
      let count = given.splice(0).length;
      for (; this.#store.length > 0; count++) this.#store.pop();
      this.ledger.writeOff(count);
    }
    for (const { line } of this.#users.values()) line.ring();
    this.#wakeLocal();
  }

  /** Takes a message of a thread. */
  receive(line: HomeLine, message: ToQueueHome): void {
    if (message.type === "use") {
      this.#users.set(line, new User(line, this.id, message.words));
      return;
    }
    if (message.type === "shut") return this.shut();
    const user = this.#users.get(line);
    if (user === undefined) return;
    if (message.type === "put") this.#receivePut(user, message);
    else if (message.type === "want") {
      const { upTo, question = 0 } = message;
      user.want(upTo);
      if (question > 0) {
        user.question = question;
        this.#asking.add(user);
      }
      if (user.wishes < 0 && user.ahead === 0 && !user.hasMoved) {
        // It waits no longer, and others may: what was granted for it goes back.
        this.#putBack(user);
      } else this.#asks(user);
      this.#enter(user);
      this.serve();
    }
  }

  #receivePut(user: User, { sent, reply }: ToQueueHome & { type: "put" }): void {
    const items = fromSent(sent);
    user.received = (user.received + items.length) & 0x7fffffff;
    if (reply === undefined) {
      if (this.ledger.shut === CLOSED) return this.ledger.writeOff(items.length);
      for (const item of items) this.#store.push(item);
      return this.serve();
    }
    let error: unknown;
    let failed = false;
    try {
      this.arrive(items[0]);
    } catch (reason) {
      error = reason;
      failed = true;
    }
    this.serve();
    user.line.post({
      type: "reply",
      q: this.id,
      reply,
      ...(failed ? { error: pack(error, reduce, "error") } : {}),
    }, []);
    user.line.ring();
  }

  /** True if somebody has a question open. */
  get isAsked(): boolean {
    return this.#asking.size > 0;
  }

  /** Answers the questions; all that had been sent before them has arrived. */
  answer(): void {
    for (const user of this.#asking) if (user.wishes > 0) user.answer();
    this.#asking.clear();
  }

  /** Ends what a thread had to do with the queue. All that it had sent has arrived. */
  leave(line: HomeLine): void {
    const user = this.#users.get(line);
    if (user === undefined) return;
    this.#users.delete(line);
    this.#asking.delete(user);
    user.want(-Infinity);
    user.ahead = 0;
    if (this.#last === user) this.#last = undefined;
    this.ledger.writeOff(user.end());
    this.#putBack(user);
    this.serve();
    this.shut();
  }
}

/** Makes the store of a queue. */
export function makeStore(order: Plan["order"], compare?: Compare): Store {
  return order === "fifo" ? new Deque() : order === "lifo" ? new Stack() : new Heap(compare);
}

/** Finds what compares a queue's items. */
export async function findCompare({ compare }: Plan): Promise<Compare | undefined> {
  if (compare === undefined) return undefined;
  await load(compare.module);
  return find(compare) as Compare;
}
