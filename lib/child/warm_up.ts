/**
 * The warm-up of spares: a spare runs a dummy task once, so that V8 has compiled the path when the
 * real one comes.
 *
 * @module
 */
import { referTo, task } from "../transfer/task.ts";
import { run, type Runnable } from "./run.ts";

/** A target like any other. */
export const rehearsal: (word: string) => string = task(
  import.meta,
  function rehearsal(word: string) {
    return word;
  },
);

/** The plan by which a spare warms up. */
export interface WarmUpPlan {
  /** The program's main module. */
  main: string;
  /** Modules to have at hand. */
  faces: string[];
}

/** Runs a job that nobody has asked for; gives its value. */
export async function rehearse(
  { main, faces }: WarmUpPlan,
  values: Pick<Runnable, "modules" | "args">,
): Promise<unknown> {
  for (const face of faces) await import(face);
  return await run({
    main,
    target: referTo(rehearsal),
    subclass: false,
    ...values,
    context: { signal: new AbortController().signal, name: "", report: () => {} },
  });
}
