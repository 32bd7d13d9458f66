/**
 * The interface that all connections share, whatever carries their values.
 *
 * @module
 */
import { checkInteger, show } from "../core/checks.ts";
import type { WaitOptions, WaitSyncOptions } from "../sync/options.ts";
import type { READY } from "./connection_wait.ts";

/** Options of `pipe()`. */
export interface PipeOptions {
  /**
   * True if both ends send and receive. false: the first receives, the second sends. Default: true.
   */
  duplex?: boolean;
}

/** Options of `send()`. */
export interface SendOptions extends WaitOptions {
  /** Objects in the value that are moved instead of copied (between threads only). */
  transfer?: Transferable[];
}

/** Options of `sendSync()`. */
export interface SendSyncOptions extends WaitSyncOptions {
  /** Objects in the value that are moved instead of copied (between threads only). */
  transfer?: Transferable[];
}

/** One end of a pipe. */
export interface Connection<T = unknown> extends AsyncIterable<T>, Disposable, AsyncDisposable {
  /**
   * Sends a value.
   *
   * @throws {EOFError} The other end is closed.
   * @throws {ShareError} The value cannot cross; nothing was sent.
   * @throws {TimeoutError} There was no room in time.
   */
  send(value: T, options?: SendOptions): Promise<void>;
  /** As {@linkcode send}, but blocks the thread. */
  sendSync(value: T, options?: SendSyncOptions): void;
  /**
   * Receives the next value.
   *
   * @throws {EOFError} The other end is closed, and all that it sent has been received.
   * @throws {TimeoutError} None came in time.
   */
  recv(options?: WaitOptions): Promise<T>;
  /** As {@linkcode recv}, but blocks the thread. */
  recvSync(options?: WaitSyncOptions): T;
  /** True if a value, or the end, can be received within `timeout` ms. Default: now. */
  poll(timeout?: number): Promise<boolean>;
  /** As {@linkcode poll}, but blocks the thread. */
  pollSync(timeout?: number): boolean;
  /** Sends bytes. */
  sendBytes(bytes: Uint8Array, options?: WaitOptions): Promise<void>;
  /**
   * Receives bytes.
   *
   * @throws {TypeError} The next value is none of bytes; it stays.
   */
  recvBytes(options?: WaitOptions): Promise<Uint8Array>;
  /**
   * Receives bytes into a buffer, from byte `offset` on, so that none need be made for them.
   *
   * @returns The number of bytes that have come.
   * @throws {TypeError} The next value is none of bytes; it stays.
   * @throws {RangeError} More bytes have come than there is room for; they stay.
   */
  recvBytesInto(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitOptions,
  ): Promise<number>;
  /** Closes this end. */
  close(): void;
  /** True if this end is closed. */
  readonly closed: boolean;
}

/** A connection whose other forms block: the one in memory. */
export interface BlockingConnection extends Connection<Uint8Array> {
  sendBytesSync(bytes: Uint8Array): void;
  recvBytesSync(options?: { timeout?: number }): Uint8Array;
  recvBytesIntoSync(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: { timeout?: number },
  ): number;
  [READY](signal: AbortSignal): Promise<unknown>;
}

/**
 * Checks what is sent as bytes.
 *
 * @throws {TypeError} It is none.
 */
export function checkBytes(bytes: unknown): void {
  if (bytes instanceof Uint8Array) return;
  throw new TypeError(`Cannot send: bytes must be a Uint8Array, received ${show(bytes)}`);
}

/**
 * The part of a buffer that bytes are received into.
 *
 * @throws {TypeError | RangeError} It is no buffer, or `offset` is no place in it.
 */
export function roomIn(buffer: ArrayBufferView | ArrayBufferLike, offset = 0): Uint8Array {
  const action = "receive";
  checkInteger(offset, 0, "offset", action);
  let bytes: Uint8Array;
  if (ArrayBuffer.isView(buffer)) {
    bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } else if (buffer instanceof ArrayBuffer || buffer instanceof SharedArrayBuffer) {
    bytes = new Uint8Array(buffer);
  } else {
    throw new TypeError(
      `Cannot ${action}: buffer must be a buffer or a view of one, received ${show(buffer)}`,
    );
  }
  if (offset <= bytes.length) return bytes.subarray(offset);
  throw new RangeError(
    `Cannot ${action}: offset must be <= ${bytes.length}, the buffer's length, received ${offset}`,
  );
}

/** The error of bytes for which a buffer has no room. */
export function tooLong(length: number, room: number): RangeError {
  return new RangeError(
    `Cannot receive: ${length} bytes have come, and the buffer has room for ${room}; they can ` +
      "still be received",
  );
}

/**
 * Checks what a connection between processes is to move.
 *
 * @throws {TypeError} There is something.
 */
export function checkNoTransfer(transfer: Transferable[] | undefined, action: string): void {
  if (transfer === undefined || transfer.length === 0) return;
  throw new TypeError(
    `Cannot ${action}: transfer must be empty, as nothing can be moved to another process, ` +
      `received ${show(transfer)}`,
  );
}
