/**
 * The calls that the toolkit asks of an operating system for memory between processes.
 *
 * | call | Linux (proven) | macOS (designed) | Windows (designed) |
 * | --- | --- | --- | --- |
 * | memory without a name on disk | `memfd_create`, opened as `/proc/PID/fd/N` | `shm_open` + unlink | `CreateFileMapping` |
 * | wait and wake | `futex` | `os_sync_wait_on_address` | polling |
 * | wait on many | `futex_waitv` | one doorbell | polling |
 * | a mark that the kernel clears on death | open-file-description lock on one byte | `flock` byte range | named mutex |
 *
 * @module
 */

/** A mapped memory. */
export interface Mapping {
  /** The file descriptor in this process. */
  fd: number;
  /** Where it is mapped. */
  address: bigint;
}

/** The calls, by platform. Addresses are those of 32-bit words in shared mappings. */
export interface Platform {
  /** Creates memory that vanishes with its last user. */
  create(bytes: number): Mapping;
  /** Opens and maps the memory that `path` leads to. */
  open(path: string, bytes: number): Mapping;
  /** Creates an empty file without a name, for another process to leave a message in. */
  createBox(): number;
  /** Leaves the message in the box that `path` leads to. */
  leaveInBox(path: string, message: Uint8Array): void;
  /** Reads the box; empty when nothing was left in it. */
  readBox(fd: number): Uint8Array<ArrayBuffer>;
  /** Closes a descriptor. */
  close(fd: number): void;
  /** Where another process finds the memory behind a descriptor of this one. */
  path(fd: number): string;
  /** Blocks while the word is `value`, at most `timeout` ms. */
  waitSync(address: bigint, value: number, timeout: number): void;
  /** Settles when one of the words is woken or is not its value, or after `timeout` ms. */
  waitAny(addresses: bigint[], values: number[], timeout: number): Promise<void>;
  /** Wakes up to `count` of those that wait on the word. */
  wake(address: bigint, count: number): void;
  /** Marks one byte as this process's until it ends, by whatever means. */
  hold(fd: number, byte: number): void;
  /** Takes the mark off the byte. */
  drop(fd: number, byte: number): void;
  /** True if another process has marked the byte. */
  isHeld(fd: number, byte: number): boolean;
  /** Has the kernel kill this process when the thread that started it ends. */
  endWithParent(pid: number): void;
  /** The end of a child of this process, without reaping it; undefined while it runs. */
  ended(pid: number): { code: number; signal: number } | undefined;
  /**
   * True if a process is no child of this one any more, not even one that has ended: it has been
   * reaped.
   */
  isReaped(pid: number): boolean;
  /** Ends the whole process at once. */
  exit(code: number): never;
}

/**
 * The calls for memory with a name, by platform: macOS and Windows have names of their own
 * (`shm_open`, `CreateFileMapping`).
 */
export interface NamedFiles {
  /** Makes a memory file of `bytes` bytes that shows as `title`. */
  create(title: string, bytes: number): number;
  /** Opens what `path` leads to; undefined when there is nothing, or it may not be opened. */
  open(path: string): number | undefined;
  /** Closes a descriptor. */
  close(fd: number): void;
  /** The title that the descriptor at `path` shows; "" for what is no memory file. */
  title(path: string): string;
  /** Where the descriptors are, of any process, that show as a title that ends in `ending`. */
  find(beginning: string, ending: string): Place[];
  /** The size of the file. */
  size(fd: number): number;
  /** Reads a 32-bit word. */
  readWord(fd: number, at: number): number;
  /** Writes a 32-bit word. */
  writeWord(fd: number, at: number, value: number): void;
  /** Maps the first `bytes` bytes. */
  map(fd: number, bytes: number): { address: bigint; buffer: ArrayBuffer };
  /** Ends the mapping; the buffer must be out of reach. */
  unmap(address: bigint, bytes: number): void;
}

/** A descriptor of some process. */
export interface Place {
  pid: number;
  fd: number;
}
