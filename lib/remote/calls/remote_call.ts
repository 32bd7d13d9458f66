/**
 * A call on its way over a broker, on the side of its caller.
 *
 * ```text
 *   NEW -> SENT -> QUEUED -> BEGUN -> ended       SENT: the broker has not confirmed it yet
 *      \_______\________\______\____-> ended      cancelled, out of time, refused, lost
 *   BEGUN -> QUEUED                               its worker says nothing any more
 * ```
 *
 * Whatever comes for a call that has ended is dropped; a worker that begins one is told to stop.
 *
 * @module
 */
import { Call, type CallOptions } from "../../pool/call.ts";
import { Span } from "../../pool/payload.ts";
import type { CallKind } from "../../pool/transport/frames.ts";
import type { Reference } from "../../transfer/task.ts";
import type { BrokerMessage } from "../broker.ts";
import type { Level } from "./names.ts";

export const NEW = 0;
export const SENT = 1;
export const AT_BROKER = 2;
export const BEGUN = 3;

/** The options of a call to another machine. */
export interface RemoteCallOptions extends CallOptions {
  delay?: number | undefined;
  expires?: number | undefined;
  key?: string | undefined;
  orphan?: "drop" | "keep" | undefined;
}

/** A call, as its caller keeps it. */
export class RemoteCall extends Call {
  phase: typeof NEW | typeof SENT | typeof AT_BROKER | typeof BEGUN = NEW;
  /** Which call it is, for others. */
  readonly name: string;
  readonly level: Level;
  readonly message: BrokerMessage;
  readonly delay: number;
  readonly since: number = performance.now();
  /** Which try was begun last. */
  attempt = 0;
  /** The inbox of the worker that runs it. */
  inbox = "";
  /** When it was begun, and when its worker last said that it runs. */
  begunAt = 0;
  aliveAt = 0;
  /** True if it was sent again, as its queue had been removed. */
  isSentAgain = false;
  /** Calls off the end of its time. */
  stopTimer: (() => void) | undefined;

  constructor(
    of: { id: number; kind: CallKind; target: Reference; submitted: number; size: number },
    options: RemoteCallOptions,
    way: { name: string; level: Level; message: BrokerMessage },
  ) {
    const { body } = way.message;
    const payload = new Span(body, 0, body.length);
    super(of.id, of.kind, of.target, payload, of.submitted, options, of.size);
    this.name = way.name;
    this.level = way.level;
    this.message = way.message;
    this.delay = options.delay ?? 0;
  }
}
