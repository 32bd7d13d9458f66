/**
 * Where a queue is: the URL of a broker. A URL may hold a password; what is shown of it never does.
 *
 * @module
 */
import { parseUrl } from "../amqp/url.ts";
import { show } from "../core/checks.ts";
import { parseFileUrl } from "./file/url.ts";

/** The variable of the environment that says where queues are, unless they say so themselves. */
export const VARIABLE = "SWITCHYARD_URL";

/** Where messages are kept. */
export interface Address {
  /**
   * The whole URL, with user and password. It stays among the threads and processes of a program.
   */
  readonly url: string;
  /** What may be shown of it. */
  readonly place: string;
  /** In memory: the name of the store; undefined for what is elsewhere. */
  readonly memory: string | undefined;
}

/** The scheme of a URL, as in `amqp:`. */
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/**
 * User and password: up to the last @, since a password may hold one that is not written as %40.
 */
const USER = /^([a-z][a-z0-9+.-]*:\/\/)[^]*@/i;

/** A URL without user and password, as it may be shown. */
export function redacted(url: string): string {
  return url.replace(USER, "$1").replace(/\?[^]*$/, "");
}

/**
 * The modules of brokers that are not in this process, by their schemes; each exports `open(url)`.
 * "" is one of ours, which the link's thread knows. Tests add others.
 */
export const brokerModules: Map<string, string> = new Map([
  ["amqp:", ""],
  ["amqps:", ""],
  ["file:", ""],
]);

/**
 * Reads where something is to be.
 *
 * @param url The URL; if none is given, that of the environment, else `memory:`.
 * @param action What was asked for, as in `create the queue "jobs"`.
 * @throws {TypeError} It is no URL of a broker; the message shows no password.
 */
export function addressOf(url: unknown, action: string): Address {
  const text = url ?? fromEnvironment() ?? "memory:";
  if (typeof text !== "string") {
    throw new TypeError(`Cannot ${action}: url must be a string, received ${show(text)}`);
  }
  const [scheme = ""] = SCHEME.exec(text) ?? [];
  if (scheme.toLowerCase() === "memory:") {
    return { url: text, place: text, memory: text.slice(scheme.length) };
  }
  if (!brokerModules.has(scheme.toLowerCase())) {
    const known = ['"memory:"', ...[...brokerModules.keys()].map((known) => `"${known}"`)];
    throw new TypeError(
      `Cannot ${action}: url must begin with ${known.join(" or ")}, received ${
        show(scheme || redacted(text))
      }`,
    );
  }
  if (scheme.toLowerCase() === "file:") {
    const { url, place } = parseFileUrl(text);
    return { url, place, memory: undefined };
  }
  if (brokerModules.get(scheme.toLowerCase()) === "") parseUrl(text);
  return { url: text, place: redacted(text), memory: undefined };
}

/** What the environment says; without the permission to read it, nothing. */
function fromEnvironment(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: VARIABLE });
  const value = state === "granted" ? Deno.env.get(VARIABLE) : undefined;
  return value === "" ? undefined : value;
}
