/**
 * The calls on Linux, by FFI to the C library.
 *
 * @module
 */
import { cString, libc } from "./libc.ts";
import type { Mapping, NamedFiles, Place, Platform } from "./platform.ts";

const ARM = Deno.build.arch === "aarch64";
const SYS_FUTEX = ARM ? 98n : 202n;
const SYS_FUTEX_WAITV = 449n;
const FUTEX_WAIT = 0n;
const FUTEX_WAKE = 1n;
/** `struct futex_waitv`: three 64-bit words, of which the last holds the flags. */
const WAITV_WORDS = 3;
const WAITV_MOST = 128;
const FUTEX_32 = 2n;
const CLOCK_MONOTONIC = 1;
const ENOSYS = 38;
const O_RDWR_CLOEXEC = 0o2000002;
const MFD_CLOEXEC = 1;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const F_UNLCK = 2;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9n;
const P_PID = 1;
/** WEXITED, WNOWAIT and WNOHANG: look whether it has ended, and leave it to Deno to reap. */
const WAIT_LOOK = 4 | 0x01000000 | 1;
const CLD_EXITED = 1;
/**
 * The interval at which words are looked at on a kernel that cannot wait on many (before 5.16), in
 * ms.
 */
const POLL = 5;

function fail(call: string): never {
  throw new Error(`Cannot share memory between processes: ${call} failed`);
}

function functions() {
  const six = ["i64", "pointer", "i64", "i64", "buffer", "pointer", "i64"] as const;
  const five = ["i64", "buffer", "i64", "i64", "buffer", "i64"] as const;
  const symbols = libc({
    dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    open: { parameters: ["buffer", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    clock: { name: "clock_gettime", parameters: ["i32", "buffer"], result: "i32" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
    pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
    prctl: { parameters: ["i32", "u64"], result: "i32" },
    waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
    exit: { name: "_exit", parameters: ["i32"], result: "void" },
    errno: { name: "__errno_location", parameters: [], result: "pointer" },
    futex: { name: "syscall", parameters: six, result: "i64" },
    waitv: { name: "syscall", parameters: five, result: "i64" },
  });
  const address = symbols.dlsym(null, cString("syscall"));
  const definition = { parameters: five, result: "i64", nonblocking: true } as const;
  if (address === null) fail("finding syscall");
  const pointer = address as Deno.PointerObject<typeof definition>;
  return { ...symbols, waitvLater: new Deno.UnsafeFnPointer(pointer, definition) };
}

/** Writes a span of milliseconds as a `struct timespec`. */
function setTime(
  into: BigInt64Array<ArrayBuffer>,
  milliseconds: number,
): BigInt64Array<ArrayBuffer> {
  into[0] = BigInt(Math.floor(milliseconds / 1000));
  into[1] = BigInt(Math.floor(milliseconds % 1000 * 1e6));
  return into;
}

/** A `struct flock` for one byte. */
function byteLock(byte: number, type = F_WRLCK): Int16Array<ArrayBuffer> {
  const lock = new Int16Array(16);
  lock[0] = type;
  const wide = new BigInt64Array(lock.buffer);
  wide[1] = BigInt(byte);
  wide[2] = 1n;
  return lock;
}

/** The calls on Linux. */
export function linux(): Platform {
  const c = functions();
  const span = new BigInt64Array(2);
  const pointers = new Map<bigint, Deno.PointerValue>();

  const at = (address: bigint): Deno.PointerValue => {
    let pointer = pointers.get(address);
    if (pointer === undefined) {
      if (pointers.size > 10_000) pointers.clear();
      pointers.set(address, pointer = Deno.UnsafePointer.create(address));
    }
    return pointer;
  };
  const map = (fd: number, bytes: number): Mapping => {
    const pointer = c.mmap(null, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n);
    const address = Deno.UnsafePointer.value(pointer);
    if (address === 0n || address === 0xffffffffffffffffn) fail("mmap");
    return { fd, address };
  };
  /** A vector of `struct futex_waitv`. */
  const vector = (addresses: bigint[], values: number[]): BigUint64Array<ArrayBuffer> => {
    const words = new BigUint64Array(WAITV_WORDS * addresses.length);
    for (let k = 0; k < addresses.length; k++) {
      words[WAITV_WORDS * k] = BigInt(values[k]! >>> 0);
      words[WAITV_WORDS * k + 1] = addresses[k]!;
      words[WAITV_WORDS * k + 2] = FUTEX_32;
    }
    return words;
  };
  const canWaitOnMany = (address: bigint): boolean => {
    const value = new Deno.UnsafePointerView(at(address)!).getInt32();
    // A value that the word does not have: an answer at once, EAGAIN where the call exists.
    const done = c.waitv(SYS_FUTEX_WAITV, vector([address], [~value]), 1n, 0n, null, 0n);
    return done !== -1n || new Deno.UnsafePointerView(c.errno()!).getInt32() !== ENOSYS;
  };
  let many: boolean | undefined;

  return {
    create(bytes) {
      const fd = c.memfd_create(cString("switchyard"), MFD_CLOEXEC);
      if (fd < 0) fail("memfd_create");
      if (c.ftruncate(fd, BigInt(bytes)) !== 0) fail("ftruncate");
      return map(fd, bytes);
    },
    open(path, bytes) {
      const fd = c.open(cString(path), O_RDWR_CLOEXEC);
      if (fd < 0) fail(`opening ${path}`);
      return map(fd, bytes);
    },
    createBox() {
      const fd = c.memfd_create(cString("switchyard"), MFD_CLOEXEC);
      if (fd < 0) fail("memfd_create");
      return fd;
    },
    leaveInBox(path, message) {
      const fd = c.open(cString(path), O_RDWR_CLOEXEC);
      if (fd < 0) fail(`opening ${path}`);
      for (let at = 0; at < message.length;) {
        const rest = message.slice(at);
        const count = Number(c.pwrite(fd, rest, BigInt(rest.length), BigInt(at)));
        if (count <= 0) fail("pwrite");
        at += count;
      }
      c.close(fd);
    },
    readBox(fd) {
      const bytes = new Uint8Array(Number(c.lseek(fd, 0n, SEEK_END)));
      for (let at = 0; at < bytes.length;) {
        const rest = bytes.subarray(at);
        const count = Number(c.pread(fd, rest, BigInt(rest.length), BigInt(at)));
        if (count <= 0) fail("pread");
        at += count;
      }
      return bytes;
    },
    close(fd) {
      c.close(fd);
    },
    path: (fd) => `/proc/${Deno.pid}/fd/${fd}`,
    waitSync(address, value, timeout) {
      const limit = timeout === Infinity ? null : setTime(span, timeout);
      c.futex(SYS_FUTEX, at(address), FUTEX_WAIT, BigInt(value), limit, null, 0n);
    },
    async waitAny(addresses, values, timeout) {
      many ??= canWaitOnMany(addresses[0]!);
      const now = new BigInt64Array(2);
      c.clock(CLOCK_MONOTONIC, now);
      const ms = Number(now[0]) * 1000 + Number(now[1]) / 1e6;
      const count = many ? Math.min(addresses.length, WAITV_MOST) : 1;
      const until = setTime(now, ms + (many ? timeout : Math.min(timeout, POLL)));
      const words = vector(addresses.slice(0, count), values);
      if (many) {
        await c.waitvLater.call(SYS_FUTEX_WAITV, words, BigInt(count), 0n, until, 1n);
      } else {
        await new Promise((wake) => setTimeout(wake, Math.min(timeout, POLL)));
      }
    },
    wake(address, count) {
      c.futex(SYS_FUTEX, at(address), FUTEX_WAKE, BigInt(count), null, null, 0n);
    },
    hold(fd, byte) {
      if (c.fcntl(fd, F_OFD_SETLK, byteLock(byte)) !== 0) fail("fcntl");
    },
    drop(fd, byte) {
      if (c.fcntl(fd, F_OFD_SETLK, byteLock(byte, F_UNLCK)) !== 0) fail("fcntl");
    },
    isHeld(fd, byte) {
      const lock = byteLock(byte);
      if (c.fcntl(fd, F_OFD_GETLK, lock) !== 0) fail("fcntl");
      return lock[0] !== F_UNLCK;
    },
    endWithParent(pid) {
      c.prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (Deno.ppid !== pid) Deno.exit(1);
    },
    ended(pid) {
      // struct siginfo_t: si_code is word 2, si_pid word 4, si_status word 6.
      const info = new Int32Array(32);
      if (c.waitid(P_PID, pid, info, WAIT_LOOK) !== 0 || info[4] === 0) return undefined;
      return info[2] === CLD_EXITED
        ? { code: info[6]!, signal: 0 }
        : { code: 128 + info[6]!, signal: info[6]! & 0x7f };
    },
    isReaped: (pid) => c.waitid(P_PID, pid, new Int32Array(32), WAIT_LOOK) !== 0,
    exit(code) {
      c.exit(code);
      throw new Error("unreachable");
    },
  };
}

// Memory with a name: its file is found among those that processes have open. The calls for it
// are opened apart from the others, which every process needs.

const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/**
 * No change of size, and no further seals: a mapping that shrinks would end its users with SIGBUS.
 */
const SEALS = 1 | 2 | 4;
/** Where the name is in a `struct dirent`. */
const NAME_AT = 19;
const LINK_BYTES = 512;
/** The text that the kernel puts around a memory file's title. */
const BEFORE = "/memfd:";
const AFTER = " (deleted)";

const decoder = new TextDecoder();

function fileFunctions() {
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

/** The calls for memory with a name on Linux. */
export function linuxFiles(): NamedFiles {
  const c = fileFunctions();
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
