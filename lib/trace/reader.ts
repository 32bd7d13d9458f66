/**
 * Reads the memory of a trace. Any of its words may be those of a party that was killed, so nothing
 * in it is taken for granted.
 *
 * Somebody may have set the machine's clock, to which all times go back (`clock.ts`): then a party
 * may seem to have come before it was started, and its times are moved by as much as is sure to be
 * wrong.
 *
 * @module
 */
import { signalName } from "../core/signals.ts";
import type { Recording, RunEvent, TraceEvent, TraceParty } from "./events.ts";
import {
  BORN,
  BY,
  CODE,
  CODE_ZERO,
  COUNT,
  COUNT_HIGH,
  DIED,
  ENDED,
  FAILED,
  FROM,
  IS_PROCESS,
  IS_SHARED,
  JOINED_AT,
  KIND,
  NAME_MOST,
  NAMES,
  OVER,
  PID,
  read,
  RECORD,
  STATE,
  THING,
  TITLE,
  TO,
  type TraceMemory,
  WHAT,
  WHATS,
} from "./memory.ts";

/** A hold or wait, and what tells its lock from all others. */
interface Found {
  event: TraceEvent;
  /** The lock, for holds. */
  lock: string;
}

/** A lock that another thread has freed. */
interface Freed {
  lock: string;
  at: number;
  owner: string;
}

/** Reads one row after the other. */
class RowReader {
  readonly #memory: TraceMemory;
  readonly #start: number;
  readonly #now: number;
  readonly found: Found[] = [];
  readonly freed: Freed[] = [];

  constructor(memory: TraceMemory, start: number, now: number) {
    this.#memory = memory;
    this.#start = start;
    this.#now = now;
  }

  /** Reads who has the row, and what happened in it. */
  read(row: number, nameOfProcess: (pid: number) => string | undefined): TraceParty {
    const { words, times } = this.#memory;
    const base = this.#memory.baseOf(row);
    const state = Atomics.load(words, base + STATE);
    const isProcess = words[base + IS_PROCESS] === 1;
    const pid = words[base + PID]!;
    const own = this.#memory.nameOf(row);
    const process = isProcess ? undefined : nameOfProcess(pid);
    const born = times[(base + BORN) / 2]!;
    const joined = times[(base + JOINED_AT) / 2]!;
    const over = times[(base + OVER) / 2]!;
    const died = state === DIED;
    const party: TraceParty = {
      name: process === undefined ? own : `${process}/${own}`,
      kind: isProcess ? "process" : "thread",
      pid,
      from: this.#since(born, 0),
      ready: joined === 0 ? undefined : this.#since(joined, Math.max(0, born - joined)),
      to: over === 0 ? undefined : this.#since(Math.max(born, joined, over), 0),
      end: undefined,
      died,
      lost: 0,
      known: joined !== 0,
    };
    // Who came before it was started has another clock.
    const shift = joined === 0 ? 0 : Math.max(0, born - joined);
    this.#records(row, party, shift);
    if (state === DIED || state === ENDED) {
      const task = this.found.findLast(({ event }) =>
        event.party === party && event.type === "task"
      );
      const { error } = task?.event as RunEvent ?? {};
      party.end = endOf(died, words[base + CODE]!, error);
    }
    if (died && party.to !== undefined) {
      const name = party.end!;
      this.found.push({ event: { type: "death", party, at: party.to, name }, lock: "" });
    }
    return party;
  }

  #records(row: number, party: TraceParty, shift: number): void {
    const { capacity, slots } = this.#memory;
    const base = this.#memory.baseOf(row);
    const count = this.#count(base);
    party.lost = Math.max(0, count - capacity);
    for (let index = party.lost; index < count; index++) {
      const at = this.#memory.recordsOf(row) + index % slots * RECORD;
      // The party may be writing on: what is overwritten meanwhile is not taken.
      const before = this.found.length;
      this.#record(row, at, party, shift);
      if (this.#count(base) - index > capacity) this.found.length = before;
    }
  }

  #count(base: number): number {
    const { words } = this.#memory;
    return words[base + COUNT_HIGH]! * 2 ** 32 + (Atomics.load(words, base + COUNT) >>> 0);
  }

  #record(row: number, at: number, party: TraceParty, shift: number): void {
    const { words, times } = this.#memory;
    const what = words[at + WHAT]!;
    const type = WHATS[what & KIND];
    const from = times[(at + FROM) / 2]!;
    const to = times[(at + TO) / 2]!;
    if (type === undefined || type === "" || !(from > 0)) return;
    const name = this.#name(row, words[at + TITLE]!) ?? "";
    const by = this.#name(row, words[at + BY]!);
    const thing = words[at + THING]!;
    const lock = (what & IS_SHARED) === 0 ? `${party.pid} ${thing}` : `${thing}`;
    const begun = this.#since(from, shift);
    const end = to === 0 ? undefined : Math.max(begun, this.#since(to, shift));
    if (type === "freed") {
      this.freed.push({ lock, at: begun, owner: by ?? "" });
    } else if (type === "task" || type === "call") {
      const error = (what & FAILED) === 0 ? undefined : by ?? "Error";
      this.found.push({ event: { type, party, at: begun, end, name, error }, lock: "" });
    } else if (type === "wait") {
      this.found.push({ event: { type, party, at: begun, end, name, by }, lock: "" });
    } else if (type === "hold") {
      this.found.push({ event: { type, party, at: begun, end, name }, lock });
    } else this.found.push({ event: { type, party, at: begun, name }, lock: "" });
  }

  #name(row: number, position: number): string | undefined {
    if (position === 0) return undefined;
    const memory = this.#memory;
    const size = memory.nameWords;
    const written = memory.words[memory.baseOf(row) + NAMES]!;
    if (position < 0 || position > written || written - position >= size) return undefined;
    const start = memory.namesOf(row) + (position - 1) % size;
    const length = memory.words[start]!;
    if (length < 0 || length > NAME_MOST) return undefined;
    return read(memory.bytes, (start + 1) * 4, length);
  }

  #since(time: number, shift: number): number {
    return Math.min(Math.max(0, time + shift - this.#start), this.#now - this.#start);
  }
}

/** How a party ended, as far as is known: a thread has no exit code. */
function endOf(died: boolean, code: number, error: string | undefined): string {
  const exitcode = code - CODE_ZERO;
  if (code !== 0 && exitcode < 0) return `killed by ${signalName(-exitcode)}`;
  if (died && error === "SystemExit") return code === 0 ? "ended by exit()" : exitCode(exitcode);
  if (died && error !== undefined && error !== "ThreadTerminated") return `ended by ${error}`;
  if (code === 0) return died ? "stopped" : "ended";
  return exitcode === 0 ? "ended" : exitCode(exitcode);
}

function exitCode(code: number): string {
  return `ended with exit code ${code}`;
}

/**
 * Reads memories.
 *
 * @param start When the trace was started.
 * @param end When it was stopped, or now.
 */
export function readRecording(memories: TraceMemory[], start: number, end: number): Recording {
  const parties: TraceParty[] = [];
  const found: Found[] = [];
  const freed: Freed[] = [];
  let refused = 0;
  for (const memory of memories) {
    refused += memory.refused;
    const { words } = memory;
    const names = new Map<number, string>();
    const rows = Array.from({ length: memory.rows }, (_, row) => row)
      // A place whose party was never started, or that is just being written.
      .filter((row) => words[memory.baseOf(row) + STATE] !== 0 && words[memory.baseOf(row) + PID]);
    for (const row of rows) {
      const base = memory.baseOf(row);
      if (words[base + IS_PROCESS] === 1) names.set(words[base + PID]!, memory.nameOf(row));
    }
    const reader = new RowReader(memory, start, end);
    // The process that started the trace has no name before those of its threads.
    for (const row of rows) {
      parties.push(reader.read(row, (pid) => pid === Deno.pid ? undefined : names.get(pid)));
    }
    found.push(...reader.found);
    freed.push(...reader.freed);
  }
  nameMain(parties);
  closeHolds(found, freed);
  const events = found.map(({ event }) => event).sort((a, b) => a.at - b.at);
  // The threads of a process stand below it.
  const ordered = [...Map.groupBy(parties, ({ pid }) => pid).values()].flat();
  return { parties: ordered, events, length: end - start, refused };
}

/** The one that started the trace is a process among processes, or else a thread. */
function nameMain(parties: TraceParty[]): void {
  const main = parties.find(({ pid }) => pid === Deno.pid);
  if (main === undefined) return;
  main.kind = parties.some((party) => party !== main && party.kind === "process")
    ? "process"
    : "thread";
  if (main.kind === "process" && main.name === "MainThread") main.name = "MainProcess";
}

/**
 * Ends the holds that their own thread did not end: by who freed the lock, or at the latest when
 * the next one had it.
 */
function closeHolds(found: Found[], freed: Freed[]): void {
  const byLock = Map.groupBy(found.filter(({ lock }) => lock !== ""), ({ lock }) => lock);
  for (const [lock, holds] of byLock) {
    holds.sort((a, b) => a.event.at - b.event.at);
    for (const [k, { event }] of holds.entries()) {
      if (event.type !== "hold" || event.end !== undefined) continue;
      const { at, party } = event;
      const ends = freed.filter((free) => free.lock === lock && free.at >= at).map(({ at }) => at);
      const next = holds[k + 1]?.event.at;
      const end = Math.min(...ends, next ?? Infinity);
      if (end < (party.to ?? Infinity)) event.end = end;
    }
  }
}
