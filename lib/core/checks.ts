/**
 * Checks of arguments. Each throws at the call, and names the argument and the value.
 *
 * @module
 */

/** Shows a value in an error message: short, on one line. */
export function show(value: unknown): string {
  const text = typeof value === "string"
    ? JSON.stringify(value)
    : Deno.inspect(value, { depth: 0, compact: true, breakLength: Infinity, colors: false });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/**
 * Checks a timeout in milliseconds. `undefined` waits without limit.
 *
 * @param timeout The value given.
 * @param action What was asked for, as in `"acquire the lock"`.
 * @returns The time to wait, `Infinity` when none was given.
 */
export function checkTimeout(timeout: unknown, action: string): number {
  if (timeout === undefined || timeout === null) return Infinity;
  if (typeof timeout !== "number" || Number.isNaN(timeout)) {
    throw new TypeError(`Cannot ${action}: timeout must be a number, received ${show(timeout)}`);
  }
  if (timeout < 0) {
    throw new RangeError(`Cannot ${action}: timeout must be >= 0 ms, received ${timeout}`);
  }
  return timeout;
}

/** Checks that an argument is an integer of at least `least`. */
export function checkInteger(
  value: unknown,
  least: number,
  argument: string,
  action: string,
): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action}: ${argument} must be a number, received ${show(value)}`);
  }
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(
      `Cannot ${action}: ${argument} must be an integer >= ${least}, received ${value}`,
    );
  }
}

/** Checks that an optional argument is a string. */
export function checkString(value: unknown, argument: string, action: string): void {
  if (value !== undefined && typeof value !== "string") {
    throw new TypeError(`Cannot ${action}: ${argument} must be a string, received ${show(value)}`);
  }
}

/** Checks that an optional argument is a boolean. */
export function checkBoolean(value: unknown, argument: string, action: string): void {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`Cannot ${action}: ${argument} must be a boolean, received ${show(value)}`);
  }
}

/** Checks that an optional argument is a function. */
export function checkFunction(value: unknown, argument: string, action: string): void {
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(
      `Cannot ${action}: ${argument} must be a function, received ${show(value)}`,
    );
  }
}

/**
 * Checks that an optional argument is an array.
 *
 * @param isSecret Whether the error says only of what type another value is.
 */
export function checkArray(
  value: unknown,
  argument: string,
  action: string,
  isSecret = false,
): asserts value is unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return;
  const given = isSecret ? `one ${typeof value}` : show(value);
  throw new TypeError(`Cannot ${action}: ${argument} must be an array, received ${given}`);
}

/** Checks that an argument can be iterated over, also asynchronously if `async` says so. */
export function checkIterable(
  value: unknown,
  argument: string,
  action: string,
  { async = false }: { async?: boolean } = {},
): void {
  const given = Object(value ?? 0);
  if (typeof given[Symbol.iterator] === "function") return;
  if (async && typeof given[Symbol.asyncIterator] === "function") return;
  throw new TypeError(`Cannot ${action}: ${argument} must be iterable, received ${show(value)}`);
}

/** Checks an options object: an object, not an array, not a function. */
export function checkOptions(value: unknown, action: string): void {
  if (
    value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value))
  ) {
    throw new TypeError(`Cannot ${action}: options must be an object, received ${show(value)}`);
  }
}

/** Checks an optional AbortSignal. */
export function checkSignal(value: unknown, action: string): void {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw new TypeError(`Cannot ${action}: signal must be an AbortSignal, received ${show(value)}`);
  }
}
