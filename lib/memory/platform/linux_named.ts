/**
 * The calls for memory with a name on Linux, by FFI to the C library. The library is closed again at once,
 * as in `linux.ts`.
 *
 * @module
 */
import type { NamedFiles, Place } from "./named.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** No change of size, and no further seals: a mapping that shrinks would end its users with SIGBUS. */
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

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${text}\0`);
}

function functions() {
  const library = Deno.dlopen("libc.so.6", {
    dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
  });
  const find = <const D extends Deno.ForeignFunction>(name: string, definition: D) => {
    const address = library.symbols.dlsym(null, cString(name));
    if (address === null) throw new Error(`Cannot share memory: there is no ${name}`);
    return new Deno.UnsafeFnPointer(address as Deno.PointerObject<D>, definition);
  };
  const found = {
    memfdCreate: find("memfd_create", { parameters: ["buffer", "u32"], result: "i32" }),
    ftruncate: find("ftruncate", { parameters: ["i32", "i64"], result: "i32" }),
    fcntl: find("fcntl", { parameters: ["i32", "i32", "i32"], result: "i32" }),
    mmap: find("mmap", {
      parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"],
      result: "pointer",
    }),
    munmap: find("munmap", { parameters: ["pointer", "usize"], result: "i32" }),
    open: find("open", { parameters: ["buffer", "i32"], result: "i32" }),
    close: find("close", { parameters: ["i32"], result: "i32" }),
    lseek: find("lseek", { parameters: ["i32", "i64", "i32"], result: "i64" }),
    pread: find("pread", { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" }),
    pwrite: find("pwrite", { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" }),
    readlink: find("readlink", { parameters: ["buffer", "buffer", "usize"], result: "isize" }),
    opendir: find("opendir", { parameters: ["buffer"], result: "pointer" }),
    readdir: find("readdir", { parameters: ["pointer"], result: "pointer" }),
    closedir: find("closedir", { parameters: ["pointer"], result: "i32" }),
  };
  library.close();
  return found;
}

/** The calls on Linux. */
export function linuxFiles(): NamedFiles {
  const c = functions();
  const link = new Uint8Array(LINK_BYTES);
  const word = new Int32Array(1);

  /** The numbers that a folder's entries are named by. */
  const numbersIn = (path: string): number[] => {
    const folder = c.opendir.call(cString(path));
    if (folder === null) return [];
    const numbers: number[] = [];
    for (let entry = c.readdir.call(folder); entry !== null; entry = c.readdir.call(folder)) {
      const number = Number(new Deno.UnsafePointerView(entry).getCString(NAME_AT));
      if (Number.isInteger(number)) numbers.push(number);
    }
    c.closedir.call(folder);
    return numbers;
  };
  const titleAt = (path: string): string => {
    const length = Number(c.readlink.call(cString(path), link, BigInt(LINK_BYTES)));
    // Most links are of something else: only a memory file's is read as text.
    if (length < BEFORE.length || link[1] !== 0x6d) return "";
    const text = decoder.decode(link.subarray(0, length));
    if (!text.startsWith(BEFORE) || !text.endsWith(AFTER)) return "";
    return text.slice(BEFORE.length, -AFTER.length);
  };

  return {
    create(title, bytes) {
      const fd = c.memfdCreate.call(cString(title), MFD_CLOEXEC | MFD_ALLOW_SEALING);
      if (fd < 0) throw new Error("Cannot create shared memory: memfd_create failed");
      if (c.ftruncate.call(fd, BigInt(bytes)) !== 0) {
        c.close.call(fd);
        throw new RangeError(`Cannot create shared memory: there is no room for ${bytes} bytes`);
      }
      c.fcntl.call(fd, F_ADD_SEALS, SEALS);
      return fd;
    },
    open(path) {
      const fd = c.open.call(cString(path), O_RDWR_CLOEXEC);
      return fd < 0 ? undefined : fd;
    },
    close(fd) {
      c.close.call(fd);
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
    size: (fd) => Number(c.lseek.call(fd, 0n, SEEK_END)),
    readWord(fd, at) {
      word[0] = 0;
      c.pread.call(fd, word, 4n, BigInt(at));
      return word[0]!;
    },
    writeWord(fd, at, value) {
      word[0] = value;
      c.pwrite.call(fd, word, 4n, BigInt(at));
    },
    map(fd, bytes) {
      const pointer = c.mmap.call(null, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n);
      const address = Deno.UnsafePointer.value(pointer);
      if (address === 0n || address === 0xffffffffffffffffn) {
        throw new RangeError(`Cannot map shared memory: there is no room for ${bytes} bytes`);
      }
      return { address, buffer: Deno.UnsafePointerView.getArrayBuffer(pointer!, bytes) };
    },
    unmap(address, bytes) {
      c.munmap.call(Deno.UnsafePointer.create(address), BigInt(bytes));
    },
  };
}
