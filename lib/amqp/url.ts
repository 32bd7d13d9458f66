/**
 * Where a broker is, and who asks: URLs as in `amqps://user:password@a,b:5671/vhost?heartbeat=10`.
 *
 * User, password and vhost are percent-encoded. Without a vhost it is `/`, without a user `guest`.
 * A password is shown by nothing here: errors show the URL without all that stands before the last
 * `@`, and {@linkcode Credentials} keep it to themselves.
 *
 * @module
 */
import { INSPECT, shown } from "../core/inspect.ts";

/** A host and its port. */
export interface Host {
  name: string;
  port: number;
}

/** Who asks, and how that is proved. */
export class Credentials {
  /** The user's name. */
  readonly user: string;
  readonly #password: string;

  constructor(user: string, password: string) {
    this.user = user;
    this.#password = password;
  }

  /** What the broker is told by the mechanism PLAIN. */
  plain(): string {
    return `\0${this.user}\0${this.#password}`;
  }

  [INSPECT](): string {
    return shown(this, () => [this.user]);
  }
}

/** What a broker's URL says. */
export interface BrokerAddress {
  /** Whether the connection is encrypted. */
  isTls: boolean;
  /** The hosts: any of them will do. */
  hosts: Host[];
  vhost: string;
  credentials: Credentials;
  /** What stands behind the question mark. */
  options: URLSearchParams;
  /** The URL without user and password. */
  shown: string;
}

const PORTS: Record<string, number> = { amqp: 5672, amqps: 5671 };
const GUEST = "guest";
/** Scheme, who asks, hosts, vhost, options. */
const PARTS = /^(\w+):\/\/(?:([^/?]*)@)?([^/?@]*)(?:\/([^/?@]*))?(?:\?(.*))?$/s;
/** A host, of version 6 in brackets, and its port. */
const HOST = /^(\[[\da-f:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/i;

/**
 * Reads a broker's URL.
 *
 * @throws {TypeError} It is none; the message says why, without user and password.
 */
export function parseUrl(url: string): BrokerAddress {
  const text = withoutSecrets(url);
  const fail = (reason: string) => new TypeError(`Cannot read the broker's URL ${text}: ${reason}`);
  const [, scheme, who, hosts, vhost, options] = PARTS.exec(url) ?? [];
  if (hosts === undefined || PORTS[scheme!] === undefined) {
    throw fail(
      "it must be as amqp://user:password@host:port/vhost, with / ? @ : % in each part written as " +
        "%2F %3F %40 %3A %25",
    );
  }
  const [name = GUEST, word = GUEST] = who?.split(/:(.*)/s) ?? [];
  const [user, password, where] = [name, word, vhost ?? ""].map(decoded);
  if (user === undefined || password === undefined || where === undefined) {
    throw fail("what follows a % must be two hexadecimal digits; a % itself is %25");
  }
  return {
    isTls: scheme === "amqps",
    hosts: hosts.split(",").map((host) => {
      const [, address, port = PORTS[scheme!]] = HOST.exec(host) ?? [];
      if (address === undefined || Number(port) > 65535) {
        throw fail("each host must be as host, host:port or [address]:port");
      }
      return { name: address.replace(/^\[|\]$/g, ""), port: Number(port) };
    }),
    vhost: where === "" ? "/" : where,
    credentials: new Credentials(user, password),
    options: new URLSearchParams(options),
    shown: text,
  };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** A URL without user and password; of what may be neither URL nor without them, the scheme. */
export function withoutSecrets(url: string): string {
  const [, scheme, rest] = /^(\w{1,10}:\/\/)(.*)$/s.exec(url) ?? [];
  if (rest === undefined) return "(not shown)";
  const at = rest.lastIndexOf("@");
  if (at >= 0) return `${scheme}***@${rest.slice(at + 1)}`;
  const [hosts] = rest.split(/[/?]/);
  return hosts!.split(",").every((host) => HOST.test(host)) ? url : `${scheme}...`;
}

/** A host as it is written in a URL. */
export function hostText({ name, port }: Host): string {
  return name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`;
}
