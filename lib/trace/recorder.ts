/**
 * The recorder: it writes what happens in its thread into that thread's row of a trace. It is
 * loaded only while a trace is on, and hears what `core/hooks.ts` tells it.
 *
 * A thread is given its place by the main thread, which starts all others; a process by the thread
 * that starts it. Who has no recorder (because it was started before the trace, or may not use the
 * memory) gives no places to others either.
 *
 * @module
 */
import { type Named, type Recorder, recorder, setRecorder } from "../core/hooks.ts";
import { KIND_BITS } from "../memory/roster.ts";
import { self } from "../memory/this_thread.ts";
import { endOf, KINDS } from "../memory/wait_notes.ts";
import { now, setClock } from "./clock.ts";
import type { Family } from "./mapped.ts";
import {
  BY,
  CLAIMED,
  CODE,
  CODE_ZERO,
  COUNT,
  COUNT_HIGH,
  FAILED,
  FROM,
  IDENT,
  IS_SHARED,
  JOINED,
  JOINED_AT,
  NAME_MOST,
  NAMES,
  ON,
  PID,
  RECORD,
  STATE,
  THING,
  TITLE,
  TO,
  TraceMemory,
  WHAT,
  WHATS,
  write,
} from "./memory.ts";

/** The place in which a thread records. */
interface ThreadSeat {
  /** The number of the trace. */
  trace: number;
  row: number;
  /** The memory of this process's threads; without it they use the family's. */
  heap: SharedArrayBuffer | undefined;
  family: { path: string; address: bigint } | undefined;
}

/** The place in which a process records. */
interface ProcessSeat {
  trace: number;
  row: number;
  /** Where it opens the memory; undefined where the row is in its parent's own. */
  path: string | undefined;
}

/** A record that is not over. */
interface Open {
  index: number;
  what: number;
  title: string;
  thing: number;
  holder: number;
  by: string;
  from: number;
}

/** A lock or its like, as far as it is known here. */
interface Thing {
  title: string;
  /** The number of the record of the hold that goes on, and when it began; -1 without one. */
  index: number;
  from: number;
}

/** The locks and their like that are remembered. */
const MOST_THINGS = 10_000;

/** Waits of all recorders are told apart: one may outlive its trace. */
let waits = 0;

/** The recorder of this thread. */
export class RowRecorder implements Recorder {
  readonly #trace: number;
  readonly #memory: TraceMemory;
  readonly #family: Family | undefined;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #times: Float64Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #records: number;
  readonly #names: number;
  readonly #nameWords: number;
  readonly #capacity: number;
  readonly #slots: number;
  #count = 0;
  #slot = 0;
  #named = 0;
  /** Where names were written. */
  readonly #positions = new Map<string, number>();
  readonly #things = new Map<number, Thing>();
  readonly #waits = new Map<number, Open>();

  /** Takes a seat; `family` is where child processes have theirs. */
  constructor(trace: number, row: number, memory: TraceMemory, family: Family | undefined) {
    setClock();
    this.#trace = trace;
    this.#memory = memory;
    this.#family = family;
    const { words, times } = memory;
    this.#words = words;
    this.#times = times;
    this.#base = memory.baseOf(row);
    this.#records = memory.recordsOf(row);
    this.#names = memory.namesOf(row);
    this.#nameWords = memory.nameWords;
    this.#capacity = memory.capacity;
    this.#slots = memory.slots;
    words[this.#base + PID] = Deno.pid;
    words[this.#base + IDENT] = self().ident;
    times[(this.#base + JOINED_AT) / 2] = now();
    Atomics.compareExchange(words, this.#base + STATE, CLAIMED, JOINED);
  }

  /** True while the trace records; afterwards this recorder is not asked again. */
  get isOn(): boolean {
    if (Atomics.load(this.#words, ON) === this.#trace) return true;
    if (recorder === this) setRecorder(undefined);
    return false;
  }

  runs(what: "task" | "call", name: string): (failed: boolean, error?: unknown) => void {
    const open = this.#open(WHATS.indexOf(what), name, 0, 0, "");
    return (failed, error) => {
      if (failed) {
        open.what |= FAILED;
        open.by = (error as Error | undefined)?.name ?? "";
      }
      this.#close(open);
    };
  }

  waits(wait: number, whose: Named, id: number, holder: number, name = ""): number {
    const open = this.#waits.get(wait);
    const thing = keyOf(whose, id);
    if (open !== undefined && open.thing === thing) {
      if (holder === 0 || open.holder === holder) return wait;
      if (open.holder === 0) {
        open.holder = holder;
        open.by = holderOf(whose, id, holder);
        if (this.#isThere(open.index)) {
          this.#words[this.#at(open.index) + BY] = this.#position(open.by);
        }
        return wait;
      }
    }
    if (open !== undefined) this.waited(wait);
    const title = id === 0 ? name : this.#thing(whose, id, holder).title;
    const what = WAIT | flags(whose);
    const by = holderOf(whose, id, holder);
    this.#waits.set(++waits, { ...this.#open(what, title, thing, 0, by), holder });
    return waits;
  }

  waited(wait: number): void {
    const open = this.#waits.get(wait);
    if (open === undefined) return;
    this.#waits.delete(wait);
    this.#close(open);
  }

  takes(whose: Named, id: number): void {
    if (!isLock(id)) return;
    const thing = this.#thing(whose, id, 0);
    const position = this.#position(thing.title);
    thing.from = now();
    thing.index = this.#write(HOLD | flags(whose), position, 0, keyOf(whose, id), thing.from, 0);
  }

  frees(whose: Named, id: number, owner: number): void {
    if (!isLock(id)) return;
    const thing = this.#thing(whose, id, 0);
    const key = keyOf(whose, id);
    const what = flags(whose);
    if (owner !== whose.me) {
      const name = nameOf(whose, owner);
      return this.#point(FREED | what, this.#position(thing.title), key, name);
    }
    const { index, from, title } = thing;
    if (index < 0) return;
    thing.index = -1;
    this.#end(index, HOLD | what, title, 0, key, from);
  }

  moves(what: "put" | "get", name: string | undefined, id = 0): undefined {
    const title = name ?? `${KINDS[id & KIND_OF_ID]} ${id >>> KIND_BITS}`;
    this.#point(WHATS.indexOf(what), this.#position(title), id, "");
  }

  /** Writes a mark of the user's. */
  mark(name: string): void {
    this.#point(WHATS.indexOf("mark"), this.#position(name), 0, "");
  }

  left(ident: number, dead: boolean): void {
    if (!this.isOn) return;
    const row = this.#rowOf(ident);
    if (row >= 0) this.#memory.end(row, dead, now());
  }

  seatThread(thread: { ident: number; name: string }): ThreadSeat | undefined {
    if (!this.isOn) return undefined;
    const row = this.#memory.claim({ ...thread, pid: Deno.pid, isProcess: false }, now());
    if (row < 0) return undefined;
    const { buffer } = this.#words;
    const family = this.#family && { path: this.#family.path, address: this.#family.address };
    const heap = buffer instanceof SharedArrayBuffer ? buffer : undefined;
    return { trace: this.#trace, row, heap, family };
  }

  seatProcess(name: string): ProcessSeat | undefined {
    if (!this.isOn) return undefined;
    const memory = this.#family?.memory ?? this.#memory;
    const row = memory.claim({ name, ident: 0, pid: 0, isProcess: true }, now());
    return row < 0 ? undefined : { trace: this.#trace, row, path: this.#family?.path };
  }

  began(seat: unknown, pid: number): void {
    this.#of(seat, ({ words }, base) => words[base + PID] = pid);
  }

  reaped(seat: unknown, exitcode: number): void {
    this.#of(seat, (memory, base, row) => {
      Atomics.store(memory.words, base + CODE, exitcode + CODE_ZERO);
      memory.end(row, exitcode !== 0, now());
    });
  }

  /** Does something with the row of a process that this one has started. */
  #of(seat: unknown, then: (memory: TraceMemory, base: number, row: number) => void): void {
    const { trace, row } = seat as ProcessSeat ?? {};
    if (trace !== this.#trace || !this.isOn) return;
    const memory = this.#family?.memory ?? this.#memory;
    then(memory, memory.baseOf(row), row);
  }

  /** The row of a thread of this process; the latest of that ident. */
  #rowOf(ident: number): number {
    const words = this.#words;
    for (let row = this.#memory.rows - 1; row >= 0; row--) {
      const base = this.#memory.baseOf(row);
      if (words[base + IDENT] === ident && words[base + PID] === Deno.pid) return row;
    }
    return -1;
  }

  /** What is known of a lock or its like. */
  #thing(whose: Named, id: number, holder: number): Thing {
    const key = keyOf(whose, id);
    const known = this.#things.get(key);
    if (known !== undefined) return known;
    const isEnd = id === endOf(holder);
    const title = isEnd
      ? `the end of ${nameOf(whose, holder)}`
      : whose.roster.title(id) ?? `${KINDS[id & KIND_OF_ID]} ${id >>> KIND_BITS}`;
    if (this.#things.size >= MOST_THINGS) {
      for (const [key, { index }] of this.#things) if (index < 0) this.#things.delete(key);
    }
    const thing = { title, index: -1, from: 0 };
    this.#things.set(key, thing);
    return thing;
  }

  /** The position of a name, which is written first if it is not there, or not for long. */
  #position(name: string): number {
    if (name === "") return 0;
    const known = this.#positions.get(name);
    const half = this.#nameWords / 2;
    if (known !== undefined && this.#named - known < half) return known;
    if (this.#positions.size > half) this.#positions.clear();
    const size = this.#nameWords;
    // A name lies in one piece.
    if (this.#named % size + NAME_WORDS > size) this.#named += size - this.#named % size;
    const start = this.#names + this.#named % size;
    const room = this.#memory.bytes.subarray((start + 1) * 4, (start + NAME_WORDS) * 4);
    const written = write(name, room);
    this.#words[start] = written;
    const position = this.#named + 1;
    this.#positions.set(name, position);
    this.#named += 1 + Math.ceil(written / 4);
    Atomics.store(this.#words, this.#base + NAMES, this.#named);
    return position;
  }

  #at(index: number): number {
    return this.#records + index % this.#slots * RECORD;
  }

  #isThere(index: number): boolean {
    return index >= 0 && this.#count - index <= this.#capacity;
  }

  #open(what: number, title: string, thing: number, holder: number, by: string): Open {
    const from = now();
    const index = this.#write(what, this.#position(title), this.#position(by), thing, from, 0);
    return { index, what, title, thing, holder, by, from };
  }

  #close({ index, what, title, by, thing, from }: Open): void {
    this.#end(index, what, title, this.#position(by), thing, from);
  }

  #end(
    index: number,
    what: number,
    title: string,
    by: number,
    thing: number,
    from: number,
  ): void {
    if (!this.isOn) return;
    const to = now();
    // What lasted so long that its record was overwritten is written anew, and so is its name.
    if (!this.#isThere(index)) {
      return void this.#write(what, this.#position(title), by, thing, from, to);
    }
    const at = this.#at(index);
    this.#words[at + WHAT] = what;
    this.#words[at + BY] = by;
    this.#times[(at + TO) / 2] = to;
  }

  #point(what: number, title: number, thing: number, by: string): void {
    const at = now();
    this.#write(what, title, this.#position(by), thing, at, at);
  }

  /** Writes a record; gives its number, or -1 when the trace is over. */
  #write(
    what: number,
    title: number,
    by: number,
    thing: number,
    from: number,
    to: number,
  ): number {
    if (!this.isOn) return -1;
    const words = this.#words;
    const at = this.#records + this.#slot * RECORD;
    words[at + WHAT] = what;
    words[at + TITLE] = title;
    words[at + BY] = by;
    words[at + THING] = thing;
    this.#times[(at + FROM) / 2] = from;
    this.#times[(at + TO) / 2] = to;
    if (++this.#slot === this.#slots) this.#slot = 0;
    const index = this.#count++;
    if ((this.#count | 0) === 0) words[this.#base + COUNT_HIGH]++;
    Atomics.store(words, this.#base + COUNT, this.#count | 0);
    return index;
  }
}

const WAIT = WHATS.indexOf("wait");
const HOLD = WHATS.indexOf("hold");
const FREED = WHATS.indexOf("freed");
const KIND_OF_ID = (1 << KIND_BITS) - 1;
/** The words that the longest name takes, its length included. */
const NAME_WORDS = 1 + NAME_MOST / 4;

/** What queues, pipes and barriers lock for themselves is no lock of the user's. */
function isLock(id: number): boolean {
  const kind = KINDS[id & KIND_OF_ID];
  return kind === "Lock" || kind === "RLock";
}

function flags({ roster }: Named): number {
  return roster === self().roster ? 0 : IS_SHARED;
}

/** The number of a lock or its like among all that this process and its family have. */
function keyOf(whose: Named, id: number): number {
  return flags(whose) === 0 ? id : -id;
}

function nameOf({ roster }: Named, ident: number): string {
  const slot = roster.slotOf(ident, true);
  return slot < 0 ? "one that has ended" : roster.name(slot);
}

/** The holder of what is waited for; of an end that is plain. */
function holderOf(whose: Named, id: number, holder: number): string {
  return holder === 0 || id === endOf(holder) ? "" : nameOf(whose, holder);
}

/** Takes the place that this thread, or this process's main thread, was given. */
export async function join(given: unknown): Promise<void> {
  const { trace, row, heap, family, path } = given as ThreadSeat & ProcessSeat;
  let shared: Family | undefined;
  if (family !== undefined || path !== undefined) {
    // The name is computed because a script of threads alone must not load FFI.
    const { memoryAt, openFamily } = await import(new URL("./mapped.ts", import.meta.url).href);
    shared = family === undefined
      ? openFamily(path)
      : { ...family, memory: memoryAt(family.address) } satisfies Family;
  }
  const memory = heap === undefined ? shared?.memory : new TraceMemory(heap);
  if (memory === undefined || Atomics.load(memory.words, ON) !== trace) return;
  setRecorder(new RowRecorder(trace, row, memory, shared));
}
