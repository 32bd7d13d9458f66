/**
 * The parent's ends of a child's pipes, whichever way the child was started.
 *
 * @module
 */

/** Bytes as pipes carry them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The end that reads. One reads at a time. */
export interface ReadEnd {
  /** The next bytes; null at the end. */
  read(): Promise<Bytes | null>;
  /** The bytes that have arrived already; null when there is none. */
  readNow?(): Bytes | null;
  /** The file descriptor, where it is known. */
  readonly fd?: number | undefined;
  /** The node stream, for handing the descriptor to another child. */
  readonly stream?: unknown;
  /** Closes the end: the child's next write fails. */
  cancel(): void;
}

/** The end that writes. */
export interface WriteEnd {
  /**
   * Writes bytes; settles when the pipe has taken them.
   *
   * @throws {Deno.errors.BrokenPipe} Nobody has the other end any more.
   */
  write(bytes: Bytes): Promise<void>;
  /** Closes the end: the child reads to the end of what was written. */
  close(): Promise<void>;
  /** The file descriptor, where it is known. */
  readonly fd?: number | undefined;
}

/** A child that runs. */
export interface SpawnedProgram {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly stdin: WriteEnd | null;
  readonly stdout: ReadEnd | null;
  readonly stderr: ReadEnd | null;
  /** True if a blocked thread could read and write its pipes. */
  readonly hasDescriptors: boolean;
  /** Sends a signal; nothing happens once it has been reaped. */
  kill(signal: Deno.Signal): void;
  /** From now on it and its pipes keep no program alive. */
  unref(): void;
}

/** The program to start, checked and resolved. */
export interface CommandPlan {
  /** The name that the caller gave, for messages. */
  name: string;
  program: string;
  args: string[];
  /** True if Windows is to pass the arguments on as they are: its shell splits them itself. */
  isRaw: boolean;
  cwd: string | URL | undefined;
  /**
   * The whole environment, or with `extendsEnv` what the parent's is extended by; undefined for the
   * parent's.
   */
  env: Record<string, string> | undefined;
  extendsEnv: boolean;
  stdin: StdioTarget;
  stdout: StdioTarget;
  stderr: StdioTarget;
  detached: boolean;
}

/**
 * Where a standard stream leads: besides the words of Deno, a file descriptor, or another's pipe.
 */
export type StdioTarget = "inherit" | "null" | "piped" | number | ReadEnd;
