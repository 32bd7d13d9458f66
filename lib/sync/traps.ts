/**
 * Mistakes that pass every check and make a program do quietly what it should not. Each is told on
 * stderr, once for each place in the source.
 *
 * **The forgotten await.** `lock.acquire();` takes the lock, and nothing waits until it is there.
 * All that reads a promise (`await`, `then()`, `Promise.all()`, `return` in an async function)
 * first reads its `constructor`. A watched promise has a prototype of its own between itself and
 * `Promise.prototype`, whose `constructor` is a getter: it takes the promise off the list, and
 * answers `Promise`, so that all goes on as ever. What is on the list a while later, and has got
 * its lock, was forgotten.
 *
 * To watch a promise costs more than an uncontended acquire, and to know its place, which is a
 * stack, ten times more. So the first {@linkcode PLACED} calls in each {@linkcode LOOK} ms are
 * watched with their places; of those that follow, one in {@linkcode STRIDES} without. If that one
 * is not awaited at once, {@linkcode PLACED} calls more are watched, those of its object with their
 * places.
 *
 * **The forgotten wait.** `thread.join();` waits for nobody; nor do a `wait()` of an event, a
 * condition or a barrier and a `put()` of a queue, which are watched only where they could not be
 * done at once. Who has not read such a promise so far may have kept it, to await it later. So
 * these are told at the end of the program, or of a child's task; where that fails it may not have
 * come to its awaits, and nothing is told. They are sampled too, and each with its place. When half
 * of {@linkcode MOST_UNREAD} are on the list, one for each place is left. A promise that is not to
 * be awaited gets a `catch()`, which it needs for its errors anyway.
 *
 * **The object that a child makes anew.** A child imports the main module, and all that the module
 * makes at its top level is made once more: its own lock, that excludes nobody else, its own queue,
 * that nothing is put in. Such an object gets a prototype of its own as well, which tells at the
 * first use, and then is taken away. One that is given to somebody else is no mistake.
 *
 * @module
 */
import { tasksOver } from "../core/hooks.ts";
import { shown } from "../core/inspect.ts";
import { LIBRARY } from "../core/environment.ts";
import type { Region } from "../memory/region.ts";
import { self, twins } from "../memory/this_thread.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import { importedMain } from "../transfer/task.ts";

/** The number of calls between two looks that are watched with their places. */
const PLACED = 64;
/**
 * One of how many calls is watched after those: primes, so that no loop always avoids it. As long
 * as nobody forgets they grow: to watch one costs some 5 µs, fifty times an uncontended acquire.
 */
const STRIDES = [127, 257, 521, 1031, 2053, 4099];
/** The same of waits, which cost more themselves. */
const WAIT_STRIDE = 1021;
/** The most waits that are kept and nobody has read. */
const MOST_UNREAD = 128;
/**
 * The interval at which it is looked for forgotten promises, in ms: they are told after one to two
 * such times.
 */
const LOOK = 500;

/** A frame of a stack: its function, if it has a name, and its place. */
const FRAME = /^ {4}at (?:async )?(?:(.+) \()?((?:file|https?|data|blob):\S+?:\d+:\d+)\)?$/gm;

interface Caller {
  /** Where, as in `file:///main.ts:3:14`. */
  place: string;
  /** The name of the function there; undefined at the top level of a module. */
  fn: string | undefined;
}

/** Where the toolkit was called from; functions whose names match are passed over. */
function callerOf(error: Error, passed?: RegExp): Caller | undefined {
  for (const [, fn, place] of (error.stack ?? "").matchAll(FRAME)) {
    const isOurs = place!.startsWith(LIBRARY);
    if (!isOurs && !(fn !== undefined && passed?.test(fn))) return { place: place!, fn };
  }
  return undefined;
}

/** Tells, unless this place has been told in this program: threads and processes say it once. */
function tell(place: string, message: string): void {
  const { roster } = twins.parties ?? self();
  if (roster.isFirst(place)) console.error(message);
}

/** The name of an object: its class, and its name if it has one. */
function titleOf(object: object): string {
  return shown(object, () => [(object as { name?: string }).name]);
}

/** An acquire whose promise nobody has awaited so far. */
interface Watched {
  /** The object that is acquired. */
  of: object;
  /** Its place, if it was taken. */
  at: Error | undefined;
  /** True if the lock or permit was taken. */
  isTaken: boolean;
  /** True if it was here at the look before. */
  isOld: boolean;
}

const list = new Map<object, Watched>();
/**
 * The objects of forgotten calls without a place, and whether they were here at the look before.
 */
const unplaced = new Map<object, boolean>();
/** The objects of calls without a place that nobody awaited at once. */
const suspects = new Set<object>();
/** The objects of which something has been told. */
const known = new WeakSet<object>();
/** The promise of the last call without a place. */
let sampled: object | undefined;
/** The number of calls left that are watched one after the other. */
let left = PLACED;
/** The number that were watched after those: they give the stride. */
let strides = 0;
let isLooking = false;
/** The number of calls until the one that is watched: all that the others look at. */
let skip = 1;

/** A wait whose promise nobody has read so far. */
interface Unread {
  /** Its form in the source, as in `thread.join()`. */
  call: string;
  /** The title of what it waits for. */
  title: string;
  /**
   * Where it was called: a stack, up to the next look; undefined where the toolkit itself waits.
   */
  at: Error | string | undefined;
}

const unread = new Map<object, Unread>();
/** As `left` and `skip`, for waits. */
let waitsLeft = PLACED;
let waitSkip = 1;

/** The prototype of the promises on a list: who reads one takes it off. */
function watchedBy(list: Map<object, unknown>): object {
  return Object.create(Promise.prototype, {
    constructor: {
      get(this: object) {
        list.delete(this);
        return Promise;
      },
    },
  });
}

const WATCHED = watchedBy(list);
const UNREAD = watchedBy(unread);

/** True if the call that begins is one that is watched: if so, {@linkcode watch} its promise. */
export function isWatched(): boolean {
  return --skip <= 0;
}

/** Watches the promise of an acquire of `of`. */
export function watch<G>(of: object, acquired: Promise<G>): Promise<G> {
  const before = sampled && list.get(sampled);
  if (before?.isTaken && !suspects.has(before.of)) {
    suspects.add(before.of);
    left = PLACED;
    strides = 0;
  }
  const at = left > 0 && (suspects.size === 0 || suspects.has(of)) ? new Error() : undefined;
  skip = --left > 0 ? 1 : STRIDES[Math.min(strides++, STRIDES.length - 1)]!;
  const watched: Watched = { of, at, isTaken: false, isOld: false };
  const promise = acquired.then((guard) => {
    watched.isTaken = guard !== undefined;
    return guard;
  });
  list.set(promise, watched);
  if (at === undefined) sampled = promise;
  if (!isLooking) lookLater();
  return Object.setPrototypeOf(promise, WATCHED);
}

/**
 * Watches the promise of a wait that could not be done at once.
 *
 * @param of What is waited for, or where.
 * @param call Its form in the source, as in `thread.join()`.
 */
export function watchWait<T>(of: object, call: string, promise: Promise<T>): Promise<T> {
  if (--waitSkip > 0 || unread.size >= MOST_UNREAD) return promise;
  waitSkip = --waitsLeft > 0 ? 1 : WAIT_STRIDE;
  // Not the object itself: the list is to keep no queue with its items alive.
  unread.set(promise, { call, title: titleOf(of), at: new Error() });
  if (!isLooking) lookLater();
  return Object.setPrototypeOf(promise, UNREAD);
}

const idle = new Int32Array(new SharedArrayBuffer(4));

/** Looks in a while. This wait keeps no program alive, and is no timer that a test could leak. */
function lookLater(): void {
  isLooking = true;
  (Atomics.waitAsync(idle, 0, 0, LOOK).value as Promise<unknown>).then(() => {
    isLooking = false;
    left = PLACED;
    strides = 0;
    skip = 1;
    suspects.clear();
    for (const [of, isOld] of unplaced) {
      if (isOld) tellForgotten(of, undefined);
      else unplaced.set(of, true);
    }
    for (const [promise, watched] of list) {
      if (watched.isOld && watched.isTaken) forgotten(promise, watched);
      watched.isOld = true;
    }
    waitsLeft = PLACED;
    waitSkip = 1;
    lookAtUnread();
    if (list.size > 0 || unplaced.size > 0) lookLater();
  });
}

/** Where a wait was called. */
function placeOf(wait: Unread): string | undefined {
  if (wait.at instanceof Error) wait.at = callerOf(wait.at)?.place;
  return wait.at;
}

/**
 * Reads the stacks of the unread waits, as each keeps alive all that was on it. Of many waits one
 * for each place is left, the oldest.
 */
function lookAtUnread(): void {
  const areMany = unread.size > MOST_UNREAD / 2;
  const places = new Set<string>();
  for (const [promise, wait] of unread) {
    const place = placeOf(wait);
    if (place === undefined || areMany && places.has(place)) unread.delete(promise);
    else places.add(place);
  }
}

function forgotten(promise: object, { of, at }: Watched): void {
  list.delete(promise);
  if (at === undefined) {
    suspects.add(of);
    if (!known.has(of)) unplaced.set(of, false);
  } else tellForgotten(of, callerOf(at)?.place);
}

function tellForgotten(of: object, place: string | undefined): void {
  unplaced.delete(of);
  known.add(of);
  const title = titleOf(of);
  const at = place === undefined ? "" : ` at ${place}`;
  tell(
    place ?? title,
    `Forgotten await: acquire()${at} took ${title}, and nobody awaited it: write ` +
      '"using _ = await lock.acquire()"',
  );
}

/**
 * Tells what was forgotten up to now: the program, or a child's task, ends.
 *
 * @param hasFailed True if it ends early: then a wait may be one that would have been awaited
 *   later.
 */
function tellForgottenNow(hasFailed: boolean): void {
  for (const [promise, watched] of list) if (watched.isTaken) forgotten(promise, watched);
  for (const of of unplaced.keys()) tellForgotten(of, undefined);
  if (!hasFailed) { for (const wait of unread.values()) tellUnread(wait); }
  unread.clear();
}

function tellUnread(wait: Unread): void {
  const { call, title } = wait;
  const place = placeOf(wait);
  if (place === undefined) return;
  const method = call.slice(call.indexOf(".") + 1, call.indexOf("("));
  const remedy = `write "await ${call}" for ${title}`;
  tell(place, `Forgotten await: ${method}() at ${place} was not awaited: ${remedy}`);
}

tasksOver.add(tellForgottenNow);
addEventListener("unload", () => tellForgottenNow(Deno.exitCode !== 0));

/** Getters that say how an object was made, and not what has become of it. */
const FIXED = new Set(["constructor", "name", "type", "maxsize", "parties", "length", "size"]);

/**
 * As {@linkcode noteMadeIn}, for what stands on words; a handle to what there was is no new object.
 */
export function noteMade(
  object: object,
  { region, fresh }: { region: Region; fresh: boolean },
): void {
  if (fresh) noteMadeIn(object, region.parties === twins.parties ? "process" : "thread");
}

/**
 * Has an object tell at its first use, if a child has just made it anew.
 *
 * @param object What has just been made.
 * @param world Who can share it. What threads share, a child process may well have for itself.
 */
export function noteMadeIn(object: object, world: World): void {
  const main = importedMain();
  if (main === undefined || world === "thread" && self().isMain) return;
  const caller = callerOf(new Error(), /^new |initializer>$/);
  // What a function makes may be made at any time, for itself.
  if (caller?.fn !== undefined || !caller?.place.startsWith(`${main}:`)) return;
  const kind = Object.getPrototypeOf(object);
  const trap = Object.create(kind);
  const spring = (isUse: boolean) => {
    if (Object.getPrototypeOf(object) !== trap) return;
    // What the module does itself, at its top level, it does in each of its copies.
    if (isUse && importedMain() !== undefined) return;
    Object.setPrototypeOf(object, kind);
    if (!isUse) return;
    const { roster, slot } = twins.parties ?? self();
    tell(
      caller.place,
      `Made anew: ${titleOf(object)} of ${caller.place} is not the parent's: ` +
        `${roster.name(slot)} made its own when it imported the module; give it as an argument`,
    );
  };
  for (let proto = kind; proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const key of Reflect.ownKeys(proto)) {
      const isShare = key === SHARE;
      const isPublic = typeof key === "string" ? !FIXED.has(key) : ITERATES.has(key);
      if (Object.hasOwn(trap, key) || !isShare && !isPublic) continue;
      Object.defineProperty(trap, key, sprung(proto, key, () => spring(!isShare)));
    }
  }
  Object.setPrototypeOf(object, trap);
}

const ITERATES: Set<symbol> = new Set([Symbol.iterator, Symbol.asyncIterator]);

/** A property of a prototype, with something that happens before it is used. */
function sprung(proto: object, key: PropertyKey, spring: () => void): PropertyDescriptor {
  const { value, get, set } = Object.getOwnPropertyDescriptor(proto, key)!;
  const before = (fn: ((...args: unknown[]) => unknown) | undefined) =>
    fn && function (this: unknown, ...args: unknown[]): unknown {
      spring();
      return Reflect.apply(fn, this, args);
    };
  return typeof value === "function"
    ? { value: before(value), configurable: true, writable: true }
    : { get: before(get), set: before(set), configurable: true };
}
