/**
 * The memory that a test takes.
 *
 * @module
 */

/**
 * What this module's isolate has, in bytes: of the whole process, others that run beside it take
 * their part.
 */
export function memoryOf(): number {
  const { heapTotal, external } = Deno.memoryUsage();
  return heapTotal + external;
}
