/**
 * A trace: who ran, waited, held a lock, and when; of all threads and processes of a program.
 *
 * @module
 */
export { mark, start, Trace } from "./trace/trace.ts";
export type { TraceOptions } from "./trace/trace.ts";
export type { SVGOptions } from "./trace/svg.ts";
export type { TextOptions } from "./trace/text.ts";
export type {
  DeathEvent,
  HoldEvent,
  LastingEvent,
  PointEvent,
  RunEvent,
  TimedEvent,
  TraceEvent,
  TraceParty,
  WaitEvent,
} from "./trace/events.ts";
