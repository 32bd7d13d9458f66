/**
 * Starts workers that are processes.
 *
 * @module
 */
import { givesFfi, levelOf } from "../child/process/permissions.ts";
import { checkInteger } from "../core/checks.ts";
import { MOST_FROM_BELOW } from "../channel/socket/link.ts";
import type { EngineOptions } from "./options.ts";
import { ProcessLane, type ProcessWorkerOptions } from "./transport/process.ts";

/**
 * What workers with these options are, and how they are started.
 *
 * @throws {TypeError | RangeError} A bad option.
 */
export function processWorkers(
  options: Partial<ProcessWorkerOptions> | undefined,
  action: string,
): Pick<EngineOptions, "world" | "level" | "mayMap" | "start"> {
  const { permissions, maxMessage: most } = options ?? {};
  if (most !== undefined && most !== Infinity) checkInteger(most, 1, "maxMessage", action);
  const level = levelOf(permissions);
  // A process that may do all that this one may need not be kept from filling its memory.
  const maxMessage = most ?? (level === "below" ? MOST_FROM_BELOW : Infinity);
  return {
    world: "process",
    level,
    mayMap: givesFfi(permissions),
    start: (boot, rang) => new ProcessLane(boot, rang, { permissions, maxMessage }),
  };
}
