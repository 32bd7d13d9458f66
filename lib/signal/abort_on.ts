/**
 * Signals as a reason to abort.
 *
 * @module
 */
import { KeyboardInterrupt } from "../core/errors.ts";
import type { Signal } from "../core/signals.ts";
import { listen } from "./handlers.ts";
import { checkSignalName } from "./named.ts";

/**
 * An AbortSignal that is aborted by the first of some signals of the system: what Python's
 * KeyboardInterrupt is for.
 *
 * Reach for it to have Ctrl-C end waits and running programs in good order: give it as `signal` to
 * whatever takes one, and `finally` blocks and `using` run. It listens until it is aborted or
 * disposed of, so that a second Ctrl-C ends the program at once. Meanwhile the system's default is
 * not taken; a handler of {@linkcode signal}, or SIG_IGN, stays as it is, and the handler is called
 * after the abort. It keeps no program alive. `using` at the top of a script lets go of it when the
 * script's own code has ended: await there what it is for.
 *
 * *Permissions*: none.
 *
 * @param sigs The signals, by name or number. Default: SIGINT, which Ctrl-C sends.
 * @returns Aborted with a {@linkcode KeyboardInterrupt}, whose `signal` is the name of the one that
 * came.
 * @throws {TypeError} There is no such signal, or it cannot be handled.
 * @throws {RangeError} No signal has that number.
 * @throws {Deno.errors.NotSupported} Windows does not have it.
 *
 * @example Wait, but not after Ctrl-C
 * ```ts
 * import { abortOn } from "@switchyard/switchyard/signal";
 * import { run } from "@switchyard/switchyard/subprocess";
 *
 * using signal = abortOn("SIGINT", "SIGTERM");
 * await run(["sleep", "0.1"], { signal });
 * ```
 */
export function abortOn(...sigs: (Signal | number)[]): AbortSignal & Disposable {
  const action = "abort on a signal";
  const names = (sigs.length === 0 ? ["SIGINT"] : sigs).map((sig) => checkSignalName(sig, action));
  for (const name of names) {
    if (name !== "SIGKILL" && name !== "SIGSTOP") continue;
    throw new TypeError(`Cannot ${action}: the system lets nobody handle ${name}`);
  }
  const controller = new AbortController();
  const stops: (() => void)[] = [];
  const stop = () => {
    for (const end of stops.splice(0)) end();
  };
  const abort = (name: Signal) => {
    stop();
    controller.abort(new KeyboardInterrupt(name));
  };
  try {
    for (const name of new Set(names)) stops.push(listen(name, abort));
  } catch (cause) {
    stop();
    throw cause;
  }
  return Object.defineProperty(controller.signal, Symbol.dispose, {
    value: stop,
  }) as AbortSignal & Disposable;
}
