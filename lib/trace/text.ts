/**
 * A trace as text, for a terminal: the rows of the picture in columns of characters.
 *
 * What is what is told by the characters, and by colour only besides. A label stands in its span or
 * behind it where there is room.
 *
 * @module
 */
import type { Recording } from "./events.ts";
import {
  columnsOf,
  cut,
  endOf,
  fold,
  isSleep,
  labelOf,
  lanesOf,
  manyOf,
  notesOf,
  type PictureRow,
  plain,
  rowsOf,
  summaryOf,
  type TraceSpan,
  wrapped,
} from "./layout.ts";
import { Scale } from "./scale.ts";

/** Options of `toText()`. */
export interface TextOptions {
  /** Its width in columns, from 40 to 10,000. Default: 80. */
  width?: number;
  /**
   * True if it is coloured for a terminal. Default: if stdout is one and NO_COLOR is not set.
   */
  color?: boolean;
}

const COLORS = { run: 34, wait: 33, hold: 32, mark: 35, death: 31, name: 1, soft: 2 };
type Style = keyof typeof COLORS;

/** What fills a span, from its first character to its last. */
const FILLS = {
  run: ["█", "█", "█"],
  wait: ["░", "░", "░"],
  hold: ["[", "=", "]"],
  sleep: ["·", "·", "·"],
} as const;
const POINTS = { put: "▲", get: "▽", mark: "◆", death: "✗" } as const;
const START = "-";
const LIFE = "─";
const LEGEND = [
  "-- starts",
  "── is there",
  "██ runs",
  "░░ waits",
  "[=] holds a lock",
  "·· sleeps",
  "▲ puts in",
  "▽ takes out",
  "◆ mark",
  "✗ stopped, killed or failed",
];
const MOST_ROWS = 64;
const MOST_LANES = 4;

/** A line of characters, each with its style. */
class Line {
  readonly #cells: { character: string; style: Style | undefined }[];

  constructor(width: number) {
    this.#cells = Array.from({ length: width }, () => ({ character: " ", style: undefined }));
  }

  /** Writes a text from a column on; what does not fit is not written. */
  write(column: number, text: string, style?: Style): void {
    for (const character of text) {
      const columns = columnsOf(character);
      if (column + columns > this.#cells.length) return;
      if (columns === 0) continue;
      this.#cells[column] = { character, style };
      // A wide character takes the place of the next one too.
      for (let k = 1; k < columns; k++) this.#cells[column + k] = { character: "", style };
      column += columns;
    }
  }

  show(color: boolean): string {
    const last = this.#cells.findLastIndex(({ character }) => character !== " ");
    let text = "";
    let style: Style | undefined;
    for (const cell of this.#cells.slice(0, last + 1)) {
      if (color && cell.style !== style) {
        text += style === undefined ? "" : "\x1b[0m";
        text += cell.style === undefined ? "" : `\x1b[${COLORS[cell.style]}m`;
        style = cell.style;
      }
      text += cell.character;
    }
    return style === undefined ? text : `${text}\x1b[0m`;
  }
}

/** Where the rows are drawn. */
interface Chart {
  length: number;
  left: number;
  width: number;
  column: (ms: number) => number;
}

function fillOf(event: TraceSpan): keyof typeof FILLS {
  if (event.type === "task" || event.type === "call") return "run";
  return isSleep(event) ? "sleep" : event.type;
}

/** Draws spans on lines, which it makes as it needs them. */
function drawSpans(chart: Chart, spans: TraceSpan[], lines: Line[]): void {
  const range = (event: TraceSpan): [number, number] => [
    chart.column(event.at),
    chart.column(endOf(event, chart.length)),
  ];
  const folds = fold(spans, range, 1.5).map((one) => {
    const from = Math.floor(one.from);
    return { ...one, from, to: Math.max(from + 1, Math.floor(one.to)) };
  });
  const lanes = lanesOf(folds);
  for (const [k, { items, from, to }] of folds.entries()) {
    const lane = lanes[k]!;
    if (lane >= MOST_LANES) continue;
    while (lines.length <= lane) lines.push(new Line(chart.width));
    // Among waits a sleep is the less important.
    const first = items.find((event) => !isSleep(event)) ?? items[0];
    const fill = fillOf(first!);
    const style = fill === "sleep" ? "soft" : fill;
    const [start, middle, end] = FILLS[fill];
    const size = to - from;
    const filled = size === 1 ? middle : start + middle.repeat(size - 2) + end;
    lines[lane]!.write(from, size === 1 && fill === "hold" ? "|" : filled, style);
    if (fill === "sleep") continue;
    const next = folds.find((_, other) => other > k && lanes[other] === lane);
    const free = (next?.from ?? chart.width) - to - 1;
    const labels = items.length > 1 ? [manyOf(items)] : [labelOf(first!), plain(first!.name)];
    const inside = labels.find((label) => label !== "" && columnsOf(label) <= size - 2);
    const behind = labels.find((label) => columnsOf(label) < free);
    if (inside !== undefined) lines[lane]!.write(from + 1, inside, style);
    else if (behind !== undefined) lines[lane]!.write(to, behind, style);
  }
}

function drawPoints(chart: Chart, points: PictureRow["points"], line: Line): void {
  const column = ({ at }: { at: number }) =>
    Math.min(chart.width - 1, Math.floor(chart.column(at)));
  // What is told by its name is drawn last: it matters more than what else is at the same place.
  const told = points.filter(({ type }) => type === "mark" || type === "death");
  for (const point of points) {
    if (!told.includes(point)) line.write(column(point), POINTS[point.type]);
  }
  const taken = points.map(column).sort((a, b) => a - b);
  for (const point of told) {
    const style = point.type === "death" ? "death" : "mark";
    const at = column(point);
    line.write(at, POINTS[point.type], style);
    const label = cut(plain(point.name), 32);
    const next = taken.find((other) => other > at) ?? chart.width;
    const before = taken.findLast((other) => other < at) ?? chart.left - 1;
    if (at + 1 + columnsOf(label) <= next) line.write(at + 1, label, style);
    else if (next === chart.width && at - columnsOf(label) > before) {
      line.write(at - columnsOf(label), label, style);
    }
  }
}

function drawRow(chart: Chart, { party, runs, locks, points }: PictureRow): Line[] {
  const first = new Line(chart.width);
  const from = Math.floor(chart.column(party.from));
  const to = Math.max(from + 1, Math.ceil(chart.column(party.to ?? chart.length)));
  first.write(0, cut(plain(party.name), chart.left - 1), "name");
  const there = Math.floor(chart.column(party.ready ?? party.from));
  first.write(from, START.repeat(there - from), "soft");
  first.write(there, (party.known ? LIFE : "?").repeat(to - there), "soft");
  if (party.to !== undefined && !party.died) first.write(to - 1, "┤", "soft");
  const lines = [first];
  drawSpans(chart, runs, lines);
  const holds: Line[] = [];
  const waits: Line[] = [];
  drawSpans(chart, locks.filter(({ type }) => type === "hold"), holds);
  drawSpans(chart, locks.filter(({ type }) => type === "wait"), waits);
  const moves = points.map(() => new Line(chart.width)).slice(0, 1);
  for (const line of moves) drawPoints(chart, points, line);
  return [...lines, ...holds, ...waits, ...moves];
}

/** Writes a recording. */
export function textOf(recording: Recording, width: number, color: boolean): string {
  const { length } = recording;
  const rows = rowsOf(recording);
  const shown = rows.slice(0, MOST_ROWS);
  const names = shown.map(({ party }) => columnsOf(plain(party.name)));
  const left = Math.min(Math.max(4, ...names), Math.floor(width / 4)) + 1;
  const scale = new Scale(recording);
  const column = (ms: number) => left + scale.at(ms) * (width - left);
  const chart: Chart = { length, left, width, column };

  const axis = new Line(width);
  const cuts = new Line(width);
  let used = 0;
  for (const { at: ms, text } of scale.ticks(Math.max(2, Math.floor((width - left) / 12)))) {
    const at = Math.min(Math.floor(column(ms)), width - 1);
    if (at < used) continue;
    const words = at + 1 + text.length > width ? "|" : `|${text}`;
    axis.write(at, words, "soft");
    used = at + words.length + 1;
  }
  used = 0;
  for (const { from, to, text } of scale.breaks) {
    const words = `≈ ${text} folded`;
    const at = Math.floor((column(from) + column(to)) / 2);
    const start = Math.min(at, width - words.length);
    if (start < used) continue;
    cuts.write(start, words, "soft");
    used = start + words.length + 1;
  }
  const lines = [
    axis,
    ...scale.breaks.length > 0 ? [cuts] : [],
    ...shown.flatMap((row) => drawRow(chart, row)),
  ];
  const notes = notesOf(recording);
  if (rows.length > shown.length) {
    notes.push(`${rows.length - shown.length} more threads and processes are not shown`);
  }
  const words = LEGEND.map((text) => `${text.replaceAll(" ", "\xa0")}\xa0\xa0`);
  const legend = wrapped(words.join(" "), width);
  return [
    ...wrapped(summaryOf(recording), width),
    "",
    ...lines.map((line) => line.show(color)),
    "",
    ...legend.map((line) => line.replaceAll("\xa0", " ").trimEnd()),
    ...notes.flatMap((note) => wrapped(note, width)),
    "",
  ].join("\n");
}
