/**
 * The messages between a thread and the one that started it.
 *
 * @module
 */
import type { NewLine } from "../../channel/parcels/lines.ts";
import type { Listed } from "../../memory/roster.ts";
import type { Packed } from "../../transfer/pack.ts";
import type { Due } from "./delayed.ts";
import type { Job } from "../job.ts";

/** The boot of a new thread. */
export interface ThreadBoot extends Job<Packed> {
  /** The roster's memory. */
  roster: SharedArrayBuffer;
  /** Its entry in the roster. */
  me: Listed;
  /** Where it records, while a trace is on. */
  trace?: unknown;
  /** The objects to send along with the job's arguments. */
  transfer: Transferable[];
  /** When its task is to begin, if not at once, and when the thread was started. */
  due: Due | undefined;
  startedAt: number;
  /** True if it must not hold up the end of the program, and if it is a daemon. */
  killable: boolean;
  daemon: boolean;
}

/** The ports between a thread and the one that started it: one end of each. */
export interface ThreadPorts {
  /** For reports, and for word that the thread has ended. */
  port: MessagePort;
  /**
   * Takes its end. Nobody listens on it: an event loop that had taken the message could
   * not give it to a thread that blocks, so it is taken only when the roster says that it is there.
   */
  ends: MessagePort;
}

/** The first message to a thread's worker. A spare has ports already. */
export interface ThreadBegin {
  boot: ThreadBoot;
  ports?: ThreadPorts;
  home?: MessagePort;
}

/** The first message to a spare. */
export interface Standby {
  /** The modules that targets are likely to import. */
  faces: string[];
  /**
   * `ends` also brings the {@linkcode ThreadBegin} of its first life, and that of its own, if it
   * gets one.
   */
  ports: ThreadPorts;
  home: MessagePort;
  /** 0 until it is to wake up. */
  word: Int32Array<SharedArrayBuffer>;
}

/** The messages of a thread on its `port`. */
export type FromThread = { type: "report"; value: Packed } | { type: "ended"; dead: boolean };

/** The request of a starter to its thread: to stop. */
export type ToThread = { type: "stop" };

/**
 * The requests of any thread to the main thread, which starts and ends all threads, and keeps the
 * clock.
 */
export type ToHome =
  | { type: "start"; boot: ThreadBoot; ports: ThreadPorts }
  | { type: "ended"; slot: number; ident: number; dead: boolean }
  | { type: "cut"; ident: number }
  | { type: "line"; line: NewLine }
  | { type: "alarm" }
  /** For a module of the toolkit, which hears it there by `hearers`. */
  | { type: "tell"; module: string; message: unknown }
  | { type: "spares"; count: number; modules: string[]; port: MessagePort };
