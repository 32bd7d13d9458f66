/**
 * Starts workers that are processes.
 *
 * @module
 */
import { levelOf, type Permissions } from "../child/permissions.ts";
import type { EngineOptions } from "./engine.ts";
import { ProcessLane } from "./process_lane.ts";

/** What workers with these permissions are, and how they are started. */
export function processWorkers(
  permissions: Permissions | undefined,
): Pick<EngineOptions, "world" | "level" | "start"> {
  return {
    world: "process",
    level: levelOf(permissions),
    start: (boot, rang) => new ProcessLane(boot, rang, permissions),
  };
}
