/**
 * The queues and messages in a file, as they change. Every call is within a transaction, which the
 * ledger begins and ends (see `ledger.ts`), so it is done whole or not at all, and nobody sees it
 * half done.
 *
 *     publish -> READY -> HELD -> gone             acknowledged, buried
 *        |        ^  ^     |
 *        |        |  +-----+                       given back; its consumer or program has ended
 *        +-> DELAYED <-----+                       given back with a delay: a copy, behind
 *               |
 *               +-> LATE -> READY                  its time has come, and there is no room yet
 *
 * A message's place is its id: what comes back is before all that came later. `due` is when
 * something happens to it by itself: it is READY, or out of time.
 *
 * Times are those of the system's clock, since they must outlive a process: when that is set, a
 * delay is shorter or longer by as much.
 *
 * @module
 */
import { Full } from "../../core/errors.ts";
import { type BrokerMessage, type QueueSpec, Unroutable } from "../broker.ts";
import { triedOf } from "../held_message.ts";
import { checkSame } from "../memory_store.ts";
import { DELAYED, type FileDatabase, HELD, LATE, READY, type TableRow } from "./database.ts";
import { type Head, headOf, parseHead } from "./message.ts";
import { FileFault } from "./fault.ts";
import { type FileQueue, queueOf, specText } from "./queue_row.ts";

/** What happens by itself is done for so many messages at a time. */
const MOST_AT_A_TIME = 500;

/** A message that was taken. */
export interface TakenMessage {
  readonly id: number;
  readonly message: BrokerMessage;
  /** How often it has been delivered from this queue, this time included. */
  readonly tries: number;
}

/** The queues of one prefix in a file, for one party. */
export class FileStore {
  /** Which party this is. */
  party = 0;
  readonly #database: FileDatabase;
  readonly #prefix: string;
  /** What is known in this transaction, by name. */
  readonly #queues = new Map<string, FileQueue | undefined>();
  /** The queues where in this transaction something came that others may want. */
  readonly #stirred = new Map<number, FileQueue>();
  #now = 0;

  constructor(database: FileDatabase, prefix: string) {
    this.#database = database;
    this.#prefix = prefix;
  }

  /** A transaction begins. */
  begin(): void {
    this.#now = Date.now();
    this.#queues.clear();
    this.#stirred.clear();
  }

  // --- queues

  #find(name: string, prefix = this.#prefix): FileQueue | undefined {
    const key = JSON.stringify([prefix, name]);
    if (this.#queues.has(key)) return this.#queues.get(key);
    const row = this.#database.get(
      "SELECT id, prefix, spec, due FROM queues WHERE prefix = ? AND name = ?",
      prefix,
      name,
    );
    const queue = row && queueOf(row);
    this.#queues.set(key, queue);
    return queue;
  }

  #queue(name: string): FileQueue {
    const queue = this.#find(name);
    if (queue === undefined) throw new Unroutable(name);
    return queue;
  }

  #queueById(id: number): FileQueue | undefined {
    const row = this.#database.get("SELECT id, prefix, spec, due FROM queues WHERE id = ?", id);
    return row && queueOf(row);
  }

  /** Makes a queue, if it is not there; of a topic, if it is a listener's. */
  declare(spec: QueueSpec, topic: string | null = null): void {
    const known = this.#find(spec.name);
    if (known !== undefined) {
      checkSame(known.spec, spec);
      return this.#watchUse(known);
    }
    this.#database.run(
      "INSERT INTO queues(prefix, name, spec, owner, topic) VALUES (?, ?, ?, ?, ?)",
      this.#prefix,
      spec.name,
      specText(spec),
      spec.exclusive ? this.party : null,
      topic,
    );
    this.#queues.clear();
    this.#watchUse(this.#queue(spec.name));
  }

  /** Begins to count the time without use anew. */
  #watchUse({ id, prefix, spec, due }: FileQueue): void {
    const { expires, name } = spec;
    if (expires === undefined) return;
    const next = this.#consumers(prefix, name) > 0 ? null : this.#now + expires + 1;
    if (next === due) return;
    this.#database.run("UPDATE queues SET due = ? WHERE id = ?", next, id);
    this.#queues.clear();
  }

  #consumers(prefix: string, name: string): number {
    const sql = "SELECT count(*) AS n FROM consumers WHERE prefix = ? AND queue = ?";
    return Number(this.#database.get(sql, prefix, name)!.n);
  }

  #ready({ id }: FileQueue): number {
    return Number(this.#database.get("SELECT ready FROM queues WHERE id = ?", id)!.ready);
  }

  #room(queue: FileQueue): number {
    const { max = Infinity } = queue.spec;
    return max === Infinity ? max : max - this.#ready(queue);
  }

  /** What a queue has. */
  depth(name: string): { ready: number; consumers: number } | undefined {
    const queue = this.#find(name);
    if (queue === undefined) return undefined;
    return { ready: this.#ready(queue), consumers: this.#consumers(this.#prefix, name) };
  }

  /** Drops what is READY. */
  purge(name: string): void {
    const queue = this.#find(name);
    if (queue === undefined) return;
    this.#database.run(`DELETE FROM messages WHERE queue = ? AND state = ${READY}`, queue.id);
    this.#admit(queue);
  }

  /** Removes a queue with what it has. Where others consume, a new one takes its place. */
  remove(name: string): void {
    const queue = this.#find(name);
    if (queue === undefined) return;
    this.#drop(queue.id);
    const others = this.#database.get(
      "SELECT 1 FROM consumers WHERE prefix = ? AND queue = ? AND party <> ?",
      this.#prefix,
      name,
      this.party,
    );
    if (others !== undefined) this.declare(queue.spec);
  }

  #drop(id: number): void {
    this.#database.run("DELETE FROM messages WHERE queue = ?", id);
    this.#database.run("DELETE FROM queues WHERE id = ?", id);
    this.#queues.clear();
    this.#stirred.delete(id);
  }

  // --- what comes

  /** Puts a message into a queue. */
  publish(name: string, message: BrokerMessage, delay: number): void {
    const queue = this.#queue(name);
    const head = headOf(message);
    if (delay > 0) return this.#insert(queue, head, message.body, DELAYED, this.#after(delay));
    if (this.#room(queue) <= 0) {
      if (queue.spec.overflow !== "drop") {
        throw new Full(`Cannot publish to ${name}: it holds ${queue.spec.max} messages`);
      }
      this.#makeRoom(queue);
    }
    this.#insert(queue, head, message.body, READY, this.#end(queue, message));
  }

  #insert(
    queue: FileQueue,
    head: string,
    body: Uint8Array<ArrayBuffer>,
    state: number,
    due: number | null,
  ): void {
    this.#database.run(
      "INSERT INTO messages(queue, state, due, headers, body) VALUES (?, ?, ?, ?, ?)",
      queue.id,
      state,
      due,
      head,
      body,
    );
    this.#stirred.set(queue.id, queue);
  }

  /** A time of the clock; not before it, though the clock counts whole milliseconds. */
  #after(ms: number): number {
    return Math.min(this.#now + Math.ceil(ms) + 1, Number.MAX_SAFE_INTEGER);
  }

  /** When a message that is READY from now on is out of time. */
  #end({ spec }: FileQueue, { expires = Infinity }: Head): number | null {
    const time = Math.min(spec.ttl ?? Infinity, expires);
    return time === Infinity ? null : this.#after(time);
  }

  /** Drops the oldest of a queue that is full, where its dead go. */
  #makeRoom(queue: FileQueue): void {
    for (let over = 1 - this.#room(queue); over > 0; over--) {
      const oldest = this.#database.get(
        `SELECT id, tries, headers FROM messages WHERE queue = ? AND state = ${READY} ORDER BY id LIMIT 1`,
        queue.id,
      );
      if (oldest === undefined) return;
      this.#lay(queue, oldest, "maxlen");
    }
  }

  /** Makes a copy of a message, behind all others of a queue, and removes it. */
  #move(id: number, to: FileQueue, head: string, state: number, due: number | null): void {
    this.#database.run(
      "INSERT INTO messages(queue, state, due, headers, body) " +
        "SELECT ?, ?, ?, ?, body FROM messages WHERE id = ?",
      to.id,
      state,
      due,
      head,
      id,
    );
    this.#database.run("DELETE FROM messages WHERE id = ?", id);
    this.#stirred.set(to.id, to);
  }

  /** Puts a message that is out of place where its queue's dead are, if there is such a queue. */
  #lay(from: FileQueue, { id, tries, headers }: TableRow, reason: string): void {
    const { deadTo } = from.spec;
    const dead = deadTo === undefined ? undefined : this.#find(deadTo, from.prefix);
    if (dead === undefined) {
      this.#database.run("DELETE FROM messages WHERE id = ?", id as number);
      return;
    }
    // Of the dead themselves the oldest are gone for good.
    if (dead.spec.overflow === "drop" && this.#room(dead) <= 0) {
      this.#database.run(
        "DELETE FROM messages WHERE id = " +
          `(SELECT id FROM messages WHERE queue = ? AND state = ${READY} ORDER BY id LIMIT 1)`,
        dead.id,
      );
    }
    const { expires: _, ...head } = readable(headers);
    const tried = triedOf(head) + Number(tries);
    const told = { ...head.headers, reason, from: from.spec.name, tried };
    const text = headOf({ ...head, headers: told });
    this.#move(id as number, dead, text, READY, this.#end(dead, head));
  }

  // --- what goes

  /** True if there is something in a queue that could be taken. */
  hasReady(name: string): boolean {
    const sql = "SELECT ready FROM queues WHERE prefix = ? AND name = ?";
    return Number(this.#database.get(sql, this.#prefix, name)?.ready ?? 0) > 0;
  }

  /** Takes up to `most` messages of a queue, in their order. */
  take(name: string, most: number): TakenMessage[] {
    const taken: TakenMessage[] = [];
    if (most === 0 || !this.hasReady(name)) return taken;
    const queue = this.#find(name);
    while (queue !== undefined && taken.length < most) {
      const rows = this.#database.all(
        `UPDATE messages SET state = ${HELD}, owner = ?, due = NULL, tries = tries + 1 WHERE id IN ` +
          `(SELECT id FROM messages WHERE queue = ? AND state = ${READY} ORDER BY id LIMIT ?) ` +
          "RETURNING id, tries, headers, body",
        this.party,
        queue.id,
        most - taken.length,
      );
      if (rows.length === 0) break;
      for (const row of rows.sort((a, b) => Number(a.id) - Number(b.id))) {
        const found = this.#read(queue, row);
        if (found !== undefined) taken.push(found);
      }
      this.#admit(queue);
    }
    return taken;
  }

  /** A message of a row; one that cannot be read is put where the dead are. */
  #read(queue: FileQueue, row: TableRow): TakenMessage | undefined {
    const { id, tries, headers, body } = row;
    try {
      if (!(body instanceof Uint8Array)) throw new TypeError("its body is no bytes");
      const message = { ...parseHead(headers), body: body as Uint8Array<ArrayBuffer> };
      return { id: Number(id), tries: Number(tries), message };
    } catch (error) {
      this.#lay(queue, row, `unreadable: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** A message that this party holds, with its queue. */
  #held(id: number): { row: TableRow; queue: FileQueue } | undefined {
    const row = this.#database.get(
      "SELECT id, queue, tries, headers FROM messages WHERE id = ? AND owner = ?",
      id,
      this.party,
    );
    const queue = row && this.#queueById(Number(row.queue));
    return queue && { row: row!, queue };
  }

  /** A message is done with. */
  ack(id: number): void {
    this.#database.run("DELETE FROM messages WHERE id = ? AND owner = ?", id, this.party);
  }

  /** A message comes back to its place; with a delay behind the others, later. */
  back(id: number, delay = 0): void {
    const held = this.#held(id);
    if (held === undefined) return;
    const { row, queue } = held;
    if (delay <= 0) return this.#putBack(row, queue);
    const head = readable(row.headers);
    const tried = triedOf(head) + Number(row.tries);
    const text = headOf({ ...head, headers: { ...head.headers, tried } });
    this.#move(id, queue, text, DELAYED, this.#after(delay));
  }

  #putBack(row: TableRow, queue: FileQueue): void {
    const { kind, limit = Infinity } = queue.spec;
    if (kind === "counted" && Number(row.tries) > limit) return this.#lay(queue, row, "limit");
    this.#database.run(
      `UPDATE messages SET state = ${READY}, owner = NULL, due = ? WHERE id = ?`,
      this.#end(queue, readable(row.headers)),
      Number(row.id),
    );
    this.#stirred.set(queue.id, queue);
  }

  /** A message is put where the dead are. */
  bury(id: number, reason: string): void {
    const held = this.#held(id);
    if (held !== undefined) this.#lay(held.queue, held.row, reason);
  }

  // --- who takes

  /** Somebody takes from a queue from now on; gives the number of that. */
  consume(name: string): number {
    const queue = this.#queue(name);
    const id = this.#database.run(
      "INSERT INTO consumers(party, prefix, queue) VALUES (?, ?, ?)",
      this.party,
      this.#prefix,
      name,
    );
    this.#watchUse(queue);
    return id;
  }

  /** Nobody does any more; what was held by it comes back, in its order. */
  cancel(consumer: number, name: string, held: readonly number[]): void {
    this.#database.run("DELETE FROM consumers WHERE id = ?", consumer);
    for (const id of held) this.back(id);
    const queue = this.#find(name);
    if (queue !== undefined) this.#watchUse(queue);
  }

  /** A new party, by the token of its presence. */
  join(token: string): void {
    this.party = this.#database.run("INSERT INTO parties(token) VALUES (?)", token);
  }

  /**
   * Checks that nobody takes this party for a dead one.
   *
   * @throws {FileFault} Somebody has.
   */
  checkParty(): void {
    const sql = "SELECT 1 FROM parties WHERE id = ?";
    if (this.#database.get(sql, this.party) !== undefined) return;
    throw new FileFault("others take this program for dead: its file beside it was removed");
  }

  /** All parties but this one. */
  others(): { id: number; token: string }[] {
    return this.#database.all("SELECT id, token FROM parties WHERE id <> ?", this.party)
      .map(({ id, token }) => ({ id: Number(id), token: String(token) }));
  }

  /** A party is gone, or goes: all that was its own is no more, and what it held comes back. */
  leave(party: number): void {
    const rows = this.#database.all(
      "SELECT id, queue, tries, headers FROM messages WHERE owner = ? ORDER BY id",
      party,
    );
    for (const row of rows) {
      const queue = this.#queueById(Number(row.queue));
      if (queue !== undefined) this.#putBack(row, queue);
    }
    const used = this.#database.all(
      "DELETE FROM consumers WHERE party = ? RETURNING prefix, queue",
      party,
    );
    for (const { prefix, queue: name } of used) {
      const queue = this.#find(String(name), String(prefix));
      if (queue !== undefined) this.#watchUse(queue);
    }
    for (const { id } of this.#database.all("SELECT id FROM queues WHERE owner = ?", party)) {
      this.#drop(Number(id));
    }
    this.#database.run("DELETE FROM parties WHERE id = ?", party);
  }

  /** Tells all who listen to a topic. */
  broadcast(topic: string, message: BrokerMessage): void {
    const sql = "SELECT name FROM queues WHERE prefix = ? AND topic = ?";
    for (const { name } of this.#database.all(sql, this.#prefix, topic)) {
      this.publish(String(name), message, 0);
    }
  }

  /** True if another party takes from a queue where something came in this transaction. */
  hasStirredOthers(): boolean {
    for (const { prefix, spec } of this.#stirred.values()) {
      const sql = "SELECT 1 FROM consumers WHERE prefix = ? AND queue = ? AND party <> ?";
      if (this.#database.get(sql, prefix, spec.name, this.party) !== undefined) return true;
    }
    return false;
  }

  // --- what happens by itself

  /** When that will be, in the system's time; Infinity if nothing is due. */
  nextDue(): number {
    const { due } = this.#database.get(
      "SELECT min(due) AS due FROM (SELECT min(due) AS due FROM messages WHERE due IS NOT NULL " +
        "UNION ALL SELECT min(due) FROM queues WHERE due IS NOT NULL)",
    )!;
    return due === null ? Infinity : Number(due);
  }

  /** Does what is due. */
  sweep(): void {
    const rows = this.#database.all(
      "SELECT id, queue, state, tries, headers FROM messages WHERE due IS NOT NULL AND due <= ? " +
        "ORDER BY due, id LIMIT ?",
      this.#now,
      MOST_AT_A_TIME,
    );
    const touched = new Map<number, FileQueue>();
    for (const row of rows) {
      const queue = this.#queueById(Number(row.queue));
      if (queue === undefined) {
        this.#database.run("DELETE FROM messages WHERE id = ?", Number(row.id));
        continue;
      }
      touched.set(queue.id, queue);
      if (row.state === READY) this.#lay(queue, row, "expired");
      else this.#move(Number(row.id), queue, String(row.headers), LATE, null);
    }
    for (const queue of touched.values()) this.#admit(queue);
    const unused = this.#database.all(
      "SELECT id FROM queues WHERE due IS NOT NULL AND due <= ?",
      this.#now,
    );
    for (const { id } of unused) this.#drop(Number(id));
  }

  /** Lets in what is LATE, as far as there is room. */
  #admit(queue: FileQueue): void {
    for (let room = this.#room(queue); room > 0; room--) {
      const late = this.#database.get(
        `SELECT id, headers FROM messages WHERE queue = ? AND state = ${LATE} ORDER BY id LIMIT 1`,
        queue.id,
      );
      if (late === undefined) return;
      const due = this.#end(queue, readable(late.headers));
      // Behind what has come since.
      this.#move(Number(late.id), queue, String(late.headers), READY, due);
    }
  }
}

/** The head in a row; what cannot be read has none, and keeps its body. */
function readable(headers: unknown): Head {
  try {
    return parseHead(headers);
  } catch {
    return { type: "", id: "", format: "", headers: {} };
  }
}
