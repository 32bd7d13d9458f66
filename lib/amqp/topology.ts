/**
 * The queues that were declared, and what they are bound to: so they can be made again on a new
 * connection, as a whole or not at all.
 *
 * @module
 */
import type { AmqpChannel } from "./channel.ts";
import type { FieldTable } from "./codec/fields.ts";
import type { Argument } from "./codec/methods.ts";

/** A queue as it is declared. */
export interface QueueDeclaration {
  name: string;
  /** Whether it outlives the broker's process. */
  isDurable: boolean;
  /** Whether it is this connection's own, and ends with it. */
  isExclusive?: boolean;
  /** Arguments of the broker, as in `x-queue-type`. */
  args?: FieldTable;
  /** The exchange of kind fanout that it gets everything from. */
  boundTo?: string;
}

/** The method, and its arguments without an answer or with one. */
type Step = ["exchange.declare" | "queue.declare" | "queue.bind", (isQuiet: boolean) => Argument[]];

function stepsOf({ name, isDurable, isExclusive = false, args = {}, boundTo }: QueueDeclaration) {
  const steps: Step[] = [];
  if (boundTo !== undefined) steps.push(exchangeStep(boundTo));
  steps.push(["queue.declare", (isQuiet) => {
    return [0, name, false, isDurable, isExclusive, isExclusive, isQuiet, args];
  }]);
  if (boundTo !== undefined) {
    steps.push(["queue.bind", (isQuiet) => [0, name, boundTo, "", isQuiet, {}]]);
  }
  return steps;
}

function exchangeStep(name: string): Step {
  return ["exchange.declare", (isQuiet) => {
    return [0, name, "fanout", false, true, false, false, isQuiet, {}];
  }];
}

/** Declares an exchange of kind fanout. */
export async function declareFanout(channel: AmqpChannel, name: string): Promise<void> {
  const [method, args] = exchangeStep(name);
  await channel.call(method, args(false));
}

/** Declares a queue and what it is bound to. */
export async function declare(channel: AmqpChannel, queue: QueueDeclaration): Promise<void> {
  for (const [method, args] of stepsOf(queue)) await channel.call(method, args(false));
}

/**
 * Declares many queues in one go: nothing is awaited but the answer to a last call, since an error
 * before it would have closed the channel.
 */
export async function declareAll(
  channel: AmqpChannel,
  queues: Iterable<QueueDeclaration>,
): Promise<void> {
  for (const queue of queues) {
    for (const [method, args] of stepsOf(queue)) channel.send(method, args(true));
  }
  await channel.call("basic.qos", [0, 0, false]);
}
