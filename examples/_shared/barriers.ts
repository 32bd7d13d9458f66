/**
 * Barriers that do not outlast those they are for.
 *
 * @module
 */

/**
 * Breaks barriers when a thread or process fails: nobody goes on waiting for one who will not come.
 *
 * Main needs it where it is one of the parties. The error that it gets is BrokenBarrierError; what
 * went wrong in the other has been told on stderr.
 */
export function breakOnFailure(
  workers: { result(): Promise<unknown> }[],
  ...barriers: { abort(): void }[]
): void {
  for (const worker of workers) {
    worker.result().catch(() => {
      for (const barrier of barriers) barrier.abort();
    });
  }
}
