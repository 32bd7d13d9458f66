/**
 * Tasks: functions that threads, processes and pools run.
 *
 * A function cannot be sent to another thread or process; its name can. So a target is an exported
 * function of the main module, or one marked with {@linkcode task} in any module. The other side
 * imports that module and finds the function there. It imports the main script too, hence a script
 * guards its main part with `if (import.meta.main)`; without it, starting a child throws a
 * `BootstrapError` instead of starting children without end.
 *
 * Inside a task, {@linkcode context} gives its signal and its way to report.
 *
 * @module
 */
export { task } from "./transfer/task.ts";
export type { Target } from "./transfer/task.ts";
export { context } from "./child/context.ts";
export type { TaskContext } from "./child/context.ts";
