/**
 * The pictures of a trace, from a recording made by hand.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { mark, start, type TraceEvent } from "../../lib/trace.ts";
import { chromeTrace } from "../../lib/trace/chrome.ts";
import { columnsOf, cut, duration, fold, lanesOf, ticksOf } from "../../lib/trace/layout.ts";
import { Scale } from "../../lib/trace/scale.ts";
import { svgOf } from "../../lib/trace/svg.ts";
import { textOf } from "../../lib/trace/text.ts";
import { HAND_MADE } from "./_hand_made.ts";

/** The texts between the tags of a document; throws if it is not well-formed XML. */
function readXML(source: string): string[] {
  const open: string[] = [];
  const texts: string[] = [];
  const TAG = /<(\/?)([a-zA-Z]+)((?: [\w:-]+="[^"<]*")*) ?(\/?)>/y;
  for (let at = 0; at < source.length;) {
    TAG.lastIndex = at;
    const tag = TAG.exec(source);
    if (tag === null) {
      const end = source.indexOf("<", at);
      const text = source.slice(at, end < 0 ? undefined : end);
      assert(text.length > 0, `no tag: ${source.slice(at, at + 60)}`);
      assert(!/&(?!#\d+;)/.test(text), text);
      // deno-lint-ignore no-control-regex -- what XML 1.0 forbids
      assert(!/[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(text), JSON.stringify(text));
      if (text.trim() !== "") texts.push(text);
      at += text.length;
      continue;
    }
    at += tag[0].length;
    const [, closes, name, , isEmpty] = tag;
    if (closes !== "") assertEquals(open.pop(), name);
    else if (isEmpty === "") open.push(name!);
  }
  assertEquals(open, []);
  return texts;
}

Deno.test("Trace.toText() is a row for each party, in columns", () => {
  assertEquals(textOf(HAND_MADE, 60, false).split("\n"), [
    "3 threads, 1 process, 49 events in 100 ms",
    "",
    "          |0 ms                    |50 ms                  |",
    "main      ──────────────────────────────────────────────────",
    "               ░the end of Ann░░░░░░░░░░░░░░░░░░░░░░░░░",
    "Ann & <b>   ---─█sell█████████████████████████████████┤",
    "                 [till=========]        |40 × log",
    '                         ▲         ◆half "done"\\u001b[31m',
    "售票员乙      ------─█sell███████████████████",
    "                                [till=======]",
    "                      ░till░░░░░",
    "                                             ✗stopped",
    "far                           ?????????┤",
    "",
    "-- starts   ── is there   ██ runs   ░░ waits",
    "[=] holds a lock   ·· sleeps   ▲ puts in   ▽ takes out",
    "◆ mark   ✗ stopped, killed or failed",
    "Only its start and its end are known of: far",
    "The oldest 3 events of one row are not kept: start({",
    "capacity }) keeps more",
    "There was no room for 2 more threads and processes",
    "",
  ]);
});

Deno.test("Trace.toText() is as wide as it may be, with colours and without", () => {
  for (const width of [40, 61, 80, 200]) {
    const lines = textOf(HAND_MADE, width, false).split("\n");
    for (const line of lines) assert(columnsOf(line) <= width, `${width}: ${line}`);
    const colored = textOf(HAND_MADE, width, true);
    assertStringIncludes(colored, "\x1b[31m✗");
    // deno-lint-ignore no-control-regex -- the colours
    assertEquals(colored.replaceAll(/\x1b\[\d+m/g, "").split("\n"), lines);
  }
});

Deno.test("Trace.toSVG() is well-formed, and shows names as they are", () => {
  for (const width of [320, 700, 1000, 3000]) {
    const svg = svgOf(HAND_MADE, "Tom & <Jerry>\x00", width);
    const texts = readXML(svg);
    assertStringIncludes(svg, `width="${width}"`);
    assertStringIncludes(svg, "prefers-color-scheme:dark");
    for (const text of ["Tom &#38; &#60;Jerry&#62;\\u0000", "Ann &#38; &#60;b&#62;", "售票员乙"]) {
      assert(texts.includes(text), text);
    }
    assertEquals(/\b(?:href|src|url\((?!#))/.test(svg), false, "it needs nothing besides");
  }
});

Deno.test("Trace.toSVG() draws what happened many times in a moment as one", () => {
  const svg = svgOf(HAND_MADE, "", 700);
  assertStringIncludes(svg, ">40 × log<");
  assertStringIncludes(svg, "40 times, as in: holds log");
});

Deno.test("Trace.toSVG() draws no label upon another", () => {
  for (const width of [320, 500, 1000]) {
    const svg = svgOf(HAND_MADE, "By hand", width);
    const boxes = Array.from(
      svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"([^>]*)>([^<]*)</g),
      ([, x, y, more, text]) => {
        const size = columnsOf(text!.replaceAll(/&#\d+;/g, "&")) * 5.5;
        const back = more!.includes('"end"') ? size : more!.includes('"middle"') ? size / 2 : 0;
        return { from: Number(x) - back, to: Number(x) - back + size, y: Number(y), text };
      },
    );
    for (const [k, a] of boxes.entries()) {
      for (const b of boxes.slice(k + 1)) {
        const isClear = Math.abs(a.y - b.y) >= 10 || a.to <= b.from || b.to <= a.from;
        assert(isClear, `${width}: ${a.text} upon ${b.text}`);
      }
      assert(a.to <= width + 1, `${width}: ${a.text} ends at ${a.to}`);
    }
  }
});

Deno.test("a trace of many threads shows the first of them, and says so", () => {
  const [main] = HAND_MADE.parties;
  const parties = Array.from({ length: 100 }, (_, k) => ({ ...main!, name: `t${k}` }));
  const many = { parties, events: [], length: 10, refused: 0 };
  assertStringIncludes(svgOf(many, "", 1000), "36 more threads and processes are not shown");
  assertStringIncludes(textOf(many, 80, false), "36 more threads and processes are not shown");
});

Deno.test("a trace in which nothing happened can be drawn", () => {
  const empty = { parties: [], events: [], length: 0, refused: 0 };
  readXML(svgOf(empty, "", 320));
  assertStringIncludes(textOf(empty, 40, false), "nothing in 0 µs");
  assertEquals(JSON.parse(chromeTrace(empty)).traceEvents, []);
});

Deno.test("Trace.toChromeTrace() has each event, and nothing overlaps on a track", () => {
  const { traceEvents } = JSON.parse(chromeTrace(HAND_MADE)) as {
    traceEvents: { ph: string; name: string; tid: number; pid: number; ts: number; dur: number }[];
  };
  const spans = traceEvents.filter(({ ph }) => ph === "X");
  const points = traceEvents.filter(({ ph }) => ph === "i");
  assertEquals(spans.length + points.length, HAND_MADE.events.length);
  assertEquals(spans.find(({ name }) => name === "waits for till")?.ts, 24_000);
  for (const events of Map.groupBy(spans, ({ tid }) => tid).values()) {
    const sorted = events.toSorted((a, b) => a.ts - b.ts);
    for (const [k, { ts }] of sorted.slice(1).entries()) {
      assert(sorted[k]!.ts + sorted[k]!.dur <= ts + 0.001);
    }
  }
  const names = traceEvents.filter(({ ph, name }) => ph === "M" && name === "thread_name");
  assert(names.length >= HAND_MADE.parties.length);
});

Deno.test("lanesOf() and fold() keep things apart, and small ones together", () => {
  const ranges = [[0, 4], [1, 2], [2, 3], [4, 5]].map(([from, to]) => ({ from: from!, to: to! }));
  assertEquals(lanesOf(ranges), [0, 1, 1, 0]);
  const items: [number, number][] = [[0, 1], [1, 2], [3, 9], [9, 10], [30, 31]];
  const folds = fold(items, (item) => item, 3);
  assertEquals(folds.map(({ items }) => items.length), [2, 1, 1, 1]);
});

Deno.test("long stretches in which nobody runs are folded, and no others", () => {
  const [main, ann] = HAND_MADE.parties;
  const late: TraceEvent[] = [
    { type: "wait", party: main!, at: 10, end: 950, name: "the end of Ann", by: undefined },
    { type: "task", party: ann!, at: 900, end: 1000, name: "sell", error: undefined },
  ];
  const scale = new Scale({ ...HAND_MADE, events: late, length: 1000 });
  assertEquals(scale.breaks.map(({ text }) => text), ["870 ms"]);
  assertEquals([scale.at(0), Math.round(scale.at(1000) * 1e6)], [0, 1e6]);
  assert(scale.at(900) - scale.at(10) < 0.2);
  assert(scale.at(10) > 0 && scale.at(950) > scale.at(900));
  assertEquals(scale.ticks(4).map(({ at }) => at), [0, 900, 950, 1000]);
  const svg = svgOf({ ...HAND_MADE, events: late, length: 1000 }, "", 700);
  readXML(svg);
  assertStringIncludes(svg, "870 ms folded");
  assertStringIncludes(textOf({ ...HAND_MADE, events: late, length: 1000 }, 80, false), "≈ 870 ms");
  assertEquals(new Scale(HAND_MADE).breaks, []);
});

Deno.test("times are round on the axis, and short for people", () => {
  const texts = (length: number) => ticksOf(length, 5).map(({ text }) => text).join(" ");
  assertEquals(texts(100), "0 ms 20 ms 40 ms 60 ms 80 ms 100 ms");
  assertEquals(texts(0.9), "0 µs 200 µs 400 µs 600 µs 800 µs");
  assertEquals(texts(4200), "0 ms 1000 ms 2000 ms 3000 ms 4000 ms");
  assertEquals(texts(9000), "0 s 2 s 4 s 6 s 8 s");
  assertEquals(texts(600_000), "0 min 2 min 4 min 6 min 8 min 10 min");
  assertEquals([0.0123, 1.5, 12.34, 123.4, 12_340, 90_000].map(duration), [
    "12.3 µs",
    "1.5 ms",
    "12.3 ms",
    "123 ms",
    "12.3 s",
    "1.5 min",
  ]);
  assertEquals([cut("售票员乙", 5), cut("abc", 3), cut("abcd", 3)], ["售票…", "abc", "ab…"]);
});

Deno.test("the pictures check what they are given", () => {
  const trace = start();
  mark("so far");
  // One that is on shows what there is so far.
  assertStringIncludes(trace.toText({ color: false }), "◆so far");
  trace.stop();
  assertThrows(() => trace.toSVG({ width: 100 }), RangeError, "width must be an integer >= 320");
  assertThrows(() => trace.toSVG({ title: 3 as never }), TypeError, "title must be a string");
  assertThrows(() => trace.toText({ width: 20_000 }), RangeError, "width must be <= 10000");
  assertThrows(() => trace.toText({ color: 1 as never }), TypeError, "color must be a boolean");
  readXML(trace.toSVG());
});
