/**
 * The part of AMQP 0-9-1 that is used, as a table: each method with the numbers of its class and of
 * itself and the types of its arguments in their order.
 *
 * ```text
 *   B octet   H short   L long   Q longlong   b bit   s shortstr   S longstr   T table
 * ```
 *
 * Left out are transactions, `basic.get`, `recover` and `reject` (a `nack` does it), bindings
 * between exchanges, and what removes single bindings and exchanges. What the broker sends and the
 * table does not know is an error of the protocol.
 *
 * @module
 */

/** A method: its class, its number in it, the types of its arguments. */
export type MethodRow = readonly [classId: number, methodId: number, types: string];

/** The methods by their names. */
export const METHODS = {
  "connection.start": [10, 10, "BBTSS"],
  "connection.start-ok": [10, 11, "TsSs"],
  "connection.tune": [10, 30, "HLH"],
  "connection.tune-ok": [10, 31, "HLH"],
  "connection.open": [10, 40, "ssb"],
  "connection.open-ok": [10, 41, "s"],
  "connection.close": [10, 50, "HsHH"],
  "connection.close-ok": [10, 51, ""],
  "connection.blocked": [10, 60, "s"],
  "connection.unblocked": [10, 61, ""],
  "channel.open": [20, 10, "s"],
  "channel.open-ok": [20, 11, "S"],
  "channel.flow": [20, 20, "b"],
  "channel.flow-ok": [20, 21, "b"],
  "channel.close": [20, 40, "HsHH"],
  "channel.close-ok": [20, 41, ""],
  "exchange.declare": [40, 10, "HssbbbbbT"],
  "exchange.declare-ok": [40, 11, ""],
  "queue.declare": [50, 10, "HsbbbbbT"],
  "queue.declare-ok": [50, 11, "sLL"],
  "queue.bind": [50, 20, "HsssbT"],
  "queue.bind-ok": [50, 21, ""],
  "queue.purge": [50, 30, "Hsb"],
  "queue.purge-ok": [50, 31, "L"],
  "queue.delete": [50, 40, "Hsbbb"],
  "queue.delete-ok": [50, 41, "L"],
  "basic.qos": [60, 10, "LHb"],
  "basic.qos-ok": [60, 11, ""],
  "basic.consume": [60, 20, "HssbbbbT"],
  "basic.consume-ok": [60, 21, "s"],
  "basic.cancel": [60, 30, "sb"],
  "basic.cancel-ok": [60, 31, "s"],
  "basic.publish": [60, 40, "Hssbb"],
  "basic.return": [60, 50, "Hsss"],
  "basic.deliver": [60, 60, "sQbss"],
  "basic.ack": [60, 80, "Qb"],
  "basic.nack": [60, 120, "Qbb"],
  "confirm.select": [85, 10, "b"],
  "confirm.select-ok": [85, 11, ""],
} as const satisfies Record<string, MethodRow>;

/** The name of a method. */
export type MethodName = keyof typeof METHODS;

/** The class of messages: its number stands in their headers. */
export const BASIC = 60;

/** The properties of a message, from the highest bit of the flags down, with their types. */
export const PROPERTIES = [
  ["contentType", "s"],
  ["contentEncoding", "s"],
  ["headers", "T"],
  ["deliveryMode", "B"],
  ["priority", "B"],
  ["correlationId", "s"],
  ["replyTo", "s"],
  ["expiration", "s"],
  ["messageId", "s"],
  ["timestamp", "Q"],
  ["type", "s"],
  ["userId", "s"],
  ["appId", "s"],
  ["clusterId", "s"],
] as const;

/** The kinds of frames. */
export const FRAME = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;

/** The byte at the end of each frame. */
export const FRAME_END = 0xce;

/** What a frame has beside its payload: kind, channel, size and end, in bytes. */
export const FRAME_EXTRA = 8;

/** The reply codes that something is made of here. */
export const REPLY = {
  success: 200,
  noRoute: 312,
  forced: 320,
  accessRefused: 403,
  notFound: 404,
  locked: 405,
  failed: 406,
  frame: 501,
  syntax: 502,
  command: 503,
  channel: 504,
  unexpected: 505,
  notAllowed: 530,
} as const;
