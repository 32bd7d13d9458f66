/**
 * The scale of a picture: where in it a time is. Long stretches in which nobody runs and nothing
 * happens, as when processes start, are folded: they take a small part of the width, and a mark
 * says how long they are.
 *
 * @module
 */
import type { Recording } from "./events.ts";
import { duration, endOf, type Tick, ticksOf } from "./layout.ts";

/** The part of a trace that a stretch must be to be folded. */
const LONG = 0.1;
/** The part of the width that it then takes. */
const FOLDED = 0.04;

/** A stretch that is folded. */
export interface Break {
  from: number;
  to: number;
  /** How long it is, for people. */
  text: string;
}

/** A scale, from 0 for the start of the trace to 1 for its end. */
export class Scale {
  readonly breaks: Break[];
  readonly #length: number;
  readonly #rest: number;

  /** Makes the scale for a recording. */
  constructor(recording: Recording) {
    const { length } = recording;
    this.#length = Math.max(length, 1e-6);
    this.breaks = quietOf(recording);
    this.#rest = this.breaks.reduce((rest, { from, to }) => rest - (to - from), this.#length);
  }

  /** Where a time is. */
  at(ms: number): number {
    const share = (1 - FOLDED * this.breaks.length) / this.#rest;
    let place = Math.min(ms, this.#length) * share;
    for (const { from, to } of this.breaks) {
      const passed = Math.min(Math.max(ms - from, 0), to - from);
      place += passed * (FOLDED / (to - from) - share);
    }
    return Math.min(1, Math.max(0, place));
  }

  /** The times to be written at the axis: about `most` of them, none in what is folded. */
  ticks(most: number): Tick[] {
    const step = ticksOf(this.#rest, most)[1]?.at ?? this.#length;
    return ticksOf(this.#length, Math.ceil(this.#length / step))
      .filter(({ at }) => !this.breaks.some(({ from, to }) => at > from && at < to));
  }
}

/** The long stretches in which nobody runs and nothing happens. */
function quietOf({ events, length }: Recording): Break[] {
  const busy = events.flatMap((event): [number, number][] => {
    if (!("end" in event)) return [[event.at, event.at]];
    const end = endOf(event, length);
    if (event.type === "task" || event.type === "call") return [[event.at, end]];
    return [[event.at, event.at], [end, end]];
  }).sort(([a], [b]) => a - b);
  busy.push([length, length]);
  const breaks: Break[] = [];
  const pad = length * LONG / 10;
  let last = 0;
  for (const [from, to] of busy) {
    if (from - last > length * LONG) {
      const folded = { from: last + pad, to: from - pad };
      breaks.push({ ...folded, text: duration(folded.to - folded.from) });
    }
    last = Math.max(last, to);
  }
  return breaks;
}
