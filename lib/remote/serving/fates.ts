/**
 * The ways in which a worker is done with a delivery: it answers and acknowledges, gives it back,
 * or buries it. In each the message is with the broker elsewhere before it is gone here, so that
 * nothing is lost between the two.
 *
 * @module
 */
import type { BrokerMessage, Delivery } from "../broker.ts";
import { type Access, isUnroutable } from "../link/access.ts";
import { type Course, settled, start } from "../link/soon.ts";
import type { Answered } from "./answered.ts";
import { type CallFacts, message, onward, textOf } from "../calls/messages.ts";
import { callQueue, deadQueue, type Level } from "../calls/names.ts";
import { sealed } from "../calls/seal.ts";
import type { CallWire } from "../calls/wire.ts";

/** What has become of calls, in numbers. */
export interface Counts {
  done: number;
  failed: number;
  back: number;
  passed: number;
  refused: number;
  dropped: number;
  buried: number;
}

/** What the ways out ask of a desk, and tell it. */
export interface FatesTold {
  /** True if the worker is being stopped. */
  isStopping: () => boolean;
  /** A call has left. */
  changed: () => void;
  /** An inbox is not there. */
  gone: (inbox: string) => void;
}

/** How long what cannot be buried rests until it comes again, in ms. */
const REST = 250;

/** The ways out of a worker. */
export class Fates {
  /** How many are on their way. */
  underWay = 0;
  readonly #access: Access;
  readonly #who: { queue: string; worker: string; inbox: string; secret: string | undefined };
  readonly #wire: CallWire;
  readonly #counts: Counts;
  readonly #told: FatesTold;

  constructor(
    access: Access,
    who: { queue: string; worker: string; inbox: string; secret: string | undefined },
    wire: CallWire,
    counts: Counts,
    told: FatesTold,
  ) {
    this.#access = access;
    this.#who = who;
    this.#wire = wire;
    this.#counts = counts;
    this.#told = told;
  }

  /** Sends a message to an inbox. */
  *publish(inbox: string, message: BrokerMessage): Course<void> {
    yield* settled(this.#access.publish(inbox, sealed(this.#who.secret, inbox, message)));
  }

  #start(course: Course<void>, done: () => void, failed: (error: unknown) => void): void {
    this.underWay++;
    const ended = (then: () => void) => {
      this.underWay--;
      then();
      this.#told.changed();
    };
    start(course, () => ended(done), (error) => ended(() => failed(error)));
  }

  /** Answers, then acknowledges. */
  answer(delivery: Delivery, facts: CallFacts, { type, body, headers }: Answered): void {
    const inbox = delivery.replyTo;
    if (inbox === undefined) return delivery.ack();
    const { worker, inbox: replyTo } = this.#who;
    const call = textOf(delivery, "call");
    const told = { ...headers, call, worker, attempt: delivery.attempt };
    const answer = message(type, told, { body, replyTo });
    this.#start(this.publish(inbox, answer), () => delivery.ack(), (error) => {
      if (error instanceof RangeError && type === "done") {
        const tooLarge = this.#wire.writeError(error);
        return this.answer(delivery, facts, { type: "failed", body: tooLarge, headers });
      }
      if (isUnroutable(error)) this.#told.gone(inbox);
      // Nobody is there who could hear it; where the broker has ended it goes back by itself.
      if (this.#access.state !== "ended") delivery.ack();
    });
  }

  /** Puts a call aside, then tells its caller. */
  bury(level: Level, delivery: Delivery, reason: string, told?: () => BrokerMessage): void {
    this.#counts.buried++;
    const { queue } = this.#who;
    const from = callQueue(queue, level);
    const buried = onward(delivery, { reason, from, tried: delivery.attempt });
    const inbox = delivery.replyTo;
    const access = this.#access;
    const publish = this.publish.bind(this);
    function* bury(): Course<void> {
      yield* settled(access.publish(deadQueue(queue), buried));
      if (inbox !== undefined && told !== undefined) yield* publish(inbox, told());
    }
    this.#start(bury(), () => delivery.ack(), (error) => {
      if (isUnroutable(error)) delivery.ack();
      else delivery.back({ delay: REST });
    });
  }

  /**
   * Gives a call back as a copy, whose tries are what they were: it was not begun, or not for its
   * own fault stopped.
   */
  giveBack(
    level: Level,
    delivery: Delivery,
    more: BrokerMessage["headers"] = {},
    delay = 0,
  ): void {
    if (this.#told.isStopping()) this.#counts.back++;
    else this.#counts.passed++;
    const copy = onward(delivery, { ...more, tried: Math.max(0, delivery.attempt - 1) });
    const queue = callQueue(this.#who.queue, level);
    const access = this.#access;
    function* publish(): Course<void> {
      yield* settled(access.publish(queue, copy, delay > 0 ? { delay } : {}));
    }
    // Where the queue is full or gone, it is counted.
    this.#start(publish(), () => delivery.ack(), () => delivery.back());
  }
}
