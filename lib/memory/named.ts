/**
 * Memory that has a name, by which other processes of the same user find it.
 *
 * It is no file: a name on disk would be left behind by a crash. It is a memory file
 * (`memfd_create`) whose creator keeps its descriptor. The kernel shows the name where the
 * descriptor is, as `/proc/PID/fd/N -> /memfd:switchyard-shm:ID:NAME`; who looks for a name reads
 * these links. So a name exists exactly as long as its creator holds the descriptor: it goes with
 * `unlink()` and with the end of the creator, however that comes. The memory itself stays until its
 * last user has let go of it.
 *
 * The last 64 bytes of the file are ours: whether it is a candidate, established or unlinked.
 *
 * ```text
 *   CANDIDATE -> ESTABLISHED -> UNLINKED
 *       |              |            |
 *       +--------------+------------+--> gone, whenever its creator ends
 * ```
 *
 * Two that create the same name at the same time: each makes its candidate, then looks for others.
 * An established one wins. Of two candidates that of the lower pid and descriptor waits for the
 * other to settle; the higher one withdraws, and begins anew when none is left. Who looked before
 * the other's candidate was there establishes itself, and the other, which waits, sees that.
 *
 * @module
 */
import { linuxFiles } from "./platform/linux.ts";
import { platform } from "./platform/mod.ts";
import type { NamedFiles, Place } from "./platform/platform.ts";

/** The facts that another handle finds the memory by. */
export interface SentMemory extends Place {
  name: string;
  id: string;
}

/** A memory with a name, opened or created. */
export interface NamedMemory {
  name: string;
  id: string;
  /** Where its creator holds it. */
  place: Place;
  /** The descriptor that holds it, in its creator alone. */
  fd: number | undefined;
  size: number;
  address: bigint;
  buffer: ArrayBuffer;
}

const TITLE = "switchyard-shm:";
const TRAILER = 64;
const CANDIDATE = 0;
const ESTABLISHED = 1;
const UNLINKED = 2;
/** The time that a candidate may stay one: its creator is in the midst of a few calls. */
const SETTLING = 2000;

let files: NamedFiles | undefined;
const idle = new Int32Array(new SharedArrayBuffer(4));

function theFiles(): NamedFiles {
  // Its checks come first, and its errors.
  platform();
  return files ??= linuxFiles();
}

/** Where the file's own words are: behind what is mapped for the user, aligned. */
function stateAt(fileSize: number): number {
  return fileSize - TRAILER;
}

function fileSize(size: number): number {
  return Math.ceil(size / 8) * 8 + TRAILER;
}

function use(fd: number, size: number): { address: bigint; buffer: ArrayBuffer } {
  const { address, buffer } = theFiles().map(fd, size);
  return { address, buffer };
}

/**
 * Creates a memory.
 *
 * @returns undefined when there is one of that name already.
 */
export function createNamed(name: string, size: number, isNew: boolean): NamedMemory | undefined {
  const calls = theFiles();
  const id = crypto.randomUUID().slice(0, 8);
  const began = performance.now();
  for (;;) {
    const fd = calls.create(`${TITLE}${id}:${name}`, fileSize(size));
    try {
      calls.writeWord(fd, stateAt(fileSize(size)) + 4, size % 8);
      const verdict = isNew ? "mine" : contend(name, { pid: Deno.pid, fd });
      if (verdict === "theirs") return void calls.close(fd);
      if (verdict === "mine") {
        const memory = { name, id, place: { pid: Deno.pid, fd }, fd, size, ...use(fd, size) };
        calls.writeWord(fd, stateAt(fileSize(size)), ESTABLISHED);
        return memory;
      }
    } catch (cause) {
      calls.close(fd);
      throw cause;
    }
    calls.close(fd);
    if (!isVacant(name, began)) return undefined;
  }
}

/** Waits until the candidates of a name have settled; whether there is none of that name then. */
function isVacant(name: string, began: number): boolean {
  while (performance.now() - began < SETTLING) {
    const states = theFiles().find(TITLE, `:${name}`).map((place) => stateOf(place, name));
    if (states.includes(ESTABLISHED)) return false;
    if (!states.includes(CANDIDATE)) return true;
    Atomics.wait(idle, 0, 0, 1 + Math.random() * 3);
  }
  return false;
}

/** Whose a name is that several may want. */
function contend(name: string, mine: Place): "mine" | "theirs" | "again" {
  const calls = theFiles();
  const began = performance.now();
  for (;;) {
    let waits = false;
    for (const other of calls.find(TITLE, `:${name}`)) {
      if (other.pid === mine.pid && other.fd === mine.fd) continue;
      const state = stateOf(other, name);
      if (state === ESTABLISHED) return "theirs";
      if (state !== CANDIDATE) continue;
      const isLower = mine.pid - other.pid || mine.fd - other.fd;
      if (isLower > 0) return "again";
      waits = true;
    }
    if (!waits) return "mine";
    // One that has stopped in the midst may still go on: the name is not free.
    if (performance.now() - began > SETTLING) return "theirs";
    Atomics.wait(idle, 0, 0, 1);
  }
}

/**
 * The state of the memory that a descriptor leads to; UNLINKED when it leads to none of that name.
 */
function stateOf(place: Place, name: string): number {
  const calls = theFiles();
  const path = pathOf(place);
  const fd = isOurs(calls.title(path), name) ? calls.open(path) : undefined;
  if (fd === undefined) return UNLINKED;
  try {
    return calls.readWord(fd, stateAt(calls.size(fd)));
  } finally {
    calls.close(fd);
  }
}

/** True if a title is of a memory with that name. The name may hold colons, the id does not. */
function isOurs(title: string, name: string, id?: string): boolean {
  if (!title.startsWith(TITLE)) return false;
  const rest = title.slice(TITLE.length);
  const end = rest.indexOf(":");
  return rest.slice(end + 1) === name && (id === undefined || rest.slice(0, end) === id);
}

function pathOf({ pid, fd }: Place): string {
  return `/proc/${pid}/fd/${fd}`;
}

/** Opens the memory of a name; undefined when there is none. */
export function openNamed(name: string): NamedMemory | undefined {
  for (const place of theFiles().find(TITLE, `:${name}`)) {
    const memory = openAt(place, name);
    if (memory !== undefined) return memory;
  }
  return undefined;
}

/** Opens the memory that a handle elsewhere stands for; undefined when it is gone. */
export function openSent({ pid, fd, name, id }: SentMemory): NamedMemory | undefined {
  return openAt({ pid, fd }, name, id);
}

function openAt(place: Place, name: string, id?: string): NamedMemory | undefined {
  const calls = theFiles();
  const path = pathOf(place);
  // The number may be another file's by now: look before it is opened, and after.
  const fd = isOurs(calls.title(path), name, id) ? calls.open(path) : undefined;
  if (fd === undefined) return undefined;
  try {
    const title = calls.title(pathOf({ pid: Deno.pid, fd }));
    if (!isOurs(title, name, id)) return undefined;
    const bytes = calls.size(fd);
    const state = calls.readWord(fd, stateAt(bytes));
    // A handle is as good as the memory; a name is not what has been taken away, or is not yet
    // there.
    if (id === undefined && state !== ESTABLISHED) return undefined;
    const odd = calls.readWord(fd, stateAt(bytes) + 4);
    const size = bytes - TRAILER - (odd === 0 ? 0 : 8 - odd);
    const found = title.slice(TITLE.length, title.indexOf(":", TITLE.length));
    return { name, id: found, place, fd: undefined, size, ...use(fd, size) };
  } finally {
    calls.close(fd);
  }
}

/** Takes the name away, for all; the memory stays for those who have it open. */
export function unlinkNamed(memory: NamedMemory): void {
  const calls = theFiles();
  const { place, name, id } = memory;
  const path = pathOf(place);
  const isThere = isOurs(calls.title(path), name, id);
  const fd = memory.fd ?? (isThere ? calls.open(path) : undefined);
  memory.fd = undefined;
  if (fd === undefined) return;
  try {
    calls.writeWord(fd, stateAt(calls.size(fd)), UNLINKED);
  } finally {
    calls.close(fd);
  }
}

/** True if the name has been taken away, as far as the creator's descriptor tells. */
export function isUnlinked({ fd }: NamedMemory): boolean {
  if (fd === undefined) return false;
  const calls = theFiles();
  return calls.readWord(fd, stateAt(calls.size(fd))) === UNLINKED;
}

/** Ends the use of the memory by this handle: its buffer is empty from now on. */
export function unmapNamed(memory: NamedMemory): void {
  const { address, size, buffer } = memory;
  // Who has moved the buffer elsewhere still reads there: then the mapping stays.
  if (buffer.detached) return;
  buffer.transfer();
  theFiles().unmap(address, size);
}
