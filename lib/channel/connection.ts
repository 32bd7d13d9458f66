/**
 * The interface that all connections share, whatever carries their values.
 *
 * @module
 */
import { show } from "../core/checks.ts";
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
  /** Receives bytes. */
  recvBytes(options?: WaitOptions): Promise<Uint8Array>;
  /** Closes this end. */
  close(): void;
  /** True if this end is closed. */
  readonly closed: boolean;
}

/** A connection whose other forms block: the one in memory. */
export interface BlockingConnection extends Connection<Uint8Array> {
  sendBytesSync(bytes: Uint8Array): void;
  recvBytesSync(options?: { timeout?: number }): Uint8Array;
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
