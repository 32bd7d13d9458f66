/**
 * The `os.fork()` of Python, which Deno cannot do.
 *
 * @module
 */

/**
 * Always throws: a Deno cannot be forked. It is many threads, of which a copy would have but the
 * one that called, in the midst of what all the others were doing: a lock that one of them held
 * would stay locked for ever.
 *
 * In its place: `new Process(target)` of `multiprocessing` runs a function in a Deno of its own,
 * with what it is given as arguments; `prewarm()` has one ready, so that it starts in a few
 * milliseconds; `subprocess.run()` runs another program.
 *
 * @throws {Deno.errors.NotSupported} Always.
 */
export function fork(): never {
  throw new Deno.errors.NotSupported(
    "Cannot fork: a Deno is many threads, of which a copy would have one, in the midst of what the " +
      "others did; use new multiprocessing.Process(target, { args }) to run a function in a process " +
      "of its own, or subprocess.run() to run another program",
  );
}
