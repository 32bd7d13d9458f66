/**
 * The messages of calls, and how those of others are read.
 *
 * ```text
 *   to the queue of a level     call      id: the call's, or its key    replyTo: the caller's inbox
 *   to a caller's inbox         begin     replyTo: the worker's inbox; with `asks` it waits for go;
 *                                         not told of what has its answer by then
 *                               report    body: the value          done, failed   body: the outcome
 *                               refused   why, both versions       alive        body: ids, as JSON
 *   to a worker's inbox         cancel    of what it runs          go             it may run
 *   to the topic of control     cancel    of what nobody has begun
 *                               who       replyTo: who asks; answered with `worker`
 * ```
 *
 * All but `who` have the header `call`: which call of a caller it is about. Headers of the way,
 * which are not signed: `tried` (earlier tries), `passes` (how often a worker has passed it on
 * unbegun), `skewed` (for how many ms it has waited for a worker that has its target).
 *
 * @module
 */
import { CALL, type CallKind, MAP, STARMAP } from "../../pool/transport/frames.ts";
import type { BrokerMessage } from "../broker.ts";

/** The version of the headers, and of the codec with little-endian numbers. */
const VERSION = 1;
const FORMAT = "application/x-switchyard";
const NO_BODY = new Uint8Array(0);

/** The names of the kinds of calls. */
const KINDS: Record<string, CallKind> = { call: CALL, map: MAP, starmap: STARMAP };

/** How workers and callers keep in touch, in ms; tests make it quicker. */
export const pace = {
  /** How often a worker says which calls it runs. */
  alive: 5_000,
  /** How often a caller looks whether something has gone wrong. */
  sweep: 250,
  /** For how long a worker waits to be told that it may run what may have been cancelled. */
  go: 1_000,
  /** For how long a worker keeps back a call that others could begin, at first and at most. */
  pass: 100,
  mostPass: 10_000,
  /** For how long a call rests whose caller is away. */
  away: 2_000,
};

/** What a call is, for those who serve it. */
export interface CallFacts {
  /** Which call of its caller it is. */
  call: string;
  /** The name of its module, as in `root:tasks.ts`. */
  module: string;
  name: string;
  print: number;
  isMain: boolean;
  kind: CallKind;
  /** The number of its items. */
  size: number;
  retries: number;
  timeout: number | undefined;
  grace: number | undefined;
  /** True if it runs though its caller has gone. */
  isKept: boolean;
  key: string | undefined;
  hasQueue: boolean;
  /** The caller's version of Deno. */
  deno: string;
}

/** The message of a call. */
export function callMessage(
  facts: CallFacts,
  body: Uint8Array<ArrayBuffer>,
  { replyTo, expires }: { replyTo?: string | undefined; expires?: number | undefined },
): BrokerMessage {
  const { call, module, name, print, size, retries, timeout, grace, key, deno } = facts;
  const kind = Object.keys(KINDS).find((name) => KINDS[name] === facts.kind)!;
  return {
    type: "call",
    id: key ?? call,
    format: FORMAT,
    body,
    ...replyTo === undefined ? {} : { replyTo },
    ...expires === undefined ? {} : { expires },
    headers: {
      sy: VERSION,
      call,
      module,
      name,
      print,
      kind,
      size,
      retries,
      deno,
      ...facts.isMain ? { main: true } : {},
      ...timeout === undefined ? {} : { timeout },
      ...grace === undefined ? {} : { grace },
      ...facts.isKept ? { orphan: "keep" } : {},
      ...key === undefined ? {} : { key },
      ...facts.hasQueue ? { queue: true } : {},
    },
  };
}

/**
 * Reads the message of a call.
 *
 * @throws {TypeError} It is none; the message says why.
 */
export function readCall({ headers, type, id }: BrokerMessage): CallFacts {
  if (type !== "call") throw new TypeError(`it is no call, but ${JSON.stringify(type)}`);
  if (headers.sy !== VERSION) throw new TypeError(`its version is ${headers.sy}`);
  if (id === "") throw new TypeError("it has no id");
  const text = (name: string): string => {
    const value = headers[name];
    if (typeof value === "string") return value;
    throw new TypeError(`its header ${name} is no text`);
  };
  const number = (name: string): number => {
    const value = headers[name];
    if (typeof value === "number" && value >= 0) return value;
    throw new TypeError(`its header ${name} is no number >= 0`);
  };
  const perhaps = <T>(name: string, read: (name: string) => T) =>
    headers[name] === undefined ? undefined : read(name);
  const kind = KINDS[text("kind")];
  if (kind === undefined) throw new TypeError(`its kind is ${JSON.stringify(headers.kind)}`);
  return {
    call: text("call"),
    module: text("module"),
    name: text("name"),
    print: number("print"),
    isMain: headers.main === true,
    kind,
    size: number("size"),
    retries: number("retries"),
    timeout: perhaps("timeout", number),
    grace: perhaps("grace", number),
    isKept: headers.orphan === "keep",
    key: perhaps("key", text),
    hasQueue: headers.queue === true,
    deno: text("deno"),
  };
}

/** Another message. */
export function message(
  type: string,
  headers: BrokerMessage["headers"],
  { body = NO_BODY, replyTo }: { body?: Uint8Array<ArrayBuffer>; replyTo?: string } = {},
): BrokerMessage {
  return {
    type,
    id: "",
    format: body.length > 0 ? FORMAT : "",
    body,
    headers: { sy: VERSION, ...headers },
    ...replyTo === undefined ? {} : { replyTo },
  };
}

/** A header that is a text; "" if it is none. */
export function textOf({ headers }: BrokerMessage, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}

/** A header that is a number; 0 if it is none. */
export function numberOf({ headers }: BrokerMessage, name: string): number {
  const value = headers[name];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** A message as it goes on: what a delivery has more is left behind. */
export function onward(
  { body, type, id, format, replyTo, headers }: BrokerMessage,
  more: BrokerMessage["headers"],
): BrokerMessage {
  return {
    body,
    type,
    id,
    format,
    headers: { ...headers, ...more },
    ...replyTo === undefined ? {} : { replyTo },
  };
}

/** The version of a target, as errors tell it. */
export function versionText(print: number, deno: string = Deno.version.deno): string {
  return `text ${print.toString(16).padStart(8, "0")}, Deno ${deno}`;
}
