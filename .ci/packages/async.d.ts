/**
 * The types of `@std/async` that the JavaScript of the npm package lacks.
 *
 * @module
 */

/** Makes a promise reject with the signal's reason once it aborts. */
export function abortable<T>(p: Promise<T>, signal: AbortSignal): Promise<T>;
/** Makes an iteration throw the signal's reason once it aborts. */
export function abortable<T>(p: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T>;

/** Options of {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early. */
  signal?: AbortSignal;
}

/** Makes a promise reject with a `TimeoutError` after so many milliseconds. */
export function deadline<T>(p: Promise<T>, ms: number, options?: DeadlineOptions): Promise<T>;

/** Options of {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait early. */
  signal?: AbortSignal;
  /** Whether the wait keeps the program alive; by default it does. */
  persistent?: boolean;
}

/** Waits so many milliseconds. */
export function delay(ms: number, options?: DelayOptions): Promise<void>;

/** What {@linkcode debounce} gives. */
export interface DebouncedFunction<T extends Array<unknown>> {
  (...args: T): void;
  /** Forgets the pending call. */
  clear(): void;
  /** Makes the pending call now. */
  flush(): void;
  /** Whether a call is pending. */
  readonly pending: boolean;
}

/** Options of {@linkcode debounce}. */
export interface DebounceOptions {
  /** Forgets the pending call. */
  signal?: AbortSignal | undefined;
}

/** Makes a function that calls once it has not been called for so many milliseconds. */
// deno-lint-ignore no-explicit-any
export function debounce<T extends Array<any>>(
  fn: (this: DebouncedFunction<T>, ...args: T) => void,
  wait: number,
  options?: DebounceOptions,
): DebouncedFunction<T>;

/** Maps an iteration with at most so many calls at a time; results come in the order of input. */
export function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;

/** Thrown by {@linkcode retry} after the last attempt; its cause is that attempt's error. */
export class RetryError extends Error {
  /** Takes the last error, and how many attempts were made. */
  constructor(cause: unknown, attempts: number);
}

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /** The factor from one pause to the next; 2 by default. */
  multiplier?: number;
  /** The longest pause in milliseconds; 60,000 by default. */
  maxTimeout?: number;
  /** How many calls are made; 5 by default. */
  maxAttempts?: number;
  /** The first and shortest pause in milliseconds; 1,000 by default. */
  minTimeout?: number;
  /** How much of a pause is random, from 0 to 1; 1 by default. */
  jitter?: number;
  /** Whether to go on after this error; by default after any. */
  isRetriable?: (err: unknown) => boolean;
  /** Ends the attempts. */
  signal?: AbortSignal;
}

/** Calls a function until it succeeds, with growing pauses. */
export function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options?: RetryOptions,
): Promise<T>;
