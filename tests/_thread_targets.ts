/** Targets of thread_test.ts. */
import { context, task } from "../lib/task.ts";

export const spin = task(import.meta, () => {
  context().report("running");
  for (;;);
});
