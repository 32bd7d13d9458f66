/**
 * Starts a program by the C library, on Linux: the quickest way there is, for the plainest case, no pipes and
 * nothing changed. Deno.Command copies the environment for every child, which takes longer than what it
 * is compared with.
 *
 * Such a child is a zombie until it is waited for here: while the thread is blocked, or on the event loop, when the
 * kernel says by SIGCHLD that some child has ended.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { cString, libc } from "../memory/platform/libc.ts";
import { mayMap } from "../memory/platform/mod.ts";
import { CAN_SPIN } from "../sync/spin.ts";
import type { Plan, Stdio } from "./ends.ts";

const SIGPIPE = 13;
const WNOHANG = 1;
/** How often is looked though no signal has come, in ms. */
const SELDOM = 500;
/** So many programs are not worth opening the library for, which takes as long as some starts. */
const FEW = 2;
/** For how long the event loop does not sleep after a start, in ms. */
const SPIN = 1;
/** How long one of its turns then is, in ms. */
const TURN = 0.05;
/** How often is looked in it, in ms: a look holds up the end of the program. */
const LOOK = 0.01;
/** POSIX_SPAWN_SETSIGDEF and POSIX_SPAWN_SETSIGMASK. */
const SET_SIGNALS = 0x04 | 0x08;
const O_RDWR = 2;
/** More than a posix_spawnattr_t or a posix_spawn_file_actions_t takes on any machine. */
const ROOM = 1024;
const SIGSET = 128;

interface Calls {
  spawn(path: Bytes, actions: Bytes | null, argv: BigUint64Array<ArrayBuffer>): number;
  wait(pid: number, flags: number): number | undefined;
  giveWay(): void;
}

/** What a program is started with in the place of this one's streams. */
interface Actions {
  make(): Bytes;
  addNull(actions: Bytes, fd: number): void;
  free(actions: Bytes): void;
}

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const NULL = cString("/dev/null");
const pid = new Int32Array(1);
const status = new Int32Array(1);
let calls: Calls | undefined;
let files: Actions | undefined;
let asked = 0;
let permission: Deno.PermissionStatus | undefined;

/** Starts a program; gives its pid, or undefined when this is not the way for it. */
export function spawnPlain(plan: Plan): number | undefined {
  const streams = [plan.stdin, plan.stdout, plan.stderr];
  const isPlain = plan.cwd === undefined && plan.env === undefined && !plan.detached &&
    streams.every((stream) => stream === "inherit" || stream === "null");
  if (!isPlain || calls === undefined && (asked++ < FEW || !mayMap())) return undefined;
  // What FFI does asks nobody: the permission has to be asked for here. The answer changes with a revoke.
  permission ??= Deno.permissions.querySync({ name: "run" });
  if (permission.state !== "granted") return undefined;
  calls ??= open();
  return spawn(calls, plan, streams);
}

/** Blocks until a program has ended; gives its return code, as Python counts. */
export function waitPlainSync(pid: number): number {
  return calls!.wait(pid, 0)!;
}

/** Who waits on the event loop, by pid. */
const waiters = new Map<number, (code: number) => void>();
let looking: ReturnType<typeof setInterval> | undefined;

/** Waits until a program has ended; gives its return code, as Python counts. */
export async function waitPlain(pid: number): Promise<number> {
  return await soonEnded(pid) ?? await ended(pid);
}

let isSpinning = false;

/** Looks for a moment in every turn of the event loop: to be woken by a signal takes as long as many a program. */
async function soonEnded(pid: number): Promise<number | undefined> {
  if (!CAN_SPIN || isSpinning) return undefined;
  isSpinning = true;
  try {
    let now = performance.now();
    const until = now + SPIN;
    // Where several run, the thread has better things to do.
    while (waiters.size === 0 && now < until) {
      const turnEnds = now + TURN;
      while (now < turnEnds) {
        const code = calls!.wait(pid, WNOHANG);
        if (code !== undefined) return code;
        // The program may have been put on this very core: it would get no turn for milliseconds.
        const next = now + LOOK;
        for (; now < next; now = performance.now()) calls!.giveWay();
      }
      await new Promise((next) => setImmediate(next));
    }
    return undefined;
  } finally {
    isSpinning = false;
  }
}

function ended(pid: number): Promise<number> {
  const code = new Promise<number>((resolve) => waiters.set(pid, resolve));
  if (looking === undefined) {
    // This also keeps the program alive.
    looking = setInterval(look, SELDOM);
    Deno.addSignalListener("SIGCHLD", look);
  }
  // It may have ended before anybody listened.
  look();
  return code;
}

function look(): void {
  for (const [pid, tell] of waiters) {
    const code = calls!.wait(pid, WNOHANG);
    if (code === undefined) continue;
    waiters.delete(pid);
    tell(code);
  }
  if (waiters.size > 0) return;
  clearInterval(looking);
  looking = undefined;
  Deno.removeSignalListener("SIGCHLD", look);
}

function spawn(calls: Calls, { program, args }: Plan, streams: Stdio[]): number | undefined {
  const [strings, argv] = argumentsOf([program, ...args]);
  if (streams.every((stream) => stream === "inherit")) {
    return calls.spawn(strings, null, argv) === 0 ? pid[0] : undefined;
  }
  files ??= openActions();
  const actions = files.make();
  try {
    for (const [fd, stream] of streams.entries()) if (stream === "null") files.addNull(actions, fd);
    // Why it cannot be started, Deno says better.
    return calls.spawn(strings, actions, argv) === 0 ? pid[0] : undefined;
  } finally {
    files.free(actions);
  }
}

/** The strings, one after the other, and where each begins. */
function argumentsOf(list: string[]): [strings: Bytes, argv: BigUint64Array<ArrayBuffer>] {
  const strings = encoder.encode(list.map((item) => `${item}\0`).join(""));
  const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(strings));
  const argv = new BigUint64Array(list.length + 1);
  let at = 0;
  for (let k = 0; k < list.length; k++) {
    argv[k] = base + BigInt(at);
    at = strings.indexOf(0, at) + 1;
  }
  return [strings, argv];
}

function open(): Calls {
  const one = { parameters: ["buffer"], result: "i32" } as const;
  const two = { parameters: ["buffer", "buffer"], result: "i32" } as const;
  const c = libc({
    dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
    posix_spawnp: {
      parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "pointer"],
      result: "i32",
    },
    sched_yield: { parameters: [], result: "i32" },
    waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
    posix_spawnattr_init: one,
    posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
    posix_spawnattr_setsigdefault: two,
    posix_spawnattr_setsigmask: two,
  });
  const environ = new Deno.UnsafePointerView(c.dlsym(null, cString("environ"))!);
  // As every child gets it: no signal is blocked, and SIGPIPE, which Deno ignores, ends it.
  const attributes = new Uint8Array(ROOM);
  c.posix_spawnattr_init(attributes);
  const defaults = new Uint8Array(SIGSET);
  defaults[(SIGPIPE - 1) >> 3] = 1 << ((SIGPIPE - 1) & 7);
  c.posix_spawnattr_setsigdefault(attributes, defaults);
  c.posix_spawnattr_setsigmask(attributes, new Uint8Array(SIGSET));
  c.posix_spawnattr_setflags(attributes, SET_SIGNALS);
  return {
    // The environment's place changes when a variable is set.
    spawn: (path, actions, argv) =>
      c.posix_spawnp(pid, path, actions, attributes, argv, environ.getPointer()),
    wait(child, flags) {
      const waited = c.waitpid(child, status, flags);
      if (waited === 0) return undefined;
      // Somebody else has reaped it: CPython takes that for 0 too.
      if (waited !== child) return 0;
      const signal = status[0]! & 0x7f;
      return signal === 0 ? status[0]! >> 8 & 0xff : -signal;
    },
    giveWay: () => {
      c.sched_yield();
    },
  };
}

function openActions(): Actions {
  const one = { parameters: ["buffer"], result: "i32" } as const;
  const c = libc({
    posix_spawn_file_actions_init: one,
    posix_spawn_file_actions_destroy: one,
    posix_spawn_file_actions_addopen: {
      parameters: ["buffer", "i32", "buffer", "i32", "u32"],
      result: "i32",
    },
  });
  return {
    make() {
      const actions = new Uint8Array(ROOM);
      c.posix_spawn_file_actions_init(actions);
      return actions;
    },
    addNull: (actions, fd) => {
      c.posix_spawn_file_actions_addopen(actions, fd, NULL, O_RDWR, 0);
    },
    free: (actions) => {
      c.posix_spawn_file_actions_destroy(actions);
    },
  };
}
