/**
 * The ways of a thread to home, the main thread: its port there, and its line, a port that all its
 * queues use.
 *
 * This module is all that the start of a thread loads of them. A thread makes its line when it
 * first uses a queue, and announces it over its port.
 *
 * @module
 */

/** A new line, as a thread announces it to home. */
export interface NewLine {
  /** The thread's ident. */
  ident: number;
  /** The first word of its slot in the roster. */
  slot: number;
  /** Home's end. */
  port: MessagePort;
}

/** The hooks by which the layers above and the two ends of lines know each other. */
export const lines: {
  /** In a thread: its port to home. */
  home?: MessagePort;
  /** In a thread: announces its line at home. */
  announce?: (line: NewLine) => void;
  /** In a thread that has a line: sends what was put and not yet sent. */
  flush?: () => void;
  /** At home: begins to serve a line. */
  accept?: (line: NewLine) => void;
  /** At home: the thread has ended; what it was given and did not take goes back. */
  ended?: (ident: number) => void;
} = {};
