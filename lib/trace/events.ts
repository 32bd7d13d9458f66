/**
 * What a trace has recorded, as one reads it. Times are milliseconds since the trace was started.
 *
 * @module
 */

/** One thread or process in a trace: a row of its pictures. */
export interface TraceParty {
  /** Its name; a thread of a child process has that one's name before its own. */
  name: string;
  /** A thread, or a process: then its own events are those of its main thread. */
  kind: "thread" | "process";
  /** The process that it is, or belongs to; 0 if that never started. */
  pid: number;
  /** When it was started, but not before the trace was. */
  from: number;
  /** When it was ready to record, some time after its start; undefined if it never was. */
  ready: number | undefined;
  /** When it ended; undefined for one that was still there. */
  to: number | undefined;
  /** How it ended, for people: `"ended"`, `"killed by SIGKILL"` …; undefined likewise. */
  end: string | undefined;
  /** True if it was stopped or killed, or an error or an exit code other than 0 ended it. */
  died: boolean;
  /** Events of it that were overwritten, because there were more than `capacity`. */
  lost: number;
  /**
   * False if nothing is known of what it did, as it was not ready before the trace ended, or is a
   * process that may not use FFI. Its start and its end are those that its parent saw.
   */
  known: boolean;
}

/** What all events have. */
export interface TimedEvent {
  /** Whose it is. */
  party: TraceParty;
  /** When it happened, or began. */
  at: number;
}

/** What events have that take time. */
export interface LastingEvent extends TimedEvent {
  /** When it ended; undefined if it was going on when its party or the trace ended. */
  end: number | undefined;
}

/** The task of a thread or process, or a call of a pool or executor. */
export interface RunEvent extends LastingEvent {
  /** The task of a thread or process, or a call. */
  type: "task" | "call";
  /** The target. */
  name: string;
  /** The name of the error that it ended with, as in `"TypeError"`; undefined if it did not. */
  error: string | undefined;
}

/** A wait in a call of the toolkit, by a thread that blocks or an async function. */
export interface WaitEvent extends LastingEvent {
  /** A wait. */
  type: "wait";
  /** What it is for: the name of a lock, `"Event 3"`, `"the end of Thread-1"`, or `"sleep"`. */
  name: string;
  /** Who had it, when the wait began or first met somebody; undefined for nobody. */
  by: string | undefined;
}

/** The time for which a lock was held. */
export interface HoldEvent extends LastingEvent {
  /** A hold. */
  type: "hold";
  /** The name of the lock, or as in `"Lock 7"`. */
  name: string;
}

/** An item that went into a queue or pipe or came out of it, or a mark of one's own. */
export interface PointEvent extends TimedEvent {
  /** What was done. */
  type: "put" | "get" | "mark";
  /** The name of the queue, or the mark's. */
  name: string;
}

/** The end of a thread or process that was stopped or killed, or that an error ended. */
export interface DeathEvent extends TimedEvent {
  /** A death. */
  type: "death";
  /** How it ended, as in `"killed by SIGKILL"`. */
  name: string;
}

/** An event of a trace. */
export type TraceEvent = RunEvent | WaitEvent | HoldEvent | PointEvent | DeathEvent;

/** All that a trace has recorded. */
export interface Recording {
  parties: TraceParty[];
  /** In the order of their beginnings. */
  events: TraceEvent[];
  /** How long the trace was on. */
  length: number;
  /** Threads and processes for which there was no row. */
  refused: number;
}
