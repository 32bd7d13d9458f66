/**
 * What Deno's message ports can do besides: through `node:worker_threads`.
 *
 * @module
 */
import { builtin } from "./node.ts";

let receive: typeof import("node:worker_threads").receiveMessageOnPort | undefined;
let loading: Promise<void> | undefined;

/** Whether what {@linkcode take} needs is being loaded. */
export function isPreparing(): boolean {
  return loading !== undefined && receive === undefined;
}

/** Loads what {@linkcode take} needs; its first call would take twice as long for it, and block. */
export function prepareTake(): Promise<void> {
  return loading ??= import("node:worker_threads").then(({ receiveMessageOnPort }) => {
    receive ??= receiveMessageOnPort;
  });
}

/**
 * Takes a message of a port, without waiting; undefined when there is none. Nobody may listen on
 * the port: a message that its event loop has taken is not found here.
 */
export function take(port: MessagePort): unknown {
  try {
    // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
    return (receive ??= builtin("worker_threads").receiveMessageOnPort)(port as any)?.message;
  } catch (error) {
    // Of a port that is closed Deno gives nothing from 2.9.6 on; before, it throws this.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A port's messages keep no program alive: its worker does, if it should. */
export function unref(port: MessagePort): void {
  (port as MessagePort & { unref?: () => void }).unref?.();
}
