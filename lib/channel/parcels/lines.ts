/**
 * The ways of a thread to the main thread: its port there, and its line, a port for parcels.
 *
 * This module is all that the start of a thread loads of them. A thread makes its line when it
 * first has a parcel to leave or to fetch, and announces it over its port.
 *
 * @module
 */

import type { Packed } from "../../transfer/pack.ts";

/** A new line, as a thread announces it. */
export interface NewLine {
  /** The thread's ident. */
  ident: number;
  /** The first word of its slot in the roster. */
  slot: number;
  /** The main thread's end. */
  port: MessagePort;
}

/** The hooks by which the layers above and the two ends of lines know each other. */
export const lines: {
  /** In a thread: its port to the main thread. */
  home?: MessagePort;
  /** In a thread: announces its line. */
  announce?: (line: NewLine) => void;
  /** In the main thread: begins to serve a line. */
  accept?: (line: NewLine) => void;
  /** In the main thread: a thread has ended. */
  ended?: (ident: number) => void;
} = {};

/** The messages from a thread to the office. */
export type ToOffice =
  | { type: "leave"; id: string; queue: number; parcel: SentParcel }
  /** It is to be answered with the number `question`. */
  | { type: "fetch"; id: string; question: number }
  /** Nobody will fetch it any more. */
  | { type: "drop"; id: string }
  /** Nobody will fetch any of that queue. */
  | { type: "clear"; queue: number };

/** The answer to a question: a parcel, or none where it has gone. */
export interface FromOffice {
  question: number;
  parcel: SentParcel | undefined;
}

/** A parcel without its class. */
export interface SentParcel extends Packed {
  transfer: Transferable[];
}
