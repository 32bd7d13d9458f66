/**
 * Starts workers that are threads.
 *
 * @module
 */
import type { EngineOptions } from "./options.ts";
import { ThreadLane } from "./transport/thread.ts";

/** Starts a worker. */
export const startThread: EngineOptions["start"] = (boot, rang) => new ThreadLane(boot, rang);
