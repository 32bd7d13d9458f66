/**
 * What the users of a broker, one in each thread, say to its service (see `service.ts`), and what
 * that answers. A request with a number `n` has one answer with that number, unless it is
 * cancelled; numbers and handles are the user's own.
 *
 * @module
 */
import type { Packed } from "../../transfer/pack.ts";
import type { BrokerMessage, BrokerState, Outage, QueueSpec } from "../broker.ts";

/** How a queue was asked for; all its users must want the same of it. */
export interface QueueWish {
  /** Its name, without the prefix. */
  name: string;
  /** The most items that it holds; 0 for any number. */
  maxsize: number;
  /** True if a bounded one is to be on several machines, too. */
  replicated: boolean;
  /** For how long an item may wait in it, in ms. */
  ttl?: number;
}

/** What can be asked about a queue as a whole. */
export type Matter = "size" | "clear" | "remove" | "shutdown" | "reopen";

/** What becomes of an item that was taken. */
export type Fate = "ack" | "back" | "bury";

/** What an agent is asked to do at the broker itself (see `access.ts`). */
export type Dealing =
  | { what: "declare"; spec: QueueSpec }
  | { what: "publish"; queue: string; message: BrokerMessage; delay: number }
  /** From now on there is a consumer `c`, whose deliveries are told. */
  | { what: "consume"; queue: string; prefetch: number; c: number }
  | { what: "credit"; c: number; prefetch: number }
  | { what: "cancel"; c: number }
  | { what: "settle"; d: number; fate: Fate; delay?: number; reason?: string }
  | { what: "depth" | "purge" | "remove"; queue: string }
  | { what: "broadcast"; topic: string; message: BrokerMessage }
  | { what: "listen"; topic: string; l: number }
  | { what: "unlisten"; l: number }
  | { what: "leave" };

/** A message that an agent holds, as it is told. */
export interface Carried {
  /** The message. */
  message: BrokerMessage;
  /** Which delivery it is. */
  attempt: number;
  /** True if it was delivered before. */
  redelivered: boolean;
}

/** Whether a broker can be reached. */
export interface StateNews {
  /** Its state. */
  state: BrokerState;
  /** Why it cannot. */
  loss: Outage | undefined;
}

/** What an agent tells of its own accord. */
export type News =
  | { what: "delivery"; c: number; d: number } & Carried
  /** The deliveries `ds` are held no more. */
  | { what: "lost"; ds: number[] }
  | { what: "ended"; c: number; error: Error }
  | { what: "told"; l: number; message: BrokerMessage }
  | { what: "state"; news: StateNews };

/** What a user asks for; `h` is the handle that is meant. */
export type ToService =
  /** From now on there is an agent of that number. */
  | { op: "agent"; h: number }
  | { op: "deal"; h: number; n: number; dealing: Dealing }
  /** From now on there is a handle. It is opened by its first request. */
  | { op: "handle"; h: number; wish: QueueWish; patience: number }
  /** The handle is no more: what was taken through it and not settled goes back. */
  | { op: "close"; h: number; n: number }
  | { op: "put"; h: number; n: number; message: BrokerMessage; timeout: number; delay: number }
  /** Answered with a {@linkcode Granted}. */
  | { op: "take"; h: number; n: number; timeout: number }
  /**
   * `taken` is the number of the request by which it was taken. Answered with whether it was held.
   */
  | {
    op: "settle";
    h: number;
    n: number;
    taken: number;
    fate: Fate;
    delay?: number;
    reason?: string;
  }
  | { op: "ask"; h: number; n: number; about: Matter }
  /** Nobody waits for the answer any more: what was granted to it goes back. */
  | { op: "cancel"; h: number; n: number };

/** An item, held by its taker until it says what becomes of it. */
export interface Granted {
  /** The bytes of the item. */
  body: Uint8Array<ArrayBuffer>;
  /** The headers of its message. */
  headers: BrokerMessage["headers"];
  /** The id of its message. */
  id: string;
  /** The content type of `body`. */
  format: string;
  /** Which delivery it is. */
  attempt: number;
}

/** What a service answers a user in another thread. */
export type FromService =
  /** The user is known. The word to ring the service with, and the thread that it is in. */
  | { n: 0; bell: SharedArrayBuffer; ident: number; slot: number }
  | { n: number; value: unknown }
  | { n: number; error: Packed }
  | { h: number; news: News };

/** A new user, as the main thread tells a service of it. */
export interface NewUser {
  /** The ident of its thread. */
  ident: number;
  /** The service's end of its port. */
  port: MessagePort;
  /** The word to ring it with. */
  bell: SharedArrayBuffer;
}

/** What the main thread tells a service in another thread. */
export type ToLink =
  | { type: "user"; user: NewUser }
  | { type: "gone"; ident: number }
  | { type: "stop" };
