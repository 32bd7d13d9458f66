/**
 * The options of a process: types alone.
 *
 * @module
 */
import type { Stdio } from "../child/process/host.ts";
import type { Permissions } from "../child/process/permissions.ts";

/** Options of a `Process` whose target takes no arguments, or that subclasses it. */
export interface ProcessOptions {
  /** Its name. Default: Process-1, Process-2, … */
  name?: string;
  /**
   * True if it is stopped when its parent's own code has ended, before other processes are waited
   * for; it may then start no children. Default: false.
   */
  daemon?: boolean;
  /**
   * Its permissions, never more than its parent's. Default: what the parent has in full; of a
   * permission that is limited or has denials, only what is named here and a query confirms. So
   * patterns (`S*`) and ranges (`10.0.0.0/8`) pass on only where the parent has all of that kind,
   * and where it is denied some addresses only `IP:PORT` does.
   *
   * `import`: by default what the parent has, Deno's usual hosts among it. A list names hosts, and
   * `"npm:"` for npm packages; `false` leaves nothing but files, and the toolkit's and the target's
   * own hosts.
   */
  permissions?: Permissions;
  /** Variables added to its environment. `SWITCHYARD_KEY` is the toolkit's own. */
  env?: Record<string, string>;
  /** Its working directory. Default: the parent's. */
  cwd?: string | URL;
  /**
   * Its standard input. Default: `"inherit"`; for a child with fewer permissions than its parent
   * `"null"`, as what is typed may be a password.
   */
  stdin?: Stdio;
  /** Its standard output. Default: `"inherit"`. */
  stdout?: Stdio;
  /** Its standard error. Default: `"inherit"`. */
  stderr?: Stdio;
  /** `"keep"`: it lives on when its parent dies. Default: it ends within 2 s. */
  orphan?: "keep" | "end";
  /**
   * Its deno.json. Default: the one that applies to the main module; which one that is, is found
   * out once, before the program's first child starts. One that appears later is not used; one that
   * changes is read as it then is.
   */
  config?: string | URL;
  /** Called with each value that the task gives to `context().report()`. */
  // deno-lint-ignore no-explicit-any -- a report can be anything
  onReport?: (value: any) => void;
}

/** Options of a `Process` whose target takes arguments. */
export interface ProcessOptionsWithArgs<A extends unknown[]> extends ProcessOptions {
  /**
   * The arguments of the target. What Python has in `kwargs` is one options object, the last.
   */
  args: A;
}

/** The options after a target: required when it takes arguments. */
export type ProcessRest<A extends unknown[]> = [] extends A
  ? [options?: ProcessOptions & { args?: A }]
  : [options: ProcessOptionsWithArgs<A>];
