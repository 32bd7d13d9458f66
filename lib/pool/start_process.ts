/**
 * Starts workers that are processes.
 *
 * @module
 */
import type { Permissions } from "../child/permissions.ts";
import type { EngineOptions } from "./engine.ts";
import { ProcessLane } from "./process_lane.ts";

/** How workers with these permissions are started. */
export function startProcess(permissions: Permissions | undefined): EngineOptions["start"] {
  return (boot, rang) => new ProcessLane(boot, rang, permissions);
}
