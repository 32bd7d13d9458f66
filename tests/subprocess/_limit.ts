/**
 * What the tests of programs share.
 *
 * @module
 */
import { LACKS, unless } from "../_help/lacks.ts";
import { LIMIT, within } from "../_help/within.ts";

/** A test of programs of POSIX, with a time limit of its own. */
export function test(
  name: string,
  fn: () => Promise<void> | void,
  options: Partial<Deno.TestDefinition> = {},
): void {
  Deno.test({ ...unless(LACKS.posix, name), fn: () => within(LIMIT, fn()), ...options });
}

/** A test that every system can run, with a time limit. */
export function everywhere(name: string, fn: () => Promise<void> | void, limit = LIMIT): void {
  Deno.test(name, () => within(limit, fn()));
}

/** A script for `sh -c`. */
export function sh(script: string, ...args: string[]): string[] {
  return ["sh", "-c", script, "sh", ...args];
}

/** Bytes that repeat only after a while, so that a lost or doubled chunk shows. */
export function pattern(size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let k = 0; k < words.length; k++) words[k] = Math.imul(k, 2654435761);
  return new Uint8Array(words.buffer, 0, size);
}

/** Whether two arrays have the same bytes; quicker than an assertion over megabytes. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  return a.every((byte, k) => byte === b[k]);
}

/** How many file descriptors this process has open. */
export function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
