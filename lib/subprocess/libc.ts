/**
 * Reading, writing and waiting on the descriptors of pipes while the thread is blocked, on Linux.
 *
 * @module
 */

/** Something can be read, or written. */
export const POLLIN = 1;
export const POLLOUT = 4;
/** The other end is closed, or the descriptor is. */
const GONE = 8 | 16 | 32;

/** A descriptor to wait on. */
export interface Polled {
  fd: number;
  wants: typeof POLLIN | typeof POLLOUT;
  isReady: boolean;
  isGone: boolean;
}

interface Calls {
  poll(fds: Int32Array<ArrayBuffer>, count: bigint, timeout: number): number;
  read(fd: number, into: Uint8Array<ArrayBuffer>, count: bigint): number | bigint;
  write(fd: number, from: Uint8Array<ArrayBuffer>, count: bigint): number | bigint;
}

let calls: Calls | undefined;

/** Finds a function or a variable of the C library. */
export type Find = (name: string) => Deno.PointerObject;

/** Looks things up in the library, which is closed again: the process has it loaded anyway. */
export function lookUp<T>(use: (find: Find) => T): T {
  const library = Deno.dlopen("libc.so.6", {
    dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
  });
  try {
    return use((name) => library.symbols.dlsym(null, new TextEncoder().encode(`${name}\0`))!);
  } finally {
    library.close();
  }
}

/** A function that can be called. */
export function fn<const D extends Deno.ForeignFunction>(
  address: Deno.PointerObject,
  definition: D,
): Deno.UnsafeFnPointer<D> {
  return new Deno.UnsafeFnPointer(address as Deno.PointerObject<D>, definition);
}

function open(): Calls {
  return lookUp((find) => {
    const transfer = { parameters: ["i32", "buffer", "usize"], result: "isize" } as const;
    const poll = fn(find("poll"), { parameters: ["buffer", "u64", "i32"], result: "i32" });
    const read = fn(find("read"), transfer);
    const write = fn(find("write"), transfer);
    return {
      poll: (fds, count, timeout) => poll.call(fds, count, timeout),
      read: (fd, into, count) => read.call(fd, into, count),
      write: (fd, from, count) => write.call(fd, from, count),
    };
  });
}

function libc(): Calls {
  return calls ??= open();
}

/** Blocks until one of the descriptors is ready, or for `timeout` ms. */
export function poll(polled: Polled[], timeout: number): void {
  // struct pollfd: the descriptor, then two 16-bit words: what is wanted, and what is the case.
  const words = new Int32Array(2 * polled.length);
  const halves = new Int16Array(words.buffer);
  for (const [k, { fd, wants }] of polled.entries()) {
    words[2 * k] = fd;
    halves[4 * k + 2] = wants;
  }
  libc().poll(words, BigInt(polled.length), Math.ceil(timeout));
  for (const [k, entry] of polled.entries()) {
    const events = halves[4 * k + 3]!;
    entry.isReady = events !== 0;
    entry.isGone = (events & GONE) !== 0;
  }
}

/** Reads what is there: its length, 0 at the end, -1 for nothing now. */
export function read(fd: number, into: Uint8Array<ArrayBuffer>): number {
  return Number(libc().read(fd, into, BigInt(into.length)));
}

/** Writes what there is room for: how much that was, -1 for nothing. */
export function write(fd: number, from: Uint8Array<ArrayBuffer>): number {
  return Number(libc().write(fd, from, BigInt(from.length)));
}
