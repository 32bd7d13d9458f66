/**
 * What Deno's message ports can do besides: through `node:worker_threads`.
 *
 * @module
 */
import { receiveMessageOnPort } from "node:worker_threads";

/**
 * Takes a message of a port, without waiting; undefined when there is none. Nobody may listen on the port:
 * a message that its event loop has taken is not found here.
 */
export function take(port: MessagePort): unknown {
  // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
  return receiveMessageOnPort(port as any)?.message;
}

/** A port's messages keep no program alive: its worker does, if it should. */
export function unref(port: MessagePort): void {
  (port as MessagePort & { unref?: () => void }).unref?.();
}
