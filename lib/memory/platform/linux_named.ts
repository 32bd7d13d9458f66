/**
 * The calls for memory with a name on Linux, by FFI to the C library.
 *
 * @module
 */
import { cString, libc } from "./libc.ts";
import type { NamedFiles, Place } from "./platform.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/**
 * No change of size, and no further seals: a mapping that shrinks would end its users with SIGBUS.
 */
const SEALS = 1 | 2 | 4;
const O_RDWR_CLOEXEC = 0o2000002;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
/** Where the name is in a `struct dirent`. */
const NAME_AT = 19;
const LINK_BYTES = 512;
/** What the kernel puts around a memory file's title. */
const BEFORE = "/memfd:";
const AFTER = " (deleted)";

const decoder = new TextDecoder();

function functions() {
  return libc({
    memfdCreate: { name: "memfd_create", parameters: ["buffer", "u32"], result: "i32" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    munmap: { parameters: ["pointer", "usize"], result: "i32" },
    open: { parameters: ["buffer", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
    pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
    readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
    opendir: { parameters: ["buffer"], result: "pointer" },
    readdir: { parameters: ["pointer"], result: "pointer" },
    closedir: { parameters: ["pointer"], result: "i32" },
  });
}

/** The calls on Linux. */
export function linuxFiles(): NamedFiles {
  const c = functions();
  const link = new Uint8Array(LINK_BYTES);
  const word = new Int32Array(1);

  /** The numbers that a folder's entries are named by. */
  const numbersIn = (path: string): number[] => {
    const folder = c.opendir(cString(path));
    if (folder === null) return [];
    const numbers: number[] = [];
    for (let entry = c.readdir(folder); entry !== null; entry = c.readdir(folder)) {
      const number = Number(new Deno.UnsafePointerView(entry).getCString(NAME_AT));
      if (Number.isInteger(number)) numbers.push(number);
    }
    c.closedir(folder);
    return numbers;
  };
  const titleAt = (path: string): string => {
    const length = Number(c.readlink(cString(path), link, BigInt(LINK_BYTES)));
    // Most links are of something else: only a memory file's is read as text.
    if (length < BEFORE.length || link[1] !== 0x6d) return "";
    const text = decoder.decode(link.subarray(0, length));
    if (!text.startsWith(BEFORE) || !text.endsWith(AFTER)) return "";
    return text.slice(BEFORE.length, -AFTER.length);
  };

  return {
    create(title, bytes) {
      const fd = c.memfdCreate(cString(title), MFD_CLOEXEC | MFD_ALLOW_SEALING);
      if (fd < 0) throw new Error("Cannot create shared memory: memfd_create failed");
      if (c.ftruncate(fd, BigInt(bytes)) !== 0) {
        c.close(fd);
        throw new RangeError(`Cannot create shared memory: there is no room for ${bytes} bytes`);
      }
      c.fcntl(fd, F_ADD_SEALS, SEALS);
      return fd;
    },
    open(path) {
      const fd = c.open(cString(path), O_RDWR_CLOEXEC);
      return fd < 0 ? undefined : fd;
    },
    close(fd) {
      c.close(fd);
    },
    title: titleAt,
    find(beginning, ending) {
      const found: Place[] = [];
      for (const pid of numbersIn("/proc")) {
        for (const fd of numbersIn(`/proc/${pid}/fd`)) {
          const title = titleAt(`/proc/${pid}/fd/${fd}`);
          if (title.startsWith(beginning) && title.endsWith(ending)) found.push({ pid, fd });
        }
      }
      return found;
    },
    size: (fd) => Number(c.lseek(fd, 0n, SEEK_END)),
    readWord(fd, at) {
      word[0] = 0;
      c.pread(fd, word, 4n, BigInt(at));
      return word[0]!;
    },
    writeWord(fd, at, value) {
      word[0] = value;
      c.pwrite(fd, word, 4n, BigInt(at));
    },
    map(fd, bytes) {
      const pointer = c.mmap(null, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n);
      const address = Deno.UnsafePointer.value(pointer);
      if (address === 0n || address === 0xffffffffffffffffn) {
        throw new RangeError(`Cannot map shared memory: there is no room for ${bytes} bytes`);
      }
      return { address, buffer: Deno.UnsafePointerView.getArrayBuffer(pointer!, bytes) };
    },
    unmap(address, bytes) {
      c.munmap(Deno.UnsafePointer.create(address), BigInt(bytes));
    },
  };
}
