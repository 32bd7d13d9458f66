/**
 * Queues as RabbitMQ declares them. The arguments of a queue are the same for every version of the
 * broker, and say what its own defaults would say differently: a queue with other arguments is
 * another queue, and is refused.
 *
 * @module
 */
import type { FieldTable } from "../amqp/codec/fields.ts";
import type { QueueDeclaration } from "../amqp/topology.ts";
import type { QueueSpec } from "./broker.ts";

/** The limit of a counted queue that has none: from 4.0 on the broker would take 20. */
const NO_LIMIT = 1_000_000_000;

/** The queue as it is declared, with the prefix of its names. */
export function declarationOf(spec: QueueSpec, prefix: string): QueueDeclaration {
  const { name, kind, max, overflow = "reject", ttl, expires, deadTo, limit, longest } = spec;
  const isExclusive = spec.exclusive === true;
  const isCounted = kind === "counted" && !isExclusive;
  const args: FieldTable = {
    "x-queue-type": isCounted ? "quorum" : "classic",
    "x-max-length": max,
    "x-overflow": max === undefined ? undefined : overflowOf(overflow),
    "x-message-ttl": ttl,
    "x-expires": expires,
    "x-dead-letter-exchange": deadTo === undefined ? undefined : "",
    "x-dead-letter-routing-key": deadTo === undefined ? undefined : `${prefix}.${deadTo}`,
    "x-delivery-limit": isCounted ? limit ?? NO_LIMIT : undefined,
    "x-consumer-timeout": longest,
  };
  return { name: `${prefix}.${name}`, isDurable: !isExclusive, isExclusive, args };
}

function overflowOf(overflow: "reject" | "drop"): string {
  return overflow === "drop" ? "drop-head" : "reject-publish";
}

/** The queue in which messages wait for a time, and which brings them to another. */
export function waitingRoom(name: string, ms: number, to: string): QueueDeclaration {
  return {
    name,
    isDurable: true,
    args: {
      "x-queue-type": "classic",
      "x-message-ttl": ms,
      "x-expires": ms + LINGER,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": to,
    },
  };
}

/** For how long a waiting room stays that nobody uses, in ms. */
export const LINGER = 60_000;

/** The queue for what has waited and finds no room yet. */
export function dueQueue(name: string): QueueDeclaration {
  return { name, isDurable: true, args: { "x-queue-type": "classic" } };
}
