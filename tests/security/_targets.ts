/**
 * What children of least permissions run.
 *
 * @module
 */
import { task } from "../../lib/task.ts";

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
