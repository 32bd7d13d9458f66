/**
 * Waiting for a child while the thread is blocked: no event loop runs, so this asks the kernel.
 *
 * @module
 */
import { mayMap, platform } from "../memory/platform/mod.ts";
import { checkCancelled } from "../sync/steps.ts";
import type { Collected } from "./collected.ts";
import type { Bytes } from "./stdio/stdio.ts";
import { poll, type Polled, POLLIN, POLLOUT, read, write } from "./sync_io.ts";
import { isGone } from "./spawn/node_status.ts";
import { type Communication, TOO_MUCH } from "./communication.ts";

/** The longest sleep in ms, so that a request to stop is noticed. */
const SLICE = 40;
/** The time that a child which is not heard of is slept on: first, and at most, in ms. */
const SHORT = 0.1;
const LONG = 2;
/** Every so many looks it is asked whether there is still a child. */
const SELDOM = 32;

/** A child to wait for. */
export interface Awaited {
  pid: number;
  /** Its end, if that is known already. */
  known(): number | null;
}

/** The end of a child, as Python counts: its code, or -SIG. Null while it runs. */
export function look(pid: number): number | null {
  if (!mayMap()) return null;
  const ended = platform().ended(pid);
  if (ended === undefined) return null;
  return ended.signal === 0 ? ended.code : -ended.signal;
}

/**
 * Blocks until a child has ended.
 *
 * @param deadline As performance.now() counts.
 * @returns Its end; null when the time was up.
 * @throws {Error} The event loop has reaped it, and had no time yet to say so.
 */
export function endSync(child: Awaited, deadline: number): number | null {
  const idle = new Int32Array(new SharedArrayBuffer(4));
  let pause = SHORT;
  for (let looks = 1;; looks++) {
    checkCancelled();
    if (looks % SELDOM === 0 && isGone(child.pid)) {
      throw new Error(
        `Cannot wait for program ${child.pid} and block: it has just ended, and how it did is ` +
          "known once the event loop goes on; use await wait()",
      );
    }
    const code = child.known() ?? look(child.pid);
    if (code !== null) return code;
    const left = deadline - performance.now();
    if (left <= 0) return null;
    Atomics.wait(idle, 0, 0, Math.min(pause, left));
    pause = Math.min(LONG, 2 * pause);
  }
}

/**
 * Blocks while it writes and reads, to the end of all.
 *
 * @param deadline As performance.now() counts.
 * @returns false when the time was up.
 * @throws {typeof TOO_MUCH} A stream has given more than it may.
 * @throws {unknown} What is thrown by who is told the lines.
 */
export function communicateSync(communication: Communication, deadline: number): boolean {
  const outputs = [communication.stdout, communication.stderr].filter((output) => output !== null);
  for (const output of outputs) takeReadAhead(output);
  for (;;) {
    checkCancelled();
    feed(communication, undefined);
    const open = outputs.filter((output) => !output.isEnded);
    const input = communication.pending === undefined ? [] : [communication.stdin!];
    if (open.length === 0 && input.length === 0) return true;
    const polled: Polled[] = [
      ...open.map(({ inbox }) => polledOf(inbox.fd, POLLIN)),
      ...input.map(({ fd }) => polledOf(fd, POLLOUT)),
    ];
    const left = deadline - performance.now();
    if (left <= 0) return false;
    poll(polled, Math.min(SLICE, left));
    for (const [k, output] of open.entries()) if (polled[k]!.isReady) take(output);
    if (input.length > 0) feed(communication, polled.at(-1)!);
  }
}

function polledOf(fd: number | undefined, wants: Polled["wants"]): Polled {
  return { fd: fd ?? -1, wants, isReady: false, isGone: false };
}

/** Takes what the event loop had read before the thread was blocked. */
function takeReadAhead(output: Collected): void {
  for (let chunk; (chunk = output.inbox.readNow()) !== null;) add(output, chunk);
  if (output.inbox.fd === undefined && !output.isEnded) output.end();
}

/** Takes what a pipe that is ready has. */
function take(output: Collected): void {
  const room = output.room();
  const count = read(output.inbox.fd!, room);
  if (count > 0) add(output, room.slice(0, count));
  if (count !== 0) return;
  output.end();
  output.inbox.cancel();
}

function add(output: Collected, chunk: Bytes): void {
  output.take(chunk);
  if (output.isTooMuch) throw TOO_MUCH;
}

/** Writes what there is room for, and closes the input when nothing is left or nobody reads. */
function feed(communication: Communication, polled: Polled | undefined): void {
  const { pending, stdin } = communication;
  if (pending === undefined) return;
  let isOver = pending.length === 0 || stdin!.fd === undefined;
  if (!isOver && polled?.isReady) {
    const count = write(stdin!.fd!, pending);
    if (count > 0) communication.pending = pending.subarray(count);
    isOver = communication.pending!.length === 0 || count < 0 && polled.isGone;
  }
  if (!isOver) return;
  communication.pending = undefined;
  stdin!.close();
}

/** Checks that a thread can block for a program. */
export function checkBlocking(action: string, hasDescriptors = true): void {
  if (mayMap() && hasDescriptors) return;
  if (Deno.build.os !== "linux") {
    throw new Deno.errors.NotSupported(
      `Cannot ${action} a program and block: not supported on ${Deno.build.os} yet; ` +
        "use the awaiting form",
    );
  }
  throw new Deno.errors.NotCapable(
    `Cannot ${action} a program and block: Deno reaps and reads on its event loop; run again with ` +
      "--allow-ffi, --allow-env and --allow-run without a list, or use the awaiting form",
  );
}
