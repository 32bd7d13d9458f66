/**
 * Iterating over what comes, until the error that says that nothing will come any more.
 *
 * @module
 */

/** Gives what `take` gives, until it throws an `End`. */
export async function* takeUntil<T>(
  take: () => Promise<T>,
  End: abstract new (...args: never[]) => Error,
): AsyncGenerator<T, void, void> {
  for (;;) {
    let value: T;
    try {
      value = await take();
    } catch (error) {
      if (error instanceof End) return;
      throw error;
    }
    yield value;
  }
}
