/** Targets of thread_test.ts. */
import { context, task } from "../lib/task.ts";
import { compute } from "./_help/compute.ts";

export const spin = task(import.meta, () => {
  context().report("running");
  compute(10_000);
});
