/**
 * A worker in the hands of its pool.
 *
 * ```text
 *   STARTING -> READY -> RETIRING -> GONE      RETIRING: it ends when it has done what it was given
 *        \________\___________\_____-> GONE     it died, or was killed
 * ```
 *
 * @module
 */
import { WorkerLostError } from "../core/errors.ts";
import { type Call, GIVEN } from "./call.ts";
import { CANCEL, FrameWriter, RequestHead, STOP, TARGET } from "./transport/frames.ts";
import { describeLoss, type Loss, type Transport } from "./transport/transport.ts";
import type { EngineOptions } from "./options.ts";
import { Deferred, isForOnce, LARGEST, NO_VALUE, type Payload, writePayload } from "./payload.ts";
import { MOST_CLAIMS } from "./transport/claims.ts";
import { packFor } from "../transfer/flight.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import type { Reference } from "../transfer/task.ts";
import type { World } from "../transfer/shareable.ts";

export const STARTING = 0;
export const READY = 1;
export const RETIRING = 2;
export const GONE = 3;

/** The most calls with large arguments that a worker is given ahead. */
const FEW = 3;

/** A worker. */
export class Worker {
  state: typeof STARTING | typeof READY | typeof RETIRING | typeof GONE = STARTING;
  /**
   * The calls that it was given and that have not come back, in the order in which it runs them.
   */
  readonly calls: Map<number, Call> = new Map();
  /** The number of calls that it was given, in all. */
  given = 0;
  /** True if it has said that its initializer is done, or has failed. */
  hasStarted = false;
  /** True if it has ended a call. */
  hasServed = false;
  /** The fault that no worker may commit, in words. */
  fault: string | undefined;
  /** Since when it has nothing to do, in ms. */
  idleSince = 0;
  transport!: Transport;
  readonly #world: World;
  readonly #level: TrustLevel;
  readonly #mayMap: boolean;
  readonly #targets = new Map<Reference, number>();
  readonly #writer = new FrameWriter();
  readonly #request = new RequestHead();
  #asides: Payload[] = [];
  #claims = 0;

  constructor(
    readonly name: string,
    { world, level, mayMap }: Pick<EngineOptions, "world" | "level" | "mayMap">,
  ) {
    this.#world = world;
    this.#level = level;
    this.#mayMap = mayMap;
  }

  /** Its name in messages. */
  get title(): string {
    return this.transport.pid === null ? this.name : `${this.name} (pid ${this.transport.pid})`;
  }

  /**
   * The number of calls that it can still be given, of `depth`. One that could not be given to
   * another later goes to a worker that begins it at once.
   */
  room(depth: number, next?: Call): number {
    if (next !== undefined && isForOnce(next.payload)) return this.calls.size === 0 ? 1 : 0;
    if (next?.payload instanceof Deferred) return Math.min(depth, FEW) - this.calls.size;
    return Math.min(depth, this.transport.claims === undefined ? 1 : MOST_CLAIMS) - this.calls.size;
  }

  /**
   * Gives it a call; it goes with the next {@linkcode send}.
   *
   * @throws {ShareError |
   *   RangeError} Its arguments can be sent no more, or are too large for the way to it.
   */
  give(call: Call): void {
    const { payload: written } = call;
    const isKept = call.retries > 0;
    const payload = written instanceof Deferred ? written.ready(this.#world, isKept) : written;
    if ("length" in payload && payload.length > this.transport.largest) {
      throw tooLarge(call, payload);
    }
    // Tried again after it has begun, it gets what it got.
    if (isKept) call.payload = payload;
    call.state = GIVEN;
    call.worker = this.name;
    call.claim = this.#claims++;
    this.given++;
    this.calls.set(call.id, call);
    const { claims } = this.transport;
    claims?.give(call.claim);
    const target = this.#targetOf(call.target);
    const request = this.#request;
    request.kind = call.kind;
    request.id = call.id;
    request.target = target;
    request.claim = call.claim;
    this.#add(request, call.retries > 0 ? copyable(payload) : payload);
  }

  /** Sends what it was given. */
  send(): void {
    if (this.#writer.length === 0) return;
    this.transport.post(this.#writer.take(), this.#asides);
    if (this.#asides.length > 0) this.#asides = [];
  }

  /** True if it has begun a call that it was given. */
  hasBegun(call: Call): boolean {
    return this.transport.claims?.isTaken(call.claim) ?? true;
  }

  /** Takes the result of a call; gives the call, if it has it. */
  finish(id: number): Call | undefined {
    const call = this.calls.get(id);
    if (call === undefined) return undefined;
    this.calls.delete(id);
    // Who keeps the call keeps its result, and nothing else.
    call.payload = NO_VALUE;
    return call;
  }

  /** Takes a call back that it has not begun; false if it has. */
  withdraw(call: Call): boolean {
    if (!this.calls.has(call.id) || this.transport.claims?.withdraw(call.claim) !== true) {
      return false;
    }
    return this.calls.delete(call.id);
  }

  /** Asks the call that runs to end. */
  cancel(call: Call, reason: unknown): void {
    this.transport.claims?.cancel(call.id);
    let payload: Payload;
    try {
      payload = packFor(
        this.#level,
        () => writePayload(reason, this.#world, "reason"),
        this.#mayMap,
      );
    } catch {
      payload = NO_VALUE;
    }
    this.#add(new RequestHead({ kind: CANCEL, id: call.id }), payload);
    this.send();
  }

  /** It is not waited for any more that cancelled calls end. */
  endGrace(): void {
    for (const { grace } of this.calls.values()) grace?.cancel();
  }

  /** Has it end when it has done what it was given. */
  stop(): void {
    this.#add(new RequestHead({ kind: STOP }), NO_VALUE);
    this.send();
  }

  /** The error of a call that is lost with it. */
  lostError({ target }: Call, loss: Loss): WorkerLostError {
    const name = JSON.stringify(target.name);
    const error = new WorkerLostError(
      `${name} was lost: its worker ${this.title} ${this.fault ?? describeLoss(loss)}`,
      loss,
    );
    if (loss.error !== null) error.cause = loss.error;
    return error;
  }

  #targetOf(reference: Reference): number {
    let target = this.#targets.get(reference);
    if (target !== undefined) return target;
    this.#targets.set(reference, target = this.#targets.size);
    const request = new RequestHead({ kind: TARGET, target });
    this.#add(request, writePayload(reference, this.#world, "target"));
    return target;
  }

  #add(request: RequestHead, payload: Payload): void {
    const bytes = "length" in payload ? payload : undefined;
    this.#writer.add(request, bytes);
    if (bytes === undefined || bytes.length > LARGEST) this.#asides.push(payload);
  }
}

/** A payload that can be sent again: its buffers are copied, not moved. */
function copyable(payload: Payload): Payload {
  if (!("transfer" in payload)) return payload;
  return {
    ...payload,
    transfer: payload.transfer.filter((part) => !(part instanceof ArrayBuffer)),
  };
}

function tooLarge({ target }: Call, { length }: { length: number }): RangeError {
  return new RangeError(
    `Cannot send ${
      JSON.stringify(target.name)
    } its arguments: they take ${length} bytes, and a message over a socket at most ` +
      "64 MiB; give them in parts, or run with --allow-ffi",
  );
}
