/**
 * What goes wrong between a client and its broker.
 *
 * @module
 */
import { REPLY } from "./codec/table.ts";

/** More about an {@linkcode AmqpError}. */
interface AmqpErrorFacts {
  /** The broker's reply code. Default: 0, there is none. */
  code?: number;
  /** Whether trying again is of no use. Default: by the code. */
  isLasting?: boolean;
  /** What it comes from. */
  cause?: unknown;
}

/** The codes of a connection's end that another connection would end with as well. */
const LASTING: readonly number[] = [
  REPLY.accessRefused,
  REPLY.frame,
  REPLY.syntax,
  REPLY.command,
  REPLY.channel,
  REPLY.notAllowed,
];

/** A connection, a channel or a consumer has ended, or cannot be had. */
export class AmqpError extends Error {
  /** The class's name. */
  override name = "AmqpError";
  /** The broker's reply code, as in 404; 0 when it has sent none. */
  readonly code: number;
  /** True when trying again is of no use: a wrong password, for one. */
  readonly isLasting: boolean;

  /** Creates the error. */
  constructor(message: string, { code = 0, isLasting, cause }: AmqpErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.isLasting = isLasting ?? LASTING.includes(code);
  }
}

/** What came is not AMQP, or not as it must be. Another connection may well go better. */
export function malformed(what: string, code: number = REPLY.syntax): AmqpError {
  return new AmqpError(`Cannot read what the broker sent: ${what}`, { code, isLasting: false });
}
