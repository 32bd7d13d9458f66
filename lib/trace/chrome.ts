/**
 * A trace as JSON in the Trace Event Format, which Perfetto and chrome://tracing open.
 *
 * What overlaps there on one track is drawn wrongly. So a party has a track for what it runs, and
 * as many for its waits and holds as it takes.
 *
 * @module
 */
import type { Recording } from "./events.ts";
import { endOf, lanesOf, rowsOf, tellOf } from "./layout.ts";

/** The tracks that a party may have. */
const TRACKS = 64;

/** Writes the JSON. */
export function chromeTrace(recording: Recording): string {
  const { length } = recording;
  const traceEvents: unknown[] = [];
  const pids = new Set<number>();
  const micros = (ms: number) => Math.round(ms * 1e6) / 1e3;
  for (const [k, { party, runs, locks, points }] of rowsOf(recording).entries()) {
    const { pid } = party;
    const tid = (k + 1) * TRACKS;
    const meta = (name: string, args: unknown, on = tid) => {
      traceEvents.push({ ph: "M", name, pid, tid: on, args });
    };
    if (!pids.has(pid)) meta("process_name", { name: party.name });
    pids.add(pid);
    const track = (on: number, name: string) => {
      meta("thread_name", { name }, on);
      meta("thread_sort_index", { sort_index: on }, on);
    };
    track(tid, party.name);
    const spans = [...runs, ...locks];
    const lanes = lanesOf(locks.map((event) => ({ from: event.at, to: endOf(event, length) })));
    const most = Math.min(TRACKS - 1, Math.max(-1, ...lanes) + 1);
    for (let lane = 1; lane <= most; lane++) track(tid + lane, `${party.name}: waits and locks`);
    for (const [k, event] of spans.entries()) {
      const lane = k < runs.length ? 0 : Math.min(lanes[k - runs.length]! + 1, TRACKS - 1);
      const ts = micros(event.at);
      const dur = micros(endOf(event, length) - event.at);
      const name = event.type === "wait" ? `waits for ${event.name}` : event.name;
      const args = { what: tellOf(event, length) };
      traceEvents.push({ ph: "X", name, cat: event.type, pid, tid: tid + lane, ts, dur, args });
    }
    for (const { type, name, at } of points) {
      const text = type === "put" || type === "get" ? `${type} ${name}` : name;
      traceEvents.push({ ph: "i", s: "t", name: text, cat: type, pid, tid, ts: micros(at) });
    }
  }
  return JSON.stringify({ traceEvents, displayTimeUnit: "ms" });
}
