/**
 * The processes of a Windows machine, as its kernel32 tells of them; it takes FFI.
 *
 * Source: Microsoft's documentation of the Tool Help library (`PROCESSENTRY32W`, for 64 bits) and
 * of `GetProcessTimes`.
 *
 * @module
 */

/** A process of this machine. */
export interface WindowsProcess {
  /** Its number. */
  pid: number;
  /** The number of the process that started it, which may have ended, and another have it now. */
  ppid: number;
  /** The name of its program. */
  name: string;
  /** When it was started, in units of 100 ns since 1601; 0 where that is not told. */
  started: bigint;
}

const KERNEL = {
  CreateToolhelp32Snapshot: { parameters: ["u32", "u32"], result: "pointer" },
  Process32FirstW: { parameters: ["pointer", "buffer"], result: "i32" },
  Process32NextW: { parameters: ["pointer", "buffer"], result: "i32" },
  OpenProcess: { parameters: ["u32", "i32", "u32"], result: "pointer" },
  GetProcessTimes: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  CloseHandle: { parameters: ["pointer"], result: "i32" },
} as const;

/** `TH32CS_SNAPPROCESS`. */
const PROCESSES = 2;
/** `PROCESS_QUERY_LIMITED_INFORMATION`. */
const QUERY = 0x1000;
/** `INVALID_HANDLE_VALUE`. */
const INVALID = 0xffff_ffff_ffff_ffffn;
// The entry: its size, and where its fields are, in bytes.
const SIZE = 568;
const PID = 8;
const PPID = 32;
const NAME = 44;
const NAME_UNITS = 260;

/**
 * All processes of this machine.
 *
 * @throws {Deno.errors.NotCapable} `--allow-ffi` is missing.
 * @throws {Error} The system gives no list.
 */
export function windowsProcesses(): WindowsProcess[] {
  // Opened for the one call: nothing stays open for a leak sanitizer to find.
  const library = Deno.dlopen("kernel32.dll", KERNEL);
  const kernel = library.symbols;
  try {
    const snapshot = kernel.CreateToolhelp32Snapshot(PROCESSES, 0);
    if (Deno.UnsafePointer.value(snapshot) === INVALID) {
      throw new Error("Cannot list the processes: the system gives no list");
    }
    const entry = new DataView(new ArrayBuffer(SIZE));
    entry.setUint32(0, SIZE, true);
    const found: WindowsProcess[] = [];
    const startOf = (pid: number): bigint => {
      const handle = kernel.OpenProcess(QUERY, 0, pid);
      if (handle === null) return 0n;
      const [created, ...others] = [0, 1, 2, 3].map(() => new BigUint64Array(1));
      const told = kernel.GetProcessTimes(handle, created, others[0], others[1], others[2]);
      kernel.CloseHandle(handle);
      return told === 0 ? 0n : created[0];
    };
    const bytes = new Uint8Array(entry.buffer);
    for (
      let more = kernel.Process32FirstW(snapshot, bytes);
      more !== 0;
      more = kernel.Process32NextW(snapshot, bytes)
    ) {
      const pid = entry.getUint32(PID, true);
      const units = new Uint16Array(entry.buffer, NAME, NAME_UNITS);
      const name = String.fromCharCode(...units.subarray(0, units.indexOf(0)));
      found.push({ pid, ppid: entry.getUint32(PPID, true), name, started: startOf(pid) });
    }
    kernel.CloseHandle(snapshot);
    return found;
  } finally {
    library.close();
  }
}
