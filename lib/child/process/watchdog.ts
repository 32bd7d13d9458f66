/**
 * Watchdogs: what ends a child that outlives its parent.
 *
 * A child ends itself when its link ends; one whose code never pauses does not hear of that. Where
 * it may use FFI the kernel kills it then. For the others there is a shell that waits for the end
 * of its own input, which is a pipe of the parent's: it ends when the parent does, by whatever
 * means. Then the child has half a second to end by itself, and is killed. A child that ends before
 * its parent takes its watchdog with it.
 *
 * That another process has the child's number by then, within that time, is told by when it has
 * started, where the system tells that (Linux).
 *
 * @module
 */

/** The mark of a watchdog in a list of processes. */
const NAME = "switchyard-watchdog";
const SHELL = "/bin/sh";
// On one line, as it is shown in lists of processes. Ctrl-C and the like reach it too, and must not
// end it.
export const SCRIPT: string = [
  "trap '' INT TERM HUP QUIT",
  // The 20th field after the name; the name may hold blanks and parentheses.
  'born() { read -r s < "/proc/$1/stat" && set -- ${s##*) } && echo "${20}"; }',
  'was=$(born "$1")',
  "read -r end",
  'for k in 1 2 3 4 5 6; do kill -0 "$1" || exit; sleep 0.1 || sleep 1; done',
  'now=$(born "$1")',
  '[ -n "$now" ] && [ "$now" != "$was" ] || kill -9 "$1"',
  '[ -z "$2" ] || { rm -f "$2/socket"; rmdir "$2"; }',
].join("; ");

/** The process that stands by a child until it has ended. */
export interface Watchdog {
  /** Lets the child be; settles when the watchdog is gone. */
  end(): Promise<void>;
}

/** Those at work: were one forgotten, its input would end. */
const working = new Set<Deno.ChildProcess>();

/**
 * Has a child killed when this process, or the thread that calls, ends before it; undefined where
 * it may not run a shell.
 *
 * @param folder The private folder that the child then leaves behind, if it has one.
 */
export function watchOver(pid: number, folder?: string): Watchdog | undefined {
  if (Deno.build.os === "windows" || !mayRun()) return undefined;
  let dog: Deno.ChildProcess;
  try {
    dog = new Deno.Command(SHELL, {
      args: ["-c", SCRIPT, NAME, String(pid), ...(folder === undefined ? [] : [folder])],
      clearEnv: true,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
      cwd: "/",
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch {
    return undefined; // There is no shell, or no room for one.
  }
  dog.unref();
  working.add(dog);
  let ending: Promise<void> | undefined;
  return { end: () => ending ??= dismiss(dog) };
}

async function dismiss(dog: Deno.ChildProcess): Promise<void> {
  try {
    dog.kill("SIGKILL");
  } catch {
    // Somebody else has ended it.
  }
  // It is gone in a moment, and who waits for that holds the program.
  dog.ref();
  await dog.status;
  working.delete(dog);
  await dog.stdin.abort().catch(() => {});
}

function mayRun(): boolean {
  return Deno.permissions.querySync({ name: "run", command: SHELL }).state === "granted";
}

/** True if a process of this command is a watchdog. */
export function isWatchdog(command: string): boolean {
  return command.startsWith(`${SHELL} -c trap`) && / switchyard-watchdog \d+(?: |$)/.test(command);
}
