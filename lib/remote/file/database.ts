/**
 * The database of a file: opened, made if it is not there, and known to be one of ours.
 *
 * Anybody may have made the file that is named, so its tables, indexes and triggers must be, word
 * for word, those that this version makes: a trigger or a view of somebody else's would run in our
 * statements. SQLite's own checks of types (STRICT) hold for what others write with SQL.
 *
 * **On the disk.** The journal is a WAL: who reads waits for nobody, and one writes at a time. What
 * is committed has been written to the file, so the death of every process loses none of it. For
 * the machine's own death (a power failure) it must also have left the system's memory: that is
 * asked for, by `synchronous`, where somebody was told that it is safe (`isDurable`), and not for a
 * take or an acknowledgement: without those a message comes once more, as after any death.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { builtin } from "../../core/node.ts";
import { FileFault } from "./fault.ts";

/** "SwYd" in the place where SQLite keeps whose file it is. */
const APPLICATION = 0x53775964;
/** The version of the tables. */
const VERSION = 1;
/** Where the WAL ends after it grew in a rush, in bytes. */
const LONGEST_WAL = 16 << 20;
const PRIVATE = 0o600;

/** A message's states; `store.ts` says how it gets from one to the other. */
export const READY = 0;
export const HELD = 1;
export const DELAYED = 2;
export const LATE = 3;

/** All that is made in the file. The number of what is READY is kept by triggers. */
const SCHEMA = [
  `CREATE TABLE parties(
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE) STRICT`,
  `CREATE TABLE queues(
    id INTEGER PRIMARY KEY AUTOINCREMENT, prefix TEXT NOT NULL, name TEXT NOT NULL,
    spec TEXT NOT NULL, ready INTEGER NOT NULL DEFAULT 0, owner INTEGER, topic TEXT, due INTEGER,
    UNIQUE(prefix, name)) STRICT`,
  `CREATE TABLE consumers(
    id INTEGER PRIMARY KEY AUTOINCREMENT, party INTEGER NOT NULL, prefix TEXT NOT NULL,
    queue TEXT NOT NULL) STRICT`,
  `CREATE TABLE messages(
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, state INTEGER NOT NULL,
    owner INTEGER, tries INTEGER NOT NULL DEFAULT 0, due INTEGER, headers TEXT NOT NULL,
    body BLOB NOT NULL) STRICT`,
  "CREATE INDEX places ON messages(queue, state, id)",
  "CREATE INDEX held ON messages(owner) WHERE owner IS NOT NULL",
  "CREATE INDEX due ON messages(due) WHERE due IS NOT NULL",
  "CREATE INDEX topics ON queues(prefix, topic) WHERE topic IS NOT NULL",
  "CREATE INDEX takers ON consumers(prefix, queue)",
  `CREATE TRIGGER comes AFTER INSERT ON messages WHEN new.state = 0
    BEGIN UPDATE queues SET ready = ready + 1 WHERE id = new.queue; END`,
  `CREATE TRIGGER goes AFTER DELETE ON messages WHEN old.state = 0
    BEGIN UPDATE queues SET ready = ready - 1 WHERE id = old.queue; END`,
  `CREATE TRIGGER turns AFTER UPDATE OF state ON messages WHEN (old.state = 0) <> (new.state = 0)
    BEGIN UPDATE queues SET ready = ready + (new.state = 0) - (old.state = 0)
    WHERE id = new.queue; END`,
];

/** A row, by the names of its columns. */
export type TableRow = Record<string, unknown>;
/** What a statement is given. */
type Bound = string | number | null | Uint8Array<ArrayBuffer>;

/** An open database. */
export class FileDatabase {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #identity: string;
  #isDurable = false;

  /**
   * Opens it, and makes it if it is not there.
   *
   * @throws {FileFault} It cannot be opened, or is none of ours; the message says why.
   * @throws {Error} SQLite's own, for what may pass.
   */
  constructor(path: string) {
    this.#path = path;
    makeFile(path);
    const { DatabaseSync } = builtin("sqlite");
    this.#database = new DatabaseSync(path);
    try {
      // Of another program's schema nothing is run before it is known.
      this.all("PRAGMA trusted_schema = OFF");
      this.#checkSchema();
      const [mode] = this.all("PRAGMA journal_mode = WAL");
      if (mode?.journal_mode !== "wal") {
        throw new FileFault(`its folder is on a file system where SQLite cannot keep a WAL`);
      }
      this.all(`PRAGMA journal_size_limit = ${LONGEST_WAL}`);
      this.all("PRAGMA synchronous = NORMAL");
      this.#identity = identityOf(path)!;
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      this.#statements.set(sql, statement = this.#database.prepare(sql));
    }
    return statement;
  }

  /** The rows that a statement gives. */
  all(sql: string, ...values: Bound[]): TableRow[] {
    return this.#statement(sql).all(...values) as TableRow[];
  }

  /** The first row that a statement gives. */
  get(sql: string, ...values: Bound[]): TableRow | undefined {
    return this.#statement(sql).get(...values) as TableRow | undefined;
  }

  /** Runs a statement; gives the id of the row that it has inserted. */
  run(sql: string, ...values: Bound[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid);
  }

  #checkSchema(): void {
    this.run("BEGIN IMMEDIATE");
    try {
      const { application_id: application } = this.get("PRAGMA application_id")!;
      const { user_version: version } = this.get("PRAGMA user_version")!;
      const there = this.all("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        .map(({ sql }) => String(sql)).filter((sql) => !/^CREATE TABLE sqlite_/.test(sql));
      if (application === 0 && version === 0 && there.length === 0) this.#makeSchema();
      else if (application !== APPLICATION) {
        throw new FileFault("it is a database of another program; name another file");
      } else if (version !== VERSION) {
        throw new FileFault(
          `it was made by another version: ${version}, and this one reads ${VERSION}`,
        );
      } else if (there.join() !== SCHEMA.join()) {
        throw new FileFault("its tables are not as they were made; name another file");
      }
      this.run("COMMIT");
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  #makeSchema(): void {
    this.all(`PRAGMA application_id = ${APPLICATION}`);
    this.all(`PRAGMA user_version = ${VERSION}`);
    for (const sql of SCHEMA) this.#database.exec(sql);
  }

  /**
   * Begins to write.
   *
   * @param isDurable True if what is committed must outlive a power failure.
   */
  begin(isDurable: boolean): void {
    if (isDurable !== this.#isDurable) {
      this.all(`PRAGMA synchronous = ${isDurable ? "FULL" : "NORMAL"}`);
      this.#isDurable = isDurable;
    }
    this.run("BEGIN IMMEDIATE");
  }

  /** Ends it: all of it is written. */
  commit(): void {
    this.run("COMMIT");
  }

  /** Ends it: none of it is written. */
  rollback(): void {
    try {
      this.run("ROLLBACK");
    } catch {
      // SQLite has done so itself, or it had not begun.
    }
  }

  /** A number that changes when somebody else has committed something. */
  version(): number {
    return Number(this.get("PRAGMA data_version")!.data_version);
  }

  /**
   * Checks that the file is still where it was: what is written to one that was removed is lost.
   *
   * @throws {FileFault} It is not.
   */
  checkPlace(): void {
    const identity = identityOf(this.#path);
    if (identity === this.#identity) return;
    throw new FileFault(
      identity === undefined ? "the file was removed" : "another file is in its place",
    );
  }

  /** Closes it. */
  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** Makes the file, private, if it is not there. */
function makeFile(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: PRIVATE }).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw openFault(path, error);
  }
}

/** What keeps a file, or one beside it, from being made. */
export function openFault(path: string, cause: unknown): FileFault {
  const folder = path.replace(/[/\\][^/\\]*$/, "") || "/";
  let reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Deno.errors.NotCapable) {
    reason = `it takes --allow-read and --allow-write of the folder ${folder}`;
  } else if (cause instanceof Deno.errors.NotFound) {
    reason = `the folder ${folder} is not there; make it first`;
  }
  return new FileFault(reason, { cause });
}

/** Which file is at a path; undefined if there is none. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
