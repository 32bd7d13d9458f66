/**
 * Starting and stopping a trace, and what one can do with it.
 *
 * A process has at most one trace at a time, and one pair of memories for all of them, one after
 * the other: the threads' in any case, the family's where FFI is allowed.
 *
 * @module
 */
import { checkBoolean, checkInteger, checkOptions, checkString } from "../core/checks.ts";
import { recorder, setRecorder } from "../core/hooks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { mayMap } from "../memory/platform/mod.ts";
import { self } from "../memory/this_thread.ts";
import type { Recording, TraceEvent, TraceParty } from "./events.ts";
import { chromeTrace } from "./chrome.ts";
import { createFamily, type Family } from "./mapped.ts";
import { MEMORY_BYTES, TraceMemory } from "./memory.ts";
import { now } from "./clock.ts";
import { RowRecorder } from "./recorder.ts";
import { readRecording } from "./reader.ts";
import { svgOf, type SVGOptions } from "./svg.ts";
import { textOf, type TextOptions } from "./text.ts";

/** Options of `start()`. */
export interface TraceOptions {
  /**
   * The number of events that are kept of each thread and process, from 16 to 100,000: of more, the
   * oldest go. An event takes up to 48 bytes, once it has happened. Default: 10,000.
   */
  capacity?: number;
}

const LEAST = 16;
const MOST = 100_000;
const USUAL = 10_000;

let heap: TraceMemory | undefined;
let family: Family | undefined;
let traces = 0;

/** A trace of the threads and processes of a program: see `start()`. */
export class Trace implements Disposable {
  readonly #memories: TraceMemory[];
  readonly #start: number;
  /** Once it has been stopped. */
  #recording: Recording | undefined;

  /** `start()` makes traces. */
  constructor(memories: TraceMemory[], start: number) {
    this.#memories = memories;
    this.#start = start;
  }

  /** Stops recording, in all threads and processes. A second call does nothing. */
  stop(): void {
    if (this.#recording !== undefined) return;
    for (const memory of this.#memories) memory.stop();
    setRecorder(undefined);
    this.#recording = this.#read();
  }

  /** As {@linkcode stop}. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /** True until it is stopped. */
  get isOn(): boolean {
    return this.#recording === undefined;
  }

  /** The threads and processes that it knows, those of one process side by side. */
  get parties(): TraceParty[] {
    return this.#read().parties;
  }

  /** How long it was on, or has been so far, in ms. */
  get length(): number {
    return this.#read().length;
  }

  /** The events, in the order of their beginnings; of one that is on, those so far. */
  events(): IteratorObject<TraceEvent, undefined> {
    return this.#read().events.values();
  }

  /**
   * A picture as a file of its own: one row for each thread or process. It follows the reader's
   * choice of light or dark, and needs nothing besides. Long stretches in which nobody runs are
   * folded, and so is what is too short to be seen; 64 rows are shown.
   *
   * @throws {TypeError | RangeError} Bad options.
   */
  toSVG(options?: SVGOptions): string;
  toSVG(options: SVGOptions = {}): string {
    const action = "draw the trace";
    checkOptions(options, action);
    const { title = "Timeline", width = 1000 } = options;
    checkString(title, "title", action);
    return svgOf(this.#read(), title, checkWidth(width, 320, action));
  }

  /**
   * The same with characters, for a terminal.
   *
   * @throws {TypeError | RangeError} Bad options.
   */
  toText(options?: TextOptions): string;
  toText(options: TextOptions = {}): string {
    const action = "draw the trace";
    checkOptions(options, action);
    const { width = 80, color = !Deno.noColor && Deno.stdout.isTerminal() } = options;
    checkBoolean(color, "color", action);
    return textOf(this.#read(), checkWidth(width, 40, action), color);
  }

  /** JSON that Perfetto (ui.perfetto.dev) and chrome://tracing open. */
  toChromeTrace(): string {
    return chromeTrace(this.#read());
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [
      this.isOn ? "on" : "stopped",
      `${this.#read().events.length} events`,
    ]);
  }

  #read(): Recording {
    return this.#recording ?? readRecording(this.#memories, this.#start, now());
  }
}

function checkWidth(width: unknown, least: number, action: string): number {
  checkInteger(width, least, "width", action);
  if (width <= 10_000) return width;
  throw new RangeError(`Cannot ${action}: width must be <= 10000, received ${width}`);
}

/**
 * Starts a trace: from now on this thread records what it does, and so does every thread and
 * process of its family that is started later, until the trace is stopped.
 *
 * @throws {TypeError | RangeError} `capacity` is no integer from 16 to 100,000.
 * @throws {Error} This is not a main thread, or it is being recorded already.
 *
 * @example See who waited for whom
 * ```ts
 * import { start } from "@switchyard/switchyard/trace";
 * import { Lock } from "@switchyard/switchyard/threading";
 *
 * const trace = start();
 * {
 *   using _guard = await new Lock({ name: "till" }).acquire();
 * }
 * trace.stop();
 * for (const { type, name } of trace.events()) console.log(type, name); // hold till
 * ```
 */
export function start(options?: TraceOptions): Trace;
export function start(options: TraceOptions = {}): Trace {
  const action = "start a trace";
  checkOptions(options, action);
  const { capacity = USUAL } = options;
  checkInteger(capacity, LEAST, "capacity", action);
  if (capacity > MOST) {
    throw new RangeError(`Cannot ${action}: capacity must be <= ${MOST}, received ${capacity}`);
  }
  const { isMain, roster, slot, ident } = self();
  if (!isMain) {
    const name = JSON.stringify(roster.name(slot));
    throw new Error(
      `Cannot ${action} in thread ${name}: start it in the main thread, which starts all others`,
    );
  }
  if (recorder instanceof RowRecorder && recorder.isOn) {
    throw new Error(`Cannot ${action}: one is on already; stop it first`);
  }
  heap ??= new TraceMemory(new SharedArrayBuffer(MEMORY_BYTES));
  if (mayMap()) family ??= createFamily();
  const memories = family === undefined ? [heap] : [heap, family.memory];
  const number = ++traces;
  for (const memory of memories) memory.begin(number, capacity);
  const name = roster.name(slot);
  const row = heap.claim({ name, ident, pid: Deno.pid, isProcess: true }, now());
  setRecorder(new RowRecorder(number, row, heap, family));
  return new Trace(memories, now());
}

/**
 * Marks this moment in the trace of this thread; while no trace is on it does nothing.
 *
 * @param name What it is called in pictures; up to 120 bytes of UTF-8 are kept.
 * @throws {TypeError} `name` is no string.
 *
 * @example Say what happens
 * ```ts
 * import { mark } from "@switchyard/switchyard/trace";
 *
 * mark("the bus leaves");
 * ```
 */
export function mark(name: string): void {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot mark a moment: name must be a string, received ${typeof name}`);
  }
  if (recorder instanceof RowRecorder) recorder.mark(name);
}
