/**
 * What children of least permissions run.
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { context, task } from "../../lib/task.ts";

const ROOT = new URL("../../", import.meta.url);

/** What a child may do that reads the library and its script, and nothing else. */
export const LEAST = {
  read: [ROOT],
  write: false,
  net: false,
  env: false,
  run: false,
  ffi: false,
  sys: false,
  import: false,
} as const;

export const idle = task(import.meta, function idle(): void {});

/** The variable in which it was given its key. */
export const childKey = task(import.meta, function childKey(): string | undefined {
  return Deno.env.get("SWITCHYARD_KEY");
});

/** The same of itself, of a child of its own, and of a program. */
export const childOfChild = task(import.meta, async function childOfChild() {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "printf %s $SWITCHYARD_KEY"] })
    .output();
  return [
    childKey(),
    await new Process(childKey).start().result(),
    new TextDecoder().decode(stdout),
  ];
});

export const environ = task(import.meta, function environ(): string {
  try {
    return Deno.readTextFileSync("/proc/self/environ");
  } catch (error) {
    return `${error}`;
  }
});

/** Reports so many bytes, each time, and returns the last. */
export const tellMuch = task(import.meta, function tellMuch(lengths: number[]): Uint8Array {
  let bytes = new Uint8Array();
  for (const length of lengths) {
    bytes = Uint8Array.from({ length }, (_, k) => k & 0xff);
    context().report(bytes);
  }
  return bytes;
});
