/** Targets of thread_test.ts. */
import { context, task } from "../lib/task.ts";
import { Thread } from "../lib/threading.ts";
import { sleep } from "../lib/time.ts";
import { compute } from "./_help/compute.ts";

export const spin = task(import.meta, () => {
  context().report("running");
  compute(10_000);
});

/** Says whether threads that it creates are daemons, if it does not say. */
export const createsDaemons = task(import.meta, () => [
  new Thread(sleep, { args: [0] }).daemon,
  new Thread(sleep, { args: [0], daemon: false }).daemon,
]);
