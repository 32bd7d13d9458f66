/**
 * Who this thread is: its place in the roster of the process's threads. The main thread makes the
 * roster; every other thread is handed it with its first message.
 *
 * @module
 */
import { recorder } from "../core/hooks.ts";
import type { Parties } from "./region.ts";
import { CANCEL, CUT, type Listed, Roster, ROSTER_WORDS, STATE, TWIN } from "./roster.ts";

/** The calling thread, as the others see it. */
export interface Self {
  /** The roster of this process's threads. */
  roster: Roster;
  /** Its memory, to be handed on to further threads. */
  memory: SharedArrayBuffer;
  /** The words of the roster. */
  words: Int32Array<ArrayBufferLike>;
  /** This thread's ident, 1 for the main thread. */
  ident: number;
  /** The first word of this thread's slot. */
  slot: number;
  /** The word that says whether this thread is asked to stop. */
  cancel: number;
  /** The word of this thread's state. */
  state: number;
  /** True if this is the program's main thread. */
  isMain: boolean;
}

/** The part that `arena.ts` adds when the family's memory is opened, and what it then needs. */
export const twins: {
  /** Where a child process opens that memory; undefined in the family's first. */
  inherited?: string | undefined;
  /** This process's name in the family; the first process has no other. */
  process: string;
  /** Takes a thread out of the family's roster too. */
  leave?: (ident: number, dead: boolean) => void;
  /** The threads of all processes that use that memory. */
  parties?: Parties;
} = { process: "MainProcess" };

let me: Self | undefined;

function enter(memory: SharedArrayBuffer, roster: Roster, listed: Listed, isMain: boolean): Self {
  const { ident, slot } = listed;
  return me = {
    roster,
    memory,
    words: roster.words,
    ident,
    slot,
    cancel: slot + CANCEL,
    state: slot + STATE,
    isMain,
  };
}

/** The calling thread; the first call in a program enters it as the main thread. */
export function self(): Self {
  if (me !== undefined) return me;
  const memory = new SharedArrayBuffer(ROSTER_WORDS * 4);
  const roster = new Roster(new Int32Array(memory));
  const listed = roster.join({ name: "MainThread", daemon: false, starter: 0, pid: Deno.pid });
  return enter(memory, roster, listed, true);
}

/** Makes this thread the one that its starter entered in the roster. */
export function become(memory: SharedArrayBuffer, listed: Listed): Self {
  return enter(memory, new Roster(new Int32Array(memory)), listed, false);
}

/** True if this thread is asked to stop. */
export function isCancelled(): boolean {
  return me !== undefined && Atomics.load(me.words, me.cancel) !== 0;
}

/** True if this thread counts as ended: it takes nothing any more. */
export function isCut(): boolean {
  return me !== undefined && Atomics.load(me.words, me.cancel) === CUT;
}

/**
 * Takes a thread of this process out of the rosters, and wakes those who wait for its end. The
 * thread does so itself, and so does whoever hears of its end first.
 *
 * @param dead True if what it holds passes on.
 * @param reuse True if its slot may be used again: not while the thread may still run.
 */
export function leave(slot: number, ident: number, dead: boolean, reuse: boolean): void {
  const { roster, words } = self();
  const twin = Atomics.load(words, slot + TWIN);
  if (!roster.leave(slot, ident, dead, reuse)) return;
  recorder?.left(ident, dead);
  Atomics.notify(words as Int32Array<SharedArrayBuffer>, slot + STATE);
  if (twin === 0) return;
  if (twins.leave !== undefined) twins.leave(twin, dead);
  else {
    // A thread used memory between processes, and this one never did: load what is needed now. The
    // name is computed because a script of threads alone must not load FFI.
    const arena = new URL("./arena.ts", import.meta.url).href;
    import(arena).then(({ theArena }) => theArena().leave(twin, dead));
  }
}
