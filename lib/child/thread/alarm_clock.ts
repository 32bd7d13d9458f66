/**
 * The process's alarm where the kernel's cannot be had: two words of shared memory say when it is
 * due, and the main thread has the timer.
 *
 * Any thread sets the words, by one exchange, and so learns what was left; then it tells the main
 * thread, which looks at them and sets its timer anew. When it is due whoever takes the words back
 * to 0 sends the signal. The main thread also looks while it is blocked in a wait of the toolkit.
 *
 * Windows has no SIGALRM: there the clock *rings*. A word counts that, and the threads that handle
 * the signal wait on it; where there are none the program ends as the signal would end it.
 *
 * @module
 */
import { lines } from "../../channel/parcels/lines.ts";
import { lastWords, services } from "../../core/hooks.ts";
import { post } from "../../core/ports.ts";
import { ALARM, HEARERS, RINGS } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";
import { now } from "../../core/environment.ts";
import type { ToHome } from "./protocol.ts";

/** No timer lasts longer, in ms. */
const LONGEST = 0x7fffffff;
/** The exit code of a program that SIGALRM has ended. */
const ENDED_BY_ALARM = 128 + 14;
/** True where the clock rings. */
export const rings: boolean = Deno.build.os === "windows";

let timer: ReturnType<typeof setTimeout> | undefined;

/** When the alarm is due, in µs since 1970; 0 when there is none. */
function word(): BigInt64Array {
  return new BigInt64Array(self().memory, ALARM * Int32Array.BYTES_PER_ELEMENT, 1);
}

/** The time that is left until then, in ms. */
function left(due: bigint): number {
  return Number(due) / 1000 - now();
}

/**
 * Sets the alarm.
 *
 * @param ms When, from now; 0 for never.
 * @returns What was left of the one before, in ms; 0 when there was none.
 */
export function setAlarm(ms: number): number {
  const due = ms === 0 ? 0n : BigInt(Math.round((now() + ms) * 1000));
  const before = Atomics.exchange(word(), 0, due);
  if (self().isMain) wind();
  else post(lines.home!, { type: "alarm" } satisfies ToHome);
  // One that is due and has not yet been sent is taken back.
  return before === 0n ? 0 : Math.max(left(before), 0.001);
}

/** Sets the main thread's timer for the alarm. */
export function wind(): void {
  clearTimeout(timer);
  services.delete(look);
  const due = Atomics.load(word(), 0);
  if (due === 0n) return;
  services.add(look);
  timer = setTimeout(wind, Math.min(Math.max(Math.ceil(left(due)), 0), LONGEST));
  timer.unref();
  if (left(due) <= 0) look();
}

/** Sends the signal if it is due; whether it was. */
function look(): boolean {
  const due = Atomics.load(word(), 0);
  if (due === 0n || left(due) > 0) return false;
  if (Atomics.compareExchange(word(), 0, due, 0n) !== due) return false;
  clearTimeout(timer);
  services.delete(look);
  if (rings) ring();
  else Deno.kill(Deno.pid, "SIGALRM");
  return true;
}

function ring(): void {
  const { words } = self();
  if (Atomics.load(words, HEARERS) === 0) Deno.exit(ENDED_BY_ALARM);
  Atomics.add(words, RINGS, 1);
  Atomics.notify(words, RINGS);
}

/**
 * Has this thread called each time that the clock rings; keeps no program alive.
 *
 * @returns What ends that.
 */
export function hear(call: () => void): () => void {
  const { words } = self();
  let isHearing = true;
  const listen = async () => {
    for (let heard = Atomics.load(words, RINGS); isHearing;) {
      await Atomics.waitAsync(words, RINGS, heard).value;
      const now = Atomics.load(words, RINGS);
      if (!isHearing || now === heard) continue;
      heard = now;
      call();
    }
  };
  Atomics.add(words, HEARERS, 1);
  listen();
  const stop = () => {
    lastWords.delete(stop);
    isHearing = false;
    Atomics.sub(words, HEARERS, 1);
    // The wait ends; those of others begin again.
    Atomics.notify(words, RINGS);
  };
  lastWords.add(stop);
  return stop;
}
