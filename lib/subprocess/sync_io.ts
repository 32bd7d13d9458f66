/**
 * Reading, writing and waiting on the descriptors of pipes while the thread is blocked, on Linux.
 *
 * @module
 */
import { libc } from "../memory/platform/libc.ts";

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

let calls: ReturnType<typeof open> | undefined;

function open() {
  const transfer = { parameters: ["i32", "buffer", "usize"], result: "isize" } as const;
  return libc({
    poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
    read: transfer,
    write: transfer,
    dup: { parameters: ["i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
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
  (calls ??= open()).poll(words, BigInt(polled.length), Math.ceil(timeout));
  for (const [k, entry] of polled.entries()) {
    const events = halves[4 * k + 3]!;
    entry.isReady = events !== 0;
    entry.isGone = (events & GONE) !== 0;
  }
}

/** Reads what is there: its length, 0 at the end, -1 for nothing now. */
export function read(fd: number, into: Uint8Array<ArrayBuffer>): number {
  return Number((calls ??= open()).read(fd, into, BigInt(into.length)));
}

/** Writes what there is room for: how much that was, -1 for nothing. */
export function write(fd: number, from: Uint8Array<ArrayBuffer>): number {
  return Number((calls ??= open()).write(fd, from, BigInt(from.length)));
}

/** The numbers that the next copies of a descriptor would get. */
export function nextNumbers(fd: number, count: number): number[] {
  const { dup, close } = calls ??= open();
  const copies = Array.from({ length: count }, () => dup(fd)).filter((copy) => copy >= 0);
  for (const copy of copies) close(copy);
  return copies;
}
