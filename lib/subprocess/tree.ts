/**
 * Ending a program with its descendants.
 *
 * They are found by who is whose parent, from the program down: each is stopped first, so that it starts
 * no more, until no new one is found; then all are killed. A descendant whose parent has ended before has left the
 * tree; of a program that was started detached its process group is killed too, which still holds it.
 *
 * @module
 */
import { pidsOf, PPID, statOf } from "../core/proc.ts";

interface Parentage {
  pid: number;
  ppid: number;
}

/** Checks that other processes than one's own child may be signalled. */
export function checkTree(action: string): void {
  if (Deno.permissions.querySync({ name: "run" }).state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Cannot ${action}: signalling its descendants needs --allow-run without a list`,
  );
}

/**
 * Kills all descendants of a process, which itself is left stopped.
 *
 * @param isGroup Whether it leads a process group.
 */
export function killDescendants(pid: number, isGroup: boolean): void {
  const known = new Set([pid]);
  send(pid, "SIGSTOP");
  for (let more = true; more;) {
    more = false;
    for (const { pid: child, ppid } of parentages()) {
      if (!known.has(ppid) || known.has(child)) continue;
      known.add(child);
      send(child, "SIGSTOP");
      more = true;
    }
  }
  known.delete(pid);
  for (const child of known) send(child, "SIGKILL");
  if (isGroup) send(-pid, "SIGKILL");
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

function parentages(): Parentage[] {
  return Deno.build.os === "linux" ? fromProc() ?? fromPs() : fromPs();
}

/** From /proc; undefined where that is not to be read. */
function fromProc(): Parentage[] | undefined {
  try {
    statOf("self");
    return pidsOf().flatMap((pid) => parentageOf(pid) ?? []);
  } catch {
    return undefined;
  }
}

function parentageOf(pid: number): Parentage | undefined {
  try {
    return { pid, ppid: Number(statOf(pid).fields[PPID]) };
  } catch {
    return undefined; // It is gone.
  }
}

function fromPs(): Parentage[] {
  const { stdout } = new Deno.Command("ps", {
    args: ["-A", "-o", "pid=", "-o", "ppid="],
    stdin: "null",
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [pid, ppid] = line.trim().split(/\s+/).map(Number);
    return { pid: pid!, ppid: ppid! };
  });
}
