/**
 * Printing a dump at a signal, also while the main thread is blocked: a daemon thread listens for
 * it.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { unref } from "../core/ports.ts";
import { self } from "../memory/this_thread.ts";
import { dumpText } from "../sync/dump.ts";
import { pack } from "../transfer/pack.ts";
import { reducer } from "../transfer/reduce.ts";
import { mainModule, referTo, task } from "../transfer/task.ts";
import { context } from "./context.ts";
import { now } from "../core/environment.ts";
import { endWorker, startWorker } from "./thread/host.ts";

/** `dump()`, and printing it at a signal. */
export interface Dump {
  /**
   * Says of every thread (or process) its state, what it holds, what it waits for and since when,
   * as text for a person, and which of them are deadlocked.
   */
  (): string;
  /**
   * Prints the dump on stderr at each such signal from now on, also while this thread is blocked. A
   * daemon thread listens for it.
   *
   * @param signal As in `"SIGQUIT"`, which Ctrl-\ sends.
   * @returns What ends that.
   * @throws {TypeError} There is no such signal.
   */
  onSignal(signal: Deno.Signal): Disposable;
}

/** Waits for the signal, in the thread that does nothing else. */
const watch = task(import.meta, async function watch(signal: Deno.Signal, arena: string | null) {
  const family: typeof import("../memory/arena.ts") | undefined = arena === null
    ? undefined
    : await import(arena);
  Deno.addSignalListener(signal, () => {
    // At each signal: the family may have had no memory until now.
    family?.familyArena();
    console.error(dumpText(family && []));
  });
  context().report(null);
  await new Promise(() => {});
});

/**
 * Starts the thread that waits for a signal.
 *
 * @param arena The module that opens the family's memory, for a dump of processes; null for
 *   threads.
 */
export function onSignal(signal: Deno.Signal, arena: string | null): Disposable {
  try {
    // Deno knows which there are. From here on the signal does not end the program.
    Deno.addSignalListener(signal, ignore);
  } catch (cause) {
    const given = show(signal);
    throw new TypeError(`Cannot dump at a signal: signal must be one, received ${given}`, {
      cause,
    });
  }
  const mine = self();
  const name = `dump at ${signal}`;
  const me = mine.roster.join({ name, daemon: true, starter: mine.ident, pid: Deno.pid });
  const { port, ends } = startWorker({
    roster: mine.memory,
    me,
    main: mainModule(),
    argv: Deno.args,
    target: referTo(watch),
    subclass: false,
    args: pack([signal, arena], reducer("thread"), "args", []),
    transfer: [],
    due: undefined,
    startedAt: now(),
    killable: true,
    daemon: true,
  });
  ends.close();
  unref(port);
  return {
    [Symbol.dispose]() {
      Deno.removeSignalListener(signal, ignore);
      mine.roster.leave(me.slot, me.ident, false, false);
      port.close();
      endWorker(me.ident);
    },
  };
}

function ignore(): void {}
