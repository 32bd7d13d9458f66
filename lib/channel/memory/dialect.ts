/**
 * The way in which the values of a queue or pipe in shared memory become messages, and messages
 * values: its face gives it.
 *
 * @module
 */
import type { Found, Message } from "../message.ts";
import type { Read } from "./frames.ts";

/** How values are written and read, by a queue. */
export interface Dialect {
  /**
   * Writes a value. What it gives is overwritten by the next call.
   *
   * @throws {ShareError} The value cannot cross.
   */
  write(value: unknown, transfer: Transferable[] | undefined): Message;
  /** Tells what a message shares who can receive it, before it can. */
  board?(message: Message): void;
  /** Reads a message. */
  read: Read<Found>;
  /** As `read`, for a thread that blocks. */
  readNow: Read<Found>;
}

/** How those of a pipe are, which also carries bytes as such. */
export interface PipeDialect extends Dialect {
  /** Reads a message of bytes. */
  readBytes: Read<Found>;
  /** Gives what reads a message of bytes into `room`. */
  readerInto(room: Uint8Array): Read<Found>;
  /** Checks what is to be moved. */
  checkTransfer(transfer: Transferable[] | undefined, action: string): void;
}
