/**
 * The further abilities of Deno's message ports: through `node:worker_threads`.
 *
 * @module
 */
import { LIBRARY } from "./environment.ts";
import { builtin } from "./node.ts";

type NodeThreads = typeof import("node:worker_threads");

let threads: NodeThreads | undefined;
let loading: Promise<void> | undefined;

/** True if what {@linkcode take} needs is being loaded. */
export function isPreparing(): boolean {
  return loading !== undefined && threads === undefined;
}

/**
 * Loads what {@linkcode take} needs; its first call would take three times as long for it, and
 * block.
 */
export function prepareTake(): Promise<void> {
  return loading ??= import("node:worker_threads").then((module) => {
    threads ??= module;
  });
}

/**
 * Gives `node:worker_threads`, and loads it now, if it is not there. A port that was listened to
 * before holds the program for ever once another thread has its other end, `unref()` or not; so
 * whoever listens to such ports calls this first, or {@linkcode whenLoaded}.
 */
export function loadPorts(): NodeThreads {
  return threads ??= builtin("worker_threads");
}

/**
 * Calls a function as soon as ports can be listened to: now, if `node:worker_threads` is there,
 * else when it has been imported, which goes on while a new thread comes up.
 */
export function whenLoaded(listen: () => void): void {
  if (threads !== undefined) listen();
  else prepareTake().then(listen);
}

/**
 * Loads it for modules that cannot wait for it when they need it. A program is about to; a child (a
 * worker has no main module, a process one of ours) may never do.
 */
export async function prepareEarly(): Promise<void> {
  if (Deno.mainModule?.startsWith(LIBRARY) === false) await prepareTake();
}

/**
 * Sends a message that {@linkcode take} can take. It stands in a Set: Deno searches what it gives a
 * blocked thread for ports, property by property, and a typed array has one for each element
 * (0.1 µs each, so a second for 8 MB). Into a Set it does not look.
 */
export function post(port: MessagePort, message: unknown, transfer: Transferable[] = []): void {
  port.postMessage(new Set([message]), transfer);
}

/** The message in what a port has brought that {@linkcode post} sends to. */
export function messageIn(data: unknown): unknown {
  return data instanceof Set ? data.values().next().value : data;
}

/**
 * Takes a message of a port, without waiting; undefined when there is none. Nobody may listen on
 * the port: a message that its event loop has taken is not found here.
 *
 * @throws {Error} It is an object that {@linkcode post} has not sent.
 */
export function take(port: MessagePort): unknown {
  const { receiveMessageOnPort } = loadPorts();
  try {
    // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
    const found = receiveMessageOnPort(port as any);
    return found === undefined ? undefined : checked(found.message);
  } catch (error) {
    // Of a port that is closed Deno gives nothing from 2.9.6 on; before, it throws this.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** What {@linkcode post} has sent, or a bare word: all else costs a blocked thread dearly. */
function checked(data: unknown): unknown {
  if (typeof data !== "object" || data === null || data instanceof Set) return messageIn(data);
  throw new Error("Cannot take a message of a port: it must be sent by post()");
}

/** A port's messages keep no program alive: its worker does, if it should. */
export function unref(port: MessagePort): void {
  (port as MessagePort & { unref?: () => void }).unref?.();
}
