/**
 * What spares run to warm up.
 *
 * @module
 */
import { task } from "../transfer/task.ts";

/** A target like any other. */
export const rehearsal: (word: string) => string = task(
  import.meta,
  function rehearsal(word: string) {
    return word;
  },
);
