/**
 * What the pictures share: which thing goes where, so that nothing lies upon another.
 *
 * @module
 */
import type {
  HoldEvent,
  Recording,
  RunEvent,
  TraceEvent,
  TraceParty,
  WaitEvent,
} from "./events.ts";

/** What takes time in a picture. */
export type TraceSpan = RunEvent | WaitEvent | HoldEvent;

/** The events of one party. */
export interface PictureRow {
  party: TraceParty;
  /** Its tasks and calls. */
  runs: RunEvent[];
  /** Its waits and holds. */
  locks: (WaitEvent | HoldEvent)[];
  /** What takes no time. */
  points: Exclude<TraceEvent, TraceSpan>[];
}

/** Sorts the events by their parties. */
export function rowsOf({ parties, events }: Recording): PictureRow[] {
  const rows = new Map<TraceParty, PictureRow>();
  for (const party of parties) rows.set(party, { party, runs: [], locks: [], points: [] });
  for (const event of events) {
    const row = rows.get(event.party)!;
    switch (event.type) {
      case "task":
      case "call":
        row.runs.push(event);
        break;
      case "wait":
      case "hold":
        row.locks.push(event);
        break;
      default:
        row.points.push(event);
    }
  }
  return [...rows.values()];
}

/** True for a wait for nothing but the time. */
export function isSleep(event: TraceEvent): boolean {
  return event.type === "wait" && event.name === "sleep";
}

/** The end of a span, or how far it is known to have gone. */
export function endOf({ end, party }: TraceSpan, length: number): number {
  return end ?? party.to ?? length;
}

/** Some things of one kind, side by side and too small to be told apart. */
export interface Fold<T> {
  items: T[];
  from: number;
  to: number;
}

/**
 * Folds runs of things that are each shorter than `least`, and no further apart; longer ones stay
 * alone. They come in the order of their beginnings.
 */
export function fold<T>(
  items: Iterable<T>,
  range: (item: T) => [from: number, to: number],
  least: number,
  isAlike: (a: T, b: T) => boolean = () => true,
): Fold<T>[] {
  const folds: Fold<T>[] = [];
  for (const item of items) {
    const [from, to] = range(item);
    const last = folds.at(-1);
    const isShort = to - from < least;
    const wasShort = last !== undefined && (last.items.length > 1 || last.to - last.from < least);
    if (wasShort && isShort && from - last.to < least && isAlike(last.items[0]!, item)) {
      last.items.push(item);
      last.to = Math.max(last.to, to);
    } else folds.push({ items: [item], from, to });
  }
  return folds;
}

/** Gives each range the first lane in which it overlaps nothing: their numbers, in order. */
export function lanesOf(ranges: Iterable<{ from: number; to: number }>): number[] {
  const ends: number[] = [];
  return Array.from(ranges, ({ from, to }) => {
    let lane = ends.findIndex((end) => end <= from);
    if (lane < 0) lane = ends.length;
    ends[lane] = to;
    return lane;
  });
}

/** A time on the axis. */
export interface Tick {
  at: number;
  text: string;
}

const UNITS: [size: number, name: string][] = [[60_000, "min"], [1000, "s"], [1, "ms"], [
  1e-3,
  "µs",
]];

/** The times to be written at an axis: round ones, and at most `most` after 0. */
export function ticksOf(length: number, most: number): Tick[] {
  const rough = Math.max(length, 1e-3) / Math.max(1, most);
  const [size, unit] = UNITS.find(([size]) => rough >= size) ??
    UNITS.at(-1)!;
  const step = niceStep(rough / size, unit === "min" || unit === "s") * size;
  const ticks: Tick[] = [];
  for (let k = 0; k * step <= length; k++) {
    const value = k * step / size;
    ticks.push({ at: k * step, text: `${Number(value.toFixed(6))} ${unit}` });
  }
  return ticks;
}

function niceStep(rough: number, ofSixty: boolean): number {
  const steps = ofSixty ? [1, 2, 5, 10, 15, 30, 60] : [];
  const found = steps.find((step) => step >= rough);
  if (found !== undefined) return found;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((step) => step * power >= rough)! * power;
}

/** A time for people, as in `12.5 ms`. */
export function duration(ms: number): string {
  const [size, unit] = UNITS.find(([size]) => ms >= size) ?? UNITS.at(-1)!;
  const value = ms / size;
  return `${Number(value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0))} ${unit}`;
}

/** Characters that are twice as wide as others: Chinese, Japanese and Korean ones, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Characters that take no place of their own. */
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** The number of columns that a character takes. */
function columnsOfOne(character: string): number {
  if (WIDE.test(character)) return 2;
  return NARROW.test(character) ? 0 : 1;
}

/** The number of a terminal's columns that a text takes. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfOne(character);
  return columns;
}

/** A text that takes at most so many columns; where something is cut off it ends in `…`. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += columnsOfOne(character);
    if (used > columns) break;
    kept += character;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** A name in which nothing moves the cursor or hides. */
export function plain(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return JSON.stringify(character).slice(1, -1).replace(
      /^[^\\]$/u,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  });
}

/** What stands in or beside a span. */
export function labelOf(event: TraceSpan): string {
  const name = plain(event.name);
  if (event.type === "wait") {
    if (name === "") return "waits";
    return event.by === undefined ? name : `${name}: ${plain(event.by)} has it`;
  }
  if (event.type === "hold" || event.error === undefined) return name;
  return `${name}: ${event.error === "ThreadTerminated" ? "stopped" : plain(event.error)}`;
}

/** What is said of an event to whoever points at it. */
export function tellOf(event: TraceEvent, length: number): string {
  const name = plain(event.name);
  const at = `at ${duration(event.at)}`;
  switch (event.type) {
    case "put":
      return `puts into ${name} ${at}`;
    case "get":
      return `gets from ${name} ${at}`;
    case "mark":
      return `${name} ${at}`;
    case "death":
      return `${name} ${at}`;
    default: {
      const words = { task: "runs", call: "runs", wait: "waits for", hold: "holds" };
      const verb = isSleep(event) ? "" : `${words[event.type]} `;
      const by = event.type === "wait" && event.by !== undefined
        ? `, which ${plain(event.by)} has`
        : "";
      const error = "error" in event && event.error !== undefined
        ? `, ended by ${event.error}`
        : "";
      const isOpen = event.end === undefined ? ", to its end" : "";
      const time = duration(endOf(event, length) - event.at);
      return `${verb}${name || "something"}${by}: ${time} from ${
        duration(event.at)
      }${error}${isOpen}`;
    }
  }
}

/** What is not in the picture, for whoever reads it. */
export function notesOf({ parties, refused }: Recording): string[] {
  const notes: string[] = [];
  const unknown = parties.filter(({ known }) => !known);
  if (unknown.length > 0) {
    const names = cut(unknown.map(({ name }) => plain(name)).join(", "), 60);
    notes.push(`Only its start and its end are known of: ${names}`);
  }
  const lost = parties.reduce((sum, party) => sum + party.lost, 0);
  if (lost > 0) {
    const count = parties.filter((party) => party.lost > 0).length;
    const whose = count === 1 ? "one row" : `${count} rows`;
    notes.push(
      `The oldest ${lost} events of ${whose} are not kept: start({ capacity }) keeps more`,
    );
  }
  if (refused > 0) notes.push(`There was no room for ${refused} more threads and processes`);
  return notes;
}

/** The line that says how much is shown. */
export function summaryOf({ parties, events, length }: Recording): string {
  const processes = parties.filter(({ kind }) => kind === "process").length;
  const threads = parties.length - processes;
  const parts = [
    [threads, "thread", "threads"],
    [processes, "process", "processes"],
    [events.length, "event", "events"],
  ] as const;
  const counted = parts.filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  return `${counted.join(", ") || "nothing"} in ${duration(length)}`;
}

/** The label of spans that are folded. */
export function manyOf(items: TraceSpan[]): string {
  const names = new Set(items.map(({ name }) => plain(name)));
  return `${items.length} × ${names.size === 1 ? [...names][0] : "…"}`;
}

/** Breaks a text into lines. */
export function wrapped(of: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of of.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(last) + 1 + columnsOf(word) <= columns) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(cut(word, columns));
  }
  return lines;
}
