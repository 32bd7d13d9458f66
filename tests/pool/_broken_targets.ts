/**
 * A module whose import fails in every child.
 *
 * @module
 */
import { task } from "../../lib/task.ts";

export const brokenImport = task(import.meta, (x: number) => x);

// Whoever imports it for its targets says so first; children do not know of that.
if (!("worksHere" in globalThis)) throw new RangeError("this module works in no child");
