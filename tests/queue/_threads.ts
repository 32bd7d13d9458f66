/**
 * Tests with threads: a time limit for each, and no thread left behind.
 *
 * @module
 */
import { setExcepthook, Thread } from "../../lib/threading.ts";
import { until } from "../_help/until.ts";
import { within } from "../_help/within.ts";

/** With `SWITCHYARD_TIMES` more is put, and takes longer. */
const LIMIT = 60_000 + Number(Deno.env.get("SWITCHYARD_TIMES") ?? 0) / 5;

/** The threads of one test. */
export class Threads {
  readonly #threads: Thread[] = [];
  readonly #reports = new Map<Thread, { queue: unknown[]; wake: () => void }>();

  /** Starts a thread; it is ended with the test at the latest. */
  start<A extends unknown[], R>(
    target: (...args: A) => R | PromiseLike<R>,
    args: NoInfer<A>,
    options: { killable?: boolean } = {},
  ): Thread<R, A> {
    const reports = { queue: [] as unknown[], wake: () => {} };
    const onReport = (value: unknown) => {
      reports.queue.push(value);
      reports.wake();
    };
    const thread = new Thread(target, { args, onReport, ...options } as never).start();
    this.#threads.push(thread as unknown as Thread);
    this.#reports.set(thread as unknown as Thread, reports);
    return thread as unknown as Thread<R, A>;
  }

  /** The next report of a thread. */
  async next<R, A extends unknown[]>(thread: Thread<R, A>): Promise<unknown> {
    const reports = this.#reports.get(thread as unknown as Thread)!;
    while (reports.queue.length === 0) await new Promise<void>((wake) => reports.wake = wake);
    return reports.queue.shift();
  }

  /** Runs a target in a thread, to its end. */
  run<A extends unknown[], R>(
    target: (...args: A) => R | PromiseLike<R>,
    args: NoInfer<A>,
  ): Promise<R> {
    return this.start(target, args).result();
  }

  /** Settles when the threads are seen to wait. */
  async untilWaiting(...threads: { state: string }[]): Promise<void> {
    await until(() => threads.every(({ state }) => state === "waiting"));
  }

  /** Ends all threads. */
  async clear(): Promise<void> {
    for (const thread of this.#threads) if (thread.isAlive()) thread.terminate();
    for (const thread of this.#threads) await thread.join({ timeout: 5_000 });
  }
}

/** Defines a test. */
export function test(name: string, fn: (threads: Threads) => Promise<void> | void): void {
  Deno.test(`${name} [threads]`, async () => {
    const threads = new Threads();
    const before = setExcepthook(() => {});
    try {
      await within(LIMIT, fn(threads));
    } finally {
      await threads.clear();
      setExcepthook(before);
    }
  });
}
