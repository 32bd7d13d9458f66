/**
 * What Deno's message ports can do besides: through `node:worker_threads`.
 *
 * @module
 */
import { builtin } from "./node.ts";

/**
 * Takes a message of a port, without waiting; undefined when there is none. Nobody may listen on the port:
 * a message that its event loop has taken is not found here.
 */
export function take(port: MessagePort): unknown {
  try {
    // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
    return builtin("worker_threads").receiveMessageOnPort(port as any)?.message;
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
