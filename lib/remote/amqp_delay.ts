/**
 * Delays, which wait in the broker and in no program.
 *
 * ```text
 *   publish -> later.QUEUE.MS -> QUEUE                       without a bound that refuses
 *   publish -> later.QUEUE.MS -> due.QUEUE => QUEUE          with one
 * ```
 *
 * A waiting room drops each message after its time, to where the arrow goes. Its time is rounded up
 * to two digits, so that a queue has some dozens of rooms at most; one that nobody uses is removed
 * by the broker.
 *
 * A queue that refuses would refuse what comes so, and it would be lost. There the messages go to a
 * queue without bound, and a *mover* (=>) takes them on when there is room: one in each program
 * that has put something there, or takes from the queue. It holds one at a time, so they stay in
 * order, and lets go only when the queue has it.
 *
 * @module
 */
import type { Verdict } from "../amqp/confirms.ts";
import type { Session } from "../amqp/session.ts";
import type { Lease, Subscription } from "../amqp/subscription.ts";
import { dueQueue, LINGER, waitingRoom } from "./amqp_queue.ts";

/** How long a mover waits when there is no room, at first and at last, in ms. */
const FIRST_REST = 20;
const LAST_REST = 500;

/** Rounds a time up to two digits: 1,234 ms are 1,300. */
export function roundedUp(ms: number): number {
  const whole = Math.max(1, Math.ceil(ms));
  const step = 10 ** Math.max(0, Math.floor(Math.log10(whole)) - 1);
  return Math.ceil(whole / step) * step;
}

/** The waiting rooms and movers of one session. */
export class Delays {
  readonly #session: Session;
  readonly #prefix: string;
  /** When a room was last declared, by its name. */
  readonly #rooms = new Map<string, number>();
  readonly #movers = new Map<string, Promise<Subscription>>();

  constructor(session: Session, prefix: string) {
    this.#session = session;
    this.#prefix = prefix;
  }

  /** The full name of the room for a queue and a time, which is there when this settles. */
  async room(queue: string, delay: number, isBounded: boolean): Promise<string> {
    const ms = roundedUp(delay);
    const name = `${this.#prefix}.later.${queue}.${ms}`;
    const now = performance.now();
    if (now - (this.#rooms.get(name) ?? -Infinity) < LINGER / 2) return name;
    if (isBounded) await this.move(queue);
    const to = isBounded ? this.#due(queue) : `${this.#prefix}.${queue}`;
    await this.#session.declare(waitingRoom(name, ms, to), false);
    this.#rooms.set(name, now);
    return name;
  }

  #due(queue: string): string {
    return `${this.#prefix}.due.${queue}`;
  }

  /** Sees to it that what is due in a queue gets there. */
  async move(queue: string): Promise<void> {
    let mover = this.#movers.get(queue);
    if (mover === undefined) this.#movers.set(queue, mover = this.#begin(queue));
    try {
      await mover;
    } catch (error) {
      this.#movers.delete(queue);
      throw error;
    }
  }

  async #begin(queue: string): Promise<Subscription> {
    const due = this.#due(queue);
    await this.#session.declare(dueQueue(due));
    const back = (lease: Lease) => void lease.nack(true);
    return await this.#session.consume(due, 1, {
      on: (lease) => void this.#take(queue, lease).catch(() => back(lease)),
      onFault: () => {},
      onEnd: () => this.#movers.delete(queue),
    });
  }

  async #take(queue: string, lease: Lease): Promise<void> {
    const { properties, body } = lease.delivered;
    for (let rest = FIRST_REST; lease.isHeld; rest = Math.min(rest * 2, LAST_REST)) {
      const verdict: Verdict = await this.#session.publish({
        exchange: "",
        key: `${this.#prefix}.${queue}`,
        isMandatory: true,
        properties,
        body,
      });
      // Without its queue it is gone, as all that was in that.
      if (verdict !== "refused") return void lease.ack();
      await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, rest)));
    }
  }

  /** A queue with a bound is removed, and with it what is due. */
  async forget(queue: string): Promise<void> {
    const mover = await this.#movers.get(queue)?.catch(() => undefined);
    this.#movers.delete(queue);
    await mover?.cancel();
    await this.#session.remove(this.#due(queue));
  }

  /** A room is gone: it is declared anew. */
  lost(name: string): void {
    this.#rooms.delete(name);
  }
}
