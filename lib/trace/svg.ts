/**
 * A trace as a picture: one row for each thread or process, from left to right in time.
 *
 * What is what is told by shape, and by colour only besides: a tall box runs, a striped one with a
 * broken edge waits, a low bar between two posts holds a lock, a dotted line sleeps. A label stands
 * in its box or beside it where there is room, and else is left out: whoever points at the box
 * reads it.
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
  tellOf,
  type TraceSpan,
  wrapped,
} from "./layout.ts";
import { Scale } from "./scale.ts";

/** Options of `toSVG()`. */
export interface SVGOptions {
  /** What stands above the picture. Default: `"Timeline"`. */
  title?: string;
  /** Its width in pixels, from 320 to 10,000. Default: 1000. */
  width?: number;
}

const PAD = 16;
const RUN = 18;
const LOCK = 14;
const POINT = 16;
const GAP = 7;
/** Below this width names stand above their rows. */
const NARROW = 600;
/** What is narrower is folded with its neighbours. */
const LEAST = 3;
const MOST_ROWS = 64;
const MOST_LANES = 4;
/** Half the width of the mark of a folded stretch. */
const CUT = 9;
/** The width of a column of text, at the size of labels. */
const COLUMN = 6.4;

const STYLE = `
.sy-trace{--bg:#fff;--ink:#1b2330;--soft:#5a6675;--grid:#dde2e8;--band:#f5f7f9;--life:#e4e9ef;
--run:#0b68a8;--on-run:#fff;--wait:#9c5a00;--striped:#fff3dc;--hold:#00795a;--death:#c0361a;
--mark:#7a3d8f;background:var(--bg);font:11px system-ui,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif}
@media(prefers-color-scheme:dark){.sy-trace{--bg:#12161d;--ink:#e8ecf2;--soft:#9ba7b6;--grid:#2b333f;
--band:#181d26;--life:#262e3a;--run:#3f96d8;--on-run:#06121c;--wait:#f2b84b;--striped:#2e2615;
--hold:#34c495;--death:#ff8a66;--mark:#d6a3ea}}
.sy-trace text{fill:var(--ink)}.sy-trace .soft{fill:var(--soft)}.sy-trace .title{font-size:16px;font-weight:600}
.sy-trace .name{font-size:12px;font-weight:600}.sy-trace .bg{fill:var(--bg)}.sy-trace .band{fill:var(--band)}
.sy-trace .grid{stroke:var(--grid)}.sy-trace .cut{stroke:var(--bg);stroke-width:7;fill:none}.sy-trace .life{fill:var(--life)}.sy-trace .run{fill:var(--run)}
.sy-trace .on-run{fill:var(--on-run)}.sy-trace .wait{fill:url(#sy-stripes);stroke:var(--wait);stroke-dasharray:3 2}
.sy-trace .stripe{stroke:var(--wait);stroke-width:1.5}.sy-trace .striped{fill:var(--striped)}
.sy-trace .chip{fill:var(--striped)}.sy-trace .hold{fill:var(--hold)}.sy-trace .on-hold{fill:var(--hold);font-weight:600}
.sy-trace .sleep{stroke:var(--soft);stroke-width:2;stroke-dasharray:1 4;stroke-linecap:round}
.sy-trace .put{fill:var(--ink)}.sy-trace .get{fill:var(--bg);stroke:var(--ink)}.sy-trace .mark{fill:var(--mark)}
.sy-trace .pole{stroke:var(--mark);stroke-dasharray:2 2}
.sy-trace .on-death{stroke:var(--death);stroke-dasharray:none;stroke-width:2}.sy-trace .of-mark{fill:var(--mark)}
.sy-trace .death{stroke:var(--death);stroke-width:2.5;stroke-linecap:round;fill:none}.sy-trace .of-death{fill:var(--death);font-weight:600}
.sy-trace .end{stroke:var(--soft);stroke-width:2}.sy-trace .unknown{fill:none;stroke:var(--soft);stroke-dasharray:4 3}`;

/** Escapes a text for XML. */
function xml(text: string): string {
  return plain(text).toWellFormed().replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

function widthOf(text: string): number {
  return columnsOf(text) * COLUMN;
}

function text(x: number, y: number, of: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${xml(of)}</text>`;
}

function rect(x: number, y: number, w: number, h: number, attributes: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${
    round(h)
  }" ${attributes}/>`;
}

function path(kind: string, d: string): string {
  return `<path class="${kind}" d="${d}"/>`;
}

/** Something that is pointed at tells what it is. */
function group(tip: string, inside: string): string {
  return `<g><title>${xml(tip)}</title>${inside}</g>`;
}

/** How each is drawn, `w` wide if it takes time, at a place. */
const SHAPES: Record<Shape, (x: number, y: number, w: number) => string> = {
  run: (x, y, w) => rect(x, y, w, 14, 'class="run" rx="2"'),
  wait: (x, y, w) => rect(x, y + 1, w, 11, 'class="wait"'),
  hold: (x, y, w) =>
    rect(x, y + 4, w, 5, 'class="hold"') + rect(x, y, Math.min(2, w), 13, 'class="hold"') +
    rect(x + w - Math.min(2, w), y, Math.min(2, w), 13, 'class="hold"'),
  sleep: (x, y, w) =>
    path("sleep", `M${round(x + 1)} ${round(y + 6.5)}h${round(Math.max(0.1, w - 2))}`),
  put: (x, y) => path("put", `M${round(x)} ${round(y)}l4 8h-8z`),
  get: (x, y) => path("get", `M${round(x)} ${round(y + 8)}l4 -8h-8z`),
  mark: (x, y) => path("mark", `M${round(x)} ${round(y - 1)}l8 3.5l-7 3.5v5h-1z`),
  death: (x, y) => path("death", `M${round(x - 4)} ${round(y)}l8 8m0 -8l-8 8`),
  start: (x, y, w) => rect(x, y + 5, w, 4, 'class="life"'),
  life: (x, y, w) => rect(x, y, w, 14, 'class="life" rx="3"'),
};

type Shape =
  | "run"
  | "wait"
  | "hold"
  | "sleep"
  | "put"
  | "get"
  | "mark"
  | "death"
  | "start"
  | "life";

const LEGEND: [Shape, string][] = [
  ["start", "starts"],
  ["life", "is there"],
  ["run", "runs"],
  ["wait", "waits"],
  ["hold", "holds a lock"],
  ["sleep", "sleeps"],
  ["put", "puts in"],
  ["get", "takes out"],
  ["mark", "mark"],
  ["death", "stopped, killed or failed"],
];

/** Where the rows are drawn. */
interface Chart {
  length: number;
  left: number;
  right: number;
  at: (ms: number) => number;
  /** Where stretches are folded: no label lies there. */
  cuts: number[];
}

/** How far nothing is in the way of a label that begins at `x`. */
function clearFrom({ cuts, right }: Chart, x: number): number {
  return (cuts.find((cut) => cut + CUT > x) ?? right + PAD + CUT) - CUT;
}

/** A row as it is drawn. */
interface Drawn {
  height: number;
  body: string;
  /** Whether some of its waits and holds found no place. */
  isPartial: boolean;
}

function shapeOf(event: TraceSpan): "run" | "wait" | "hold" | "sleep" {
  if (event.type === "task" || event.type === "call") return "run";
  return isSleep(event) ? "sleep" : event.type;
}

function isAlike(a: TraceSpan, b: TraceSpan): boolean {
  return shapeOf(a) === shapeOf(b);
}

/** Draws spans from `top` on, in lanes of `height`, one below the other. */
function drawSpans(chart: Chart, spans: TraceSpan[], top: number, height: number) {
  const range = (event: TraceSpan): [number, number] => [
    chart.at(event.at),
    chart.at(endOf(event, chart.length)),
  ];
  const folds = fold(spans, range, LEAST, isAlike);
  // What overlaps by less than can be seen stays side by side.
  const lanes = lanesOf(folds.map(({ from, to }) => ({ from: from + 1.5, to })));
  const count = Math.min(MOST_LANES, Math.max(0, ...lanes.map((lane) => lane + 1)));
  let body = "";
  for (const [k, { items, from, to }] of folds.entries()) {
    const lane = lanes[k]!;
    if (lane >= count) continue;
    const [first] = items;
    const next = folds.find((_, other) => other > k && lanes[other] === lane);
    const box = {
      shape: shapeOf(first!),
      from,
      to: Math.max(to, from + 2),
      y: top + lane * height,
      room: Math.min(to, clearFrom(chart, from)),
      free: Math.min((next?.from ?? Infinity) - 4, clearFrom(chart, to)),
    };
    const tip = tellOf(first!, chart.length);
    const drawn = SHAPES[box.shape](from, box.y, box.to - from);
    body += items.length === 1
      ? group(tip, drawn + spanLabel(box, [labelOf(first!), plain(first!.name)]))
      : group(
        `${items.length} times, as in: ${tip}`,
        `<g opacity=".6">${drawn}</g>${spanLabel(box, [manyOf(items)])}`,
      );
  }
  return { body, height: count * height, isPartial: lanes.some((lane) => lane >= count) };
}

/** Where a span is drawn, and how far to the right nothing else is. */
interface Box {
  shape: Shape;
  from: number;
  to: number;
  y: number;
  /** How far a label inside may go, and one behind it. */
  room: number;
  free: number;
}

/** The first label of a span that has room inside it or behind it; nothing where none has. */
function spanLabel({ shape, from, to, y, room, free }: Box, labels: string[]): string {
  if (shape === "sleep") return "";
  const baseline = y + (shape === "run" ? 10.5 : 10);
  const isHold = shape === "hold";
  const kind = isHold ? 'class="on-hold"' : "";
  const short = labels.map((label) => cut(label, 36)).filter((label) => label !== "");
  const inside = room - from - (isHold ? 22 : 8);
  const within = short.find((label) => widthOf(label) <= inside);
  if (within !== undefined) {
    if (shape === "run") return text(from + 4, baseline, within, 'class="on-run"');
    // Upon stripes, or a thin bar, a text could not be read.
    const chip = `class="${isHold ? "life" : "chip"}"`;
    const x = isHold ? from + 10 : from + 4;
    return rect(x - 2, y + 1.5, widthOf(within) + 4, 10, chip) + text(x, baseline, within, kind);
  }
  const behind = short.find((label) => to + 4 + widthOf(label) <= free);
  return behind === undefined ? "" : text(to + 4, baseline, behind, kind);
}

/** Draws puts, gets, marks and deaths. */
function drawPoints(chart: Chart, points: PictureRow["points"], y: number, top: number): string {
  const x = ({ at }: { at: number }): [number, number] => [chart.at(at), chart.at(at)];
  const folds = fold(points, x, 7, (a, b) => a.type === b.type && !isTold(a));
  let body = "";
  let used = chart.left;
  for (const [k, { items, from }] of folds.entries()) {
    const [first] = items;
    const { type, name } = first!;
    const told = isTold(first!);
    const label = told ? cut(plain(name), 40) : items.length > 2 ? `×${items.length}` : "";
    const width = widthOf(label);
    const free = Math.min((folds[k + 1]?.from ?? Infinity) - 6, clearFrom(chart, from));
    const kind = told ? `class="of-${type}"` : 'class="soft"';
    let words = "";
    if (from + 10 + width <= free) words = text(from + 10, y + 9, label, kind);
    else if (told && from - 6 - width > used && clearFrom(chart, from - 6 - width) > from - 6) {
      words = text(from - 6, y + 9, label, `${kind} text-anchor="end"`);
    }
    used = from + 8 + (words === "" ? 0 : width);
    const pole = told ? path(`pole on-${type}`, `M${round(from)} ${round(top)}V${round(y)}`) : "";
    const tip = tellOf(first!, chart.length);
    body += group(
      items.length > 1 ? `${items.length} times, as in: ${tip}` : tip,
      pole + SHAPES[type](from, y, 0) + (label === "" ? "" : words),
    );
  }
  return body;
}

/** True for what is told by its name. */
function isTold({ type }: PictureRow["points"][number]): boolean {
  return type === "mark" || type === "death";
}

function drawRow(chart: Chart, { party, runs, locks, points }: PictureRow, top: number): Drawn {
  const from = chart.at(party.from);
  const to = chart.at(party.to ?? chart.length);
  let y = top + GAP;
  let spans = "";
  let isPartial = false;
  const holds = locks.filter(({ type }) => type === "hold");
  const waits = locks.filter(({ type }) => type === "wait");
  for (const [events, lane] of [[runs, RUN], [holds, LOCK], [waits, LOCK]] as const) {
    const drawn = drawSpans(chart, events, y, lane);
    spans += drawn.body;
    y += drawn.height;
    isPartial ||= drawn.isPartial;
  }
  if (points.length > 0) {
    spans += drawPoints(chart, points, y + 3, top + 3);
    y += POINT;
  }
  const height = Math.max(RUN, y - top - GAP) + 2 * GAP;
  const there = chart.at(party.ready ?? party.from);
  const life = (kind: string) =>
    rect(there, top + 3, Math.max(1, to - there), height - 6, `class="${kind}" rx="3"`);
  const body = party.known
    ? SHAPES.start(from, top + height / 2 - 7, there - from) + life("life")
    : group("Nothing is known of what it did: seen by its parent only", life("unknown"));
  const end = party.to === undefined || party.died ? "" : group(
    `${party.name}: ${party.end}`,
    path("end", `M${round(to)} ${round(top + 3)}v${round(height - 6)}`),
  );
  return { height, body: body + spans + end, isPartial };
}

/** The legend, broken into lines: its text, and where it ends. */
function drawLegend(width: number, top: number): { body: string; bottom: number } {
  let body = "";
  let x = PAD;
  let y = top;
  for (const [shape, word] of LEGEND) {
    const sample = shape === "put" || shape === "get" || shape === "mark" || shape === "death"
      ? 8
      : 26;
    const wide = sample + 6 + widthOf(word) + 14;
    if (x > PAD && x + wide > width - PAD + 14) {
      x = PAD;
      y += 18;
    }
    const at = sample === 8 && shape !== "mark" ? x + 4 : x;
    body += SHAPES[shape](at, y + (sample === 8 ? 2 : 0), sample) +
      text(x + sample + 6, y + 10, word, 'class="soft"');
    x += wide;
  }
  return { body, bottom: y + 18 };
}

/** Draws a recording. */
export function svgOf(recording: Recording, title: string, width: number): string {
  const { length } = recording;
  const rows = rowsOf(recording);
  const shown = rows.slice(0, MOST_ROWS);
  const isNarrow = width < NARROW;
  const longest = Math.max(0, ...shown.map(({ party }) => columnsOf(plain(party.name))));
  const gutter = isNarrow ? 0 : Math.min(200, longest * 7.4 + 14);
  const left = PAD + gutter;
  const right = width - PAD;
  const scale = new Scale(recording);
  const at = (ms: number) => left + scale.at(ms) * (right - left);
  const cutAt = scale.breaks.map(({ from, to }) => (at(from) + at(to)) / 2);
  const chart: Chart = { length, left, right, at, cuts: cutAt };
  const columns = Math.floor((width - 2 * PAD) / COLUMN);
  let y = 28;
  let head = text(PAD, y, cut(title, Math.floor(columns * 0.66)), 'class="title"');
  for (const line of wrapped(summaryOf(recording), columns)) {
    head += text(PAD, y += 18, line, 'class="soft"');
  }
  const legend = drawLegend(width, y + 14);
  head += legend.body;
  y = legend.bottom + 20;

  const axis = y;
  let body = "";
  let bands = "";
  let names = "";
  const notes = notesOf(recording);
  const partial: string[] = [];
  for (const [k, row] of shown.entries()) {
    const name = plain(row.party.name);
    const above = isNarrow ? 16 : 0;
    const { height, body: drawn, isPartial } = drawRow(chart, row, y + above);
    if (isPartial) partial.push(name);
    if (k % 2 === 0) {
      bands += rect(0, y, width, height + above, 'class="band"');
    }
    names += isNarrow
      ? text(PAD, y + 14, cut(name, Math.floor(columns * 0.85)), 'class="name"')
      : text(PAD, y + height / 2 + 4, cut(name, Math.floor((gutter - 8) / 7)), 'class="name"');
    body += `${drawn}\n`;
    y += height + above;
  }
  if (rows.length > shown.length) {
    notes.push(`${rows.length - shown.length} more threads and processes are not shown`);
  }
  if (partial.length > 0) {
    notes.push(`More happened at the same time than there is room for: ${partial.join(", ")}`);
  }

  let grid = "";
  let cuts = "";
  let used = 0;
  for (const [k, { text: words }] of scale.breaks.entries()) {
    const x = cutAt[k]!;
    const waves = `q4 4 0 8t0 8`.repeat(Math.ceil((y - axis) / 16));
    const tip = `${words} in which nobody runs are folded`;
    cuts += group(tip, path("cut", `M${round(x)} ${axis}${waves}`));
    const label = `${words} folded`;
    const half = widthOf(label) / 2;
    if (x - half < used) continue;
    used = x + half + 8;
    cuts += text(x, y + 12, label, 'class="soft" text-anchor="middle"');
  }
  used = 0;
  for (const { at, text: words } of scale.ticks(Math.max(2, Math.floor((right - left) / 80)))) {
    const x = chart.at(at);
    grid += path("grid", `M${round(x)} ${axis - 4}V${round(y)}`);
    const half = widthOf(words) / 2;
    const isLast = x + half > width - 4;
    const anchor = at === 0 ? "start" : isLast ? "end" : "middle";
    const begin = at === 0 ? x : isLast ? width - 4 - 2 * half : x - half;
    if (begin < used) continue;
    used = begin + 2 * half + 8;
    grid += text(isLast ? width - 4 : x, axis - 8, words, `class="soft" text-anchor="${anchor}"`);
  }
  if (cuts !== "") y += 14;
  let foot = "";
  for (const note of notes) {
    for (const line of wrapped(note, columns)) foot += text(PAD, y += 16, line, 'class="soft"');
  }
  const height = Math.ceil(y + PAD);
  return `<svg xmlns="http://www.w3.org/2000/svg" class="sy-trace" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${xml(title)}</title><style>${STYLE}</style>
<defs><pattern id="sy-stripes" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="striped" width="5" height="5"/><path class="stripe" d="M0 0V5"/></pattern></defs>
<rect class="bg" width="${width}" height="${height}"/>
${head}
${bands}${grid}
${body}${cuts}${names}${foot}
</svg>
`;
}
