/**
 * The faces that a pipe in memory and its successor show each other: a pipe goes over to a socket
 * when an end of it is sent to a process that may not use memory between processes (`pipe.ts`).
 *
 * @module
 */
import type { Shareable } from "../../transfer/shareable.ts";
import type { Connection } from "../connection.ts";
import type { READY } from "../connection_wait.ts";

/** The connection that an end becomes when its pipe goes over to a socket. */
export interface Successor<T = unknown> extends Connection<T>, Shareable {
  /** @ignore */
  [READY](signal: AbortSignal): Promise<unknown>;
  /** Sends a message that was sent in memory; it does not wait for room. */
  forward(message: Uint8Array): void;
}

/** The way in which a pipe goes over to a socket (`pipe.ts`). */
export interface Crossing {
  /**
   * Gives what an end becomes, for a process that may not use memory between processes.
   *
   * @throws {ShareError} It is too late.
   */
  begin(end: 0 | 1, place: () => string): Successor;
  /** Goes over; a second call does nothing. */
  end(): void;
}
