/**
 * Deadlocks: who waits for whom, read from the notes that blocked parties leave in the rosters.
 *
 * A party is stuck when what it waits for is held by a party that is stuck. The largest set of such
 * parties is what remains when those that can go on are struck out, again and again; the cycles in
 * it are the deadlocks. A party whose thread is blocked can do nothing else; one with async
 * functions that wait is stuck only if each of its waits is. (What an async function does between
 * its waits leaves no note: so it is one party with the others of its thread.)
 *
 * Notes are read while they change, so three things keep false alarms out. A waiter notes who held
 * the lock, and when it looked; the look counts only if it came after the holder's own wait began,
 * since from then on the holder released nothing. What was found is read a second time, and must be
 * the same. And a lock's owner that is not waiting is never stuck, however long it takes.
 *
 * @module
 */
import { endOf, KINDS, locksOf, type Waiting, waitsOf } from "../memory/wait_notes.ts";
import type { Parties } from "../memory/region.ts";
import { KIND_BITS, PID, type Roster, TWIN } from "../memory/roster.ts";
import { self, twins } from "../memory/this_thread.ts";

/**
 * The time that a deadlock with an awaiting party in it must last before a waiter is told, in ms.
 */
const ASYNC_PATIENCE = 500;
/** The time to wait for waiters to look again, in ms: a little over a slice. */
const FRESH_AFTER = 60;

/** One party of a deadlock. */
export interface DeadlockParty {
  /** The name of the thread or process. */
  name: string;
  /** The names of the locks that it holds. */
  holds: string[];
  /** The name of the lock that it waits for; null for one that has ended. */
  waitsFor: string | null;
}

/** Parties that wait for each other, or for one that has ended with the lock in hand. */
export interface Deadlock {
  /** Who takes part, each waiting for what the next one holds. */
  parties: DeadlockParty[];
  /** A report, as in `"Deadlock: a holds 'A' and waits for 'B'; b holds 'B' and waits for 'A'"`. */
  message: string;
}

/** A thing to hold or to wait for, and whose roster names it. */
interface Thing {
  roster: Roster;
  id: number;
}

/** A wait, with its holder found. */
interface Wait extends Waiting, Thing {
  /** The holder's key; undefined when nobody that lives holds it. */
  by: string | undefined;
  /** The holder that ended normally, with this in hand. */
  estate: number;
}

/** A party as both rosters know it. */
export interface Party {
  /** One for each thread, whichever roster it is found in. */
  key: string;
  /** Its name as a thread of this process, or among the family. */
  name: string;
  /** Its name among the family of processes. */
  familyName: string | undefined;
  /** True if it belongs to this process. */
  isHere: boolean;
  /** Its process. */
  pid: number;
  /** Its waits. */
  waits: Wait[];
  /** The number of waits that it has no note of. */
  unnoted: number;
  /** The things that it holds. */
  holds: Thing[];
}

/** Reads the rosters. */
export function readParties(): Map<string, Party> {
  const parties = new Map<string, Party>();
  const mine = self().roster;
  const family = twins.parties;
  const keyOf = (slot: number, ident: number) => {
    const twin = mine.words[slot + TWIN]!;
    return twin === 0 || family === undefined ? `thread ${ident}` : `family ${twin}`;
  };
  const keys = new Map<number, string>();
  const listed = mine.list();
  for (const { ident, slot } of listed) keys.set(ident, keyOf(slot, ident));
  const isGone = (ident: number) => mine.isDead(ident);
  for (const { ident, slot, name } of listed) {
    const party = {
      key: keys.get(ident)!,
      name,
      familyName: undefined,
      isHere: true,
      pid: Deno.pid,
      ...empty(),
    };
    read(party, mine, slot, (holder) => keys.get(holder), isGone);
    parties.set(party.key, party);
  }
  if (family === undefined) return parties;
  const { roster } = family;
  const all = roster.list().filter(({ ident }) => !family.isDead(ident));
  const live = new Set(all.map(({ ident }) => ident));
  for (const { ident, slot, name } of all) {
    const key = `family ${ident}`;
    const known = parties.get(key);
    const pid = roster.words[slot + PID]!;
    const party: Party = known ?? {
      key,
      name,
      familyName: name,
      isHere: false,
      pid,
      ...empty(),
    };
    party.familyName = name;
    const find = (holder: number) => live.has(holder) ? `family ${holder}` : undefined;
    read(party, roster, slot, find, (holder) => family.isDead(holder));
    parties.set(key, party);
  }
  return parties;
}

function empty(): Pick<Party, "waits" | "unnoted" | "holds"> {
  return { waits: [], unnoted: 0, holds: [] };
}

/** Adds what one roster says of a party. */
function read(
  party: Party,
  roster: Roster,
  slot: number,
  find: (ident: number) => string | undefined,
  isDead: (ident: number) => boolean,
): void {
  const waits = waitsOf(roster, slot);
  for (const wait of waits.noted) {
    const by = wait.holder === 0 ? undefined : find(wait.holder);
    const isOver = by === undefined && wait.holder !== 0 && wait.id !== endOf(wait.holder);
    const estate = isOver && !isDead(wait.holder) && isInEstate(roster, wait) ? wait.holder : 0;
    party.waits.push({ ...wait, roster, by, estate });
  }
  party.unnoted += waits.unnoted;
  for (const id of locksOf(roster, slot)) party.holds.push({ roster, id });
}

/** True if the holder has ended, with the lock in hand. */
function isInEstate(roster: Roster, { id, holder }: Waiting): boolean {
  const slot = roster.slotOf(holder, true);
  return slot >= 0 && roster.slotOf(holder) < 0 && locksOf(roster, slot).includes(id);
}

/** The name of a lock or its like in reports. */
export function titleOf({ roster, id }: Thing, nameOfEnd: (ident: number) => string): string {
  const kind = KINDS[id & (1 << KIND_BITS) - 1]!;
  if (kind === "end") return `the end of ${nameOfEnd(id >>> KIND_BITS)}`;
  const name = roster.title(id);
  return name === undefined ? `${kind} ${id >>> KIND_BITS}` : `'${name}'`;
}

/** The waits that decide whether a party is stuck; none when it can go on. */
function decisive({ waits, unnoted }: Party): Wait[] {
  const blocking = waits.filter(({ blocks }) => blocks);
  if (blocking.length > 0) return blocking;
  // Who awaits the end of another mostly does something else besides.
  const isFree = unnoted > 0 || waits.some(({ id, holder }) => id === endOf(holder));
  return isFree ? [] : waits;
}

/** Strikes out who can go on. */
function stuckOf(parties: Map<string, Party>, strict: boolean): Map<string, Party> {
  const stuck = new Map(parties);
  for (let isLess = true; isLess;) {
    isLess = false;
    for (const [key, party] of stuck) {
      const waits = decisive(party);
      const isStuck = waits.length > 0 && waits.every((wait) => {
        const holder = wait.by === undefined ? undefined : stuck.get(wait.by);
        if (holder === undefined) return false;
        // An async function that waits for another of its thread is not stuck: the other goes on.
        if (holder === party && !wait.blocks) return false;
        // The end of a thread needs no look: who has not ended has not ended.
        return !strict || wait.id === endOf(wait.holder) ||
          decisive(holder).every(({ since }) => (wait.seen - since | 0) > 0);
      });
      if (isStuck) continue;
      stuck.delete(key);
      isLess = true;
    }
  }
  return stuck;
}

/** The cycles among the stuck. */
function cyclesOf(stuck: Map<string, Party>): Party[][] {
  const cycles: Party[][] = [];
  const visited = new Set<Party>();
  for (const start of stuck.values()) {
    const path: Party[] = [];
    let party = start;
    while (!visited.has(party)) {
      visited.add(party);
      path.push(party);
      party = stuck.get(decisive(party)[0]!.by!)!;
    }
    const from = path.indexOf(party);
    if (from >= 0) cycles.push(path.slice(from));
  }
  return cycles;
}

/** The text that must be the same at the second reading. */
function printOf(cycle: Party[]): string {
  return JSON.stringify(
    cycle.map((party) => [
      party.key,
      ...decisive(party).map(({ id, holder, since }) => [id, holder, since]),
    ]),
  );
}

/** The cycles that are there at two readings. */
function confirmed(): { cycles: Party[][]; stuck: Map<string, Party> } {
  const first = cyclesOf(stuckOf(readParties(), true));
  if (first.length === 0) return { cycles: [], stuck: new Map() };
  const seen = new Set(first.map(printOf));
  const stuck = stuckOf(readParties(), true);
  return { cycles: cyclesOf(stuck).filter((cycle) => seen.has(printOf(cycle))), stuck };
}

function report(cycle: Party[]): Deadlock {
  // As threads where all are of this process, else by the names of the processes.
  const areHere = cycle.every(({ isHere }) => isHere);
  const nameOf = (party: Party) => areHere ? party.name : party.familyName ?? party.name;
  const byName = (a: Party, b: Party) =>
    nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }) || inOrder(a, b);
  const lowest = cycle.indexOf(cycle.toSorted(byName)[0]!);
  const ordered = [...cycle.slice(lowest), ...cycle.slice(0, lowest)];
  const parties = ordered.map((party, k) => {
    const wait = decisive(party)[0]!;
    const after = ordered[(k + 1) % ordered.length]!;
    const before = decisive(ordered.at(k - 1)!)[0]!;
    const held = (thing: Thing) => titleOf(thing, () => nameOf(party));
    const isEnd = before.id === endOf(before.holder);
    return {
      name: nameOf(party),
      holds: party.holds.map(held),
      // What it is waited for by the one before it, in the message.
      asked: isEnd ? undefined : held(before),
      waitsFor: titleOf(wait, () => nameOf(after)),
    };
  });
  const message = "Deadlock: " +
    parties.map(({ name, asked, waitsFor }) =>
      asked === undefined
        ? `${name} waits for ${waitsFor}`
        : `${name} holds ${asked} and waits for ${waitsFor}`
    ).join("; ");
  return {
    parties: parties.map(({ name, holds, waitsFor }) => ({
      name,
      holds: holds.map(bare),
      waitsFor: bare(waitsFor),
    })),
    message,
  };
}

/** A name without its quotation marks. */
function bare(title: string): string {
  return title.startsWith("'") ? title.slice(1, -1) : title;
}

/** The same order for whoever looks: by number of the thread in its roster. */
function inOrder(a: Party, b: Party): number {
  const [kindA, a1] = a.key.split(" ");
  const [kindB, b1] = b.key.split(" ");
  return kindA === kindB ? Number(a1) - Number(b1) : kindA! < kindB! ? -1 : 1;
}

/** Who waits for a lock whose holder has ended without releasing it. */
function estates(parties: Map<string, Party>): Deadlock[] {
  const found = new Map<string, { wait: Wait; waiters: Party[] }>();
  for (const party of parties.values()) {
    for (const wait of party.waits) {
      if (wait.estate === 0) continue;
      const key = `${wait.estate} ${wait.id}`;
      const entry = found.get(key) ?? { wait, waiters: [] };
      entry.waiters.push(party);
      found.set(key, entry);
    }
  }
  return [...found.values()].map(({ wait, waiters }) => {
    const { roster } = wait;
    const title = titleOf(wait, () => "");
    const slot = roster.slotOf(wait.estate, true);
    const ended = slot < 0 ? "a thread" : roster.name(slot);
    const names = waiters.map(({ name }) => `${name} waits for ${title}`);
    return {
      parties: [
        ...waiters.map(({ name, holds }) => ({
          name,
          holds: holds.map((thing) => bare(titleOf(thing, () => ""))),
          waitsFor: bare(title),
        })),
        { name: ended, holds: [bare(title)], waitsFor: null },
      ],
      message: `Deadlock: ${names.join("; ")}; ${ended} holds ${title} and has ended`,
    };
  });
}

const pauser = new Int32Array(new SharedArrayBuffer(4));

/**
 * The deadlocks among the threads and processes that wait in calls of the toolkit, at this moment.
 *
 * Also the locks that are waited for and whose holder has ended without releasing them: somebody
 * else may still do so, but mostly nobody will.
 */
export function findDeadlocks(): Deadlock[] {
  let { cycles } = confirmed();
  if (cycles.length === 0 && stuckOf(readParties(), false).size > 0) {
    // It looks like one, but some have yet to look again.
    const until = performance.now() + FRESH_AFTER;
    while (cycles.length === 0 && performance.now() < until) {
      Atomics.wait(pauser, 0, 0, 5);
      ({ cycles } = confirmed());
    }
  }
  return [...cycles.map(report), ...estates(readParties())];
}

/**
 * The deadlock that the calling thread has to give way in: of those in the cycle that want to be
 * told, the last is, and the others can go on. One that waits for a cycle in which nobody wants to
 * is told.
 */
export function deadlockOf({ roster, me }: Parties): Deadlock | undefined {
  const { cycles, stuck } = confirmed();
  if (cycles.length === 0) return undefined;
  const isFamily = roster === twins.parties?.roster;
  const key = isFamily ? `family ${me}` : keyOfMe();
  const self = stuck.get(key);
  if (self === undefined) return undefined;
  const now = Date.now() | 0;
  for (const cycle of cycles) {
    const awaits = cycle.flatMap(decisive).filter(({ blocks }) => !blocks);
    if (awaits.some(({ since }) => (now - since | 0) < ASYNC_PATIENCE)) continue;
    const told = cycle.filter((party) => party.waits.some(({ detects }) => detects)).sort(inOrder);
    const isLast = told.at(-1)?.key === key;
    if (isLast || told.length === 0 && leadsTo(self, cycle, stuck)) return report(cycle);
  }
  return undefined;
}

function keyOfMe(): string {
  const { words, slot, ident } = self();
  const twin = words[slot + TWIN]!;
  return twin === 0 || twins.parties === undefined ? `thread ${ident}` : `family ${twin}`;
}

function leadsTo(party: Party, cycle: Party[], stuck: Map<string, Party>): boolean {
  for (let steps = 0; steps <= stuck.size; steps++) {
    if (cycle.some(({ key }) => key === party.key)) return true;
    party = stuck.get(decisive(party)[0]!.by!)!;
  }
  return false;
}
