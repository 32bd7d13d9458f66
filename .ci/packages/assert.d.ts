/**
 * The types of `@std/assert` that the JavaScript of the npm package lacks.
 *
 * @module
 */

// A class of any constructor; `any` because parameters are compared contravariantly.
// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

/** What counts as false. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** An array, a typed array, or another object that is indexed like one. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Thrown by every assertion that does not hold. */
export class AssertionError extends Error {
  /** Takes the message, and a cause. */
  constructor(message: string, options?: ErrorOptions);
}

/** Whether two values are alike in structure. */
export function equal(a: unknown, b: unknown): boolean;

/** Holds when the value is truthy. */
export function assert(expr: unknown, msg?: string): asserts expr;

/** Holds when the value is falsy. */
export function assertFalse(expr: unknown, msg?: string): asserts expr is Falsy;

/** Holds when both are alike in structure. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void;

/** Holds when the two differ in structure. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;

/** Holds when both are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T;

/** Holds when the two are not the same by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void;

/** Holds when two numbers are within the tolerance; by default one in ten million. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void;

/** Holds when the value is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T>;

/** Holds when `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void;

/** Holds when `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void;

/** Holds when `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void;

/** Holds when `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void;

/** Holds when the value is an instance of the class. */
export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T>;

/** Holds when the value is no instance of the class. */
export function assertNotInstanceOf<A, T>(
  actual: A,
  unexpectedType: Class<T>,
  msg?: string,
): asserts actual is Exclude<A, T>;

/** Holds when the value is an error, of this class and with this text where they are given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: Class<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E;

/** Holds when the expression matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void;

/** Holds when the expression does not match. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void;

/** Holds when the one string contains the other. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void;

/** Holds when each expected element is among the actual ones. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void;

/** Holds when the object has what is expected, and perhaps more. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void;

/** Holds when the function throws; gives what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Holds when the function throws an error of this class, with this text in its message. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;

/** Holds when the function's promise rejects; gives the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Holds when the function's promise rejects with an error of this class and text. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;

/** Fails. */
export function fail(msg?: string): never;

/** Fails: this is still to be written. */
export function unimplemented(msg?: string): never;

/** Fails: this line should never have been reached. */
export function unreachable(msg?: string): never;
