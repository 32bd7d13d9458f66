/**
 * Waiting for the first of several connections that has something to receive.
 *
 * @module
 */
import { Countdown } from "../core/promises.ts";
import { checkWait, type WaitOptions } from "../sync/options.ts";
import { checkIterable, show } from "../core/checks.ts";

/** The key of a connection's method that settles when there is something to receive, or its end. */
export const READY: unique symbol = Symbol("ready");

/** Anything that can be asked whether there is something to receive. */
export interface Pollable {
  /** True if there is something to receive within `timeout` ms. */
  poll(timeout?: number): boolean | Promise<boolean>;
  /** @ignore */
  [READY]?(signal: AbortSignal): Promise<unknown>;
}

/** The interval at which a connection is asked that cannot tell by itself, in ms. */
const ASK = 10;

/**
 * Waits until at least one of several connections has a value to receive, or its end.
 *
 * Reach for it where one reader serves several writers, each with its pipe. What it gives can be
 * received from at once, unless somebody else does. It takes nothing itself.
 *
 * *Cancellation*: an abort or the end of the timeout leaves the connections as they were.
 *
 * @param connections Connections of `threading.pipe()` and `multiprocessing.pipe()`, in any mix,
 *   and whatever else has a `poll()`.
 * @returns Those that are ready, in the order given; none when the timeout ended first.
 * @throws {TypeError | RangeError} Bad options, or something without a `poll()`.
 *
 * @example Serve two writers
 * ```ts
 * import { connectionWait, pipe } from "@switchyard/switchyard/multiprocessing";
 *
 * const [a, toA] = pipe<string>();
 * const [b, toB] = pipe<string>();
 * await toB.send("hello");
 * for (const connection of await connectionWait([a, b])) {
 *   console.log(await connection.recv()); // hello
 * }
 * for (const end of [a, toA, b, toB]) end.close();
 * ```
 */
export function connectionWait<C extends Pollable>(
  connections: Iterable<C>,
  options?: WaitOptions,
): Promise<C[]>;
export async function connectionWait<C extends Pollable>(
  connections: Iterable<C>,
  options: WaitOptions = {},
): Promise<C[]> {
  const action = "wait for connections";
  const timeout = checkWait(options, action);
  const { signal } = options;
  checkIterable(connections, "connections", action);
  const all = [...connections];
  for (const [k, one] of all.entries()) {
    if (typeof (one as Partial<Pollable> | null)?.poll === "function") continue;
    throw new TypeError(
      `Cannot ${action}: connections[${k}] must be a connection, received ${show(one)}`,
    );
  }
  signal?.throwIfAborted();
  const readyOnes = async () => {
    const ready = await Promise.all(all.map((one) => one.poll(0)));
    return all.filter((_, k) => ready[k]);
  };
  let ready = await readyOnes();
  signal?.throwIfAborted();
  if (ready.length > 0 || timeout === 0 || all.length === 0) return ready;

  const { promise: early, resolve: leave, reject: abandon } = Promise.withResolvers<void>();
  const onAbort = () => abandon(signal!.reason);
  signal?.addEventListener("abort", onAbort);
  let isLate = false;
  const timer = new Countdown(timeout, () => {
    isLate = true;
    leave();
  });
  try {
    while (ready.length === 0 && !isLate) {
      const over = new AbortController();
      // What fails is found by the poll that follows.
      const news = all.map((one) =>
        (one[READY]?.(over.signal) ?? ask(one, over.signal)).catch(() => {})
      );
      try {
        await Promise.race([early, ...news]);
      } finally {
        over.abort();
        // Nothing goes on behind the caller's back.
        await Promise.all(news);
      }
      ready = await readyOnes();
    }
    return ready;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Settles when one that cannot tell by itself is ready. */
async function ask(one: Pollable, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !await one.poll(0)) {
    await new Promise((wake) => setTimeout(wake, ASK));
  }
}
