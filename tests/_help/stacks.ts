/**
 * Runs a test whose errors have no stacks: where there are a hundred thousand, making these takes
 * most of the time.
 */
export async function withoutStacks(fn: () => void | Promise<void>): Promise<void> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    await fn();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
