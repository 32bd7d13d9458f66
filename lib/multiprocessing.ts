/**
 * Processes: Denos of their own that run functions of yours, with locks that outlive their holders.
 *
 * | for | reach for |
 * | --- | --- |
 * | running a function in isolation | {@linkcode Process} |
 * | one at a time, between processes | {@linkcode Lock} |
 * | who am I, who started me | {@linkcode currentProcess}, {@linkcode parentProcess} |
 *
 * As in Python's "spawn", a child imports the main script anew: guard its main part with
 * `if (import.meta.main)`. The classes here extend those of `threading`: a function that is typed with
 * `threading.Lock` takes both.
 *
 * *Permissions*: a process needs `--allow-run` for Deno itself, and `--allow-read`, `--allow-write` and
 * `--allow-net` for a socket in the temporary folder. Locks between processes need `--allow-ffi`.
 *
 * @module
 */
export {
  activeChildren,
  cpuCount,
  currentProcess,
  parentProcess,
  Process,
} from "./multiprocessing/process.ts";
export type {
  JoinOptions,
  JoinSyncOptions,
  ProcessOptions,
  ProcessOptionsWithArgs,
  ProcessRest,
} from "./multiprocessing/process.ts";
export { Lock } from "./multiprocessing/lock.ts";
export type { AcquireOptions, AcquireSyncOptions, Bounded, LockOptions } from "./sync/lock.ts";
export { Guard } from "./sync/guard.ts";
export type { PermissionKind, Permissions } from "./child/permissions.ts";
export type { Stdio } from "./child/process_host.ts";
