/**
 * The options of a thread, and the words for its state: types alone.
 *
 * @module
 */
/** The states of a thread: see `Thread.state`. */
export type ThreadState = "new" | "running" | "waiting" | "ended";

/** Options of a `Thread` whose target takes no arguments, or that subclasses it. */
export interface ThreadOptions {
  /** Its name. Default: Thread-1, Thread-2, … */
  name?: string;
  /** True if the program may end while it still runs. Default: as the thread that creates it. */
  daemon?: boolean;
  /**
   * True if `terminate()` frees the program from it even when its code never pauses. It then takes
   * about 30 ms longer to start. Default: false, and true for a daemon.
   */
  killable?: boolean;
  /** Objects in the arguments that are moved instead of copied, as in `postMessage()`. */
  transfer?: Transferable[];
  /** Called with each value that the task gives to `context().report()`. */
  // deno-lint-ignore no-explicit-any -- a report can be anything
  onReport?: (value: any) => void;
}

/** Options of a `Thread` whose target takes arguments. */
export interface ThreadOptionsWithArgs<A extends unknown[]> extends ThreadOptions {
  /**
   * The arguments of the target. What Python has in `kwargs` is one options object, the last.
   */
  args: A;
}

/** The options after a target: required when it takes arguments. */
export type ThreadRest<A extends unknown[]> = [] extends A
  ? [options?: ThreadOptions & { args?: A }]
  : [options: ThreadOptionsWithArgs<A>];
