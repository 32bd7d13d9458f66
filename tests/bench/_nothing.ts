/**
 * A target that does nothing, in a module that loads next to nothing: what a start costs apart from
 * the modules that its target needs.
 *
 * @module
 */
import { task } from "../../lib/task.ts";

/** Does nothing. */
export const nothing = task(import.meta, function nothing() {});
