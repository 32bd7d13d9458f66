/**
 * A program with its descendants.
 *
 * They are found by who is whose parent, from the program down: each is stopped first, so that it
 * starts no more, until all are seen to be stopped and no new one is found; then all are sent the
 * signal. (One that is told to stop in the midst of a fork still ends that.) A descendant whose
 * parent has ended before has left the tree; of a program that was started detached its process
 * group belongs to the tree, which still holds it.
 *
 * Windows cannot stop a process: there they are ended, whatever the signal, as often as new ones
 * are found. Without FFI its own `taskkill` does it.
 *
 * @module
 */
import { pidsOf, PPID, STATE, statOf } from "../core/proc.ts";
import { windowsProcesses } from "../core/toolhelp.ts";

const isWindows = Deno.build.os === "windows";
// Further fields of a stat.
const GROUP = 2;
const STARTED = 19;

/**
 * How long it is waited until all have stopped, in ms: one that waits for its vforked child, which
 * has been stopped, never does.
 */
const STOPPING = 250;

interface Member {
  pid: number;
  ppid: number;
  group: number;
  state: string;
  /** When it was started: a number is used again. */
  started: string;
}

/** Checks that other processes than one's own child may be signalled. */
export function checkTree(action: string): void {
  if (Deno.permissions.querySync({ name: "run" }).state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Cannot ${action}: signalling its descendants needs --allow-run without a list`,
  );
}

/** A process and its descendants. */
export class Tree {
  readonly #root: number;
  readonly #isGroup: boolean;
  readonly #known = new Map<number, Member>();

  /** The tree below a process, which may lead a process group. */
  constructor(root: number, isGroup: boolean) {
    this.#root = root;
    this.#isGroup = isGroup;
    const member = all().find(({ pid }) => pid === root);
    if (member !== undefined) this.#known.set(root, member);
  }

  /** Sends a signal to all of them that live. */
  send(signal: Deno.Signal): void {
    if (isWindows) return this.#end();
    const living = this.#living(all());
    for (const pid of living) send(pid, "SIGSTOP");
    const until = performance.now() + STOPPING;
    // A look takes a while: only one that begins when all are still misses nobody.
    for (let wereStill = false;;) {
      const members = all();
      const areStill = members.every(({ pid, state }) => !living.has(pid) || isStill(state));
      const found = members.filter((member) => this.#isNew(member, living));
      for (const member of found) {
        this.#known.set(member.pid, member);
        living.add(member.pid);
        send(member.pid, "SIGSTOP");
      }
      if (found.length === 0 && (wereStill || performance.now() > until)) break;
      wereStill = areStill && found.length === 0;
    }
    for (const pid of living) send(pid, signal);
    // Who is stopped sees no other signal than SIGKILL.
    if (signal !== "SIGKILL") { for (const pid of living) send(pid, "SIGCONT"); }
  }

  /** Ends all of them, on Windows. */
  #end(): void {
    if (!mayAsk()) return endByProgram(this.#root);
    const until = performance.now() + STOPPING;
    while (performance.now() < until) {
      const members = all();
      // The list is in no order: looked through until nobody is added.
      for (let before = -1; before !== this.#known.size;) {
        before = this.#known.size;
        for (const one of members) if (this.#isBelow(one)) this.#known.set(one.pid, one);
      }
      const living = this.#living(members);
      if (living.size === 0) return;
      for (const pid of living) send(pid, "SIGKILL");
    }
  }

  /** True of one that one of them has started; the number of its parent may be another's by now. */
  #isBelow({ pid, ppid, started }: Member): boolean {
    const parent = this.#known.get(ppid);
    return parent !== undefined && !this.#known.has(pid) &&
      BigInt(started) >= BigInt(parent.started);
  }

  /** True if none of those that were sent a signal lives any more. */
  get isGone(): boolean {
    return this.#living(all()).size === 0;
  }

  #isNew({ pid, ppid, group, state }: Member, living: Set<number>): boolean {
    if (living.has(pid) || isEnded(state)) return false;
    return living.has(ppid) || this.#isGroup && group === this.#root;
  }

  #living(members: Member[]): Set<number> {
    const living = members.filter(({ pid, started, state }) =>
      this.#known.get(pid)?.started === started && !isEnded(state)
    );
    return new Set(living.map(({ pid }) => pid));
  }
}

function isEnded(state: string): boolean {
  return state.startsWith("Z") || state.startsWith("X");
}

/** True of one that has stopped or ended. */
function isStill(state: string): boolean {
  return /^[Tt]/.test(state) || isEnded(state);
}

function send(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (cause) {
    // It has ended meanwhile, or belongs to somebody else.
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.PermissionDenied)) {
      throw cause;
    }
  }
}

function all(): Member[] {
  if (isWindows) return mayAsk() ? fromWindows() : [];
  return Deno.build.os === "linux" ? fromProc() ?? fromPs() : fromPs();
}

function mayAsk(): boolean {
  return Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

function fromWindows(): Member[] {
  return windowsProcesses().map(({ pid, ppid, started }) => (
    { pid, ppid, group: 0, state: "R", started: String(started) }
  ));
}

function endByProgram(root: number): void {
  new Deno.Command("taskkill", {
    args: ["/T", "/F", "/PID", String(root)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync();
}

/** From /proc; undefined where that is not to be read. */
function fromProc(): Member[] | undefined {
  try {
    statOf("self");
    return pidsOf().flatMap((pid) => memberOf(pid) ?? []);
  } catch {
    return undefined;
  }
}

function memberOf(pid: number): Member | undefined {
  try {
    const { fields } = statOf(pid);
    return {
      pid,
      ppid: Number(fields[PPID]),
      group: Number(fields[GROUP]),
      state: fields[STATE]!,
      started: fields[STARTED]!,
    };
  } catch {
    return undefined; // It is gone.
  }
}

function fromPs(): Member[] {
  const { stdout } = new Deno.Command("ps", {
    args: [
      "-A",
      ...["pid", "ppid", "pgid", "state", "lstart"].flatMap((name) => ["-o", `${name}=`]),
    ],
    stdin: "null",
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [pid, ppid, group, state, ...started] = line.trim().split(/\s+/);
    return {
      pid: Number(pid),
      ppid: Number(ppid),
      group: Number(group),
      state: state!,
      started: started.join(" "),
    };
  });
}
