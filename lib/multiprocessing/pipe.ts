/**
 * `pipe()` of `multiprocessing`: in shared memory where that is granted, over a socket elsewhere.
 *
 * @module
 */
import { checkBoolean, checkOptions } from "../core/checks.ts";
import type { Connection, PipeOptions } from "../channel/connection.ts";
import { ringPipe } from "../channel/memory/pipe.ts";
import { mayMap } from "../memory/platform/mod.ts";
import { noteMadeIn } from "../sync/traps.ts";
import type { PipeGuard } from "./pipe_hub.ts";
import { socketPipe } from "./socket_pipe.ts";

/** Options of {@linkcode pipe}. */
export interface ProcessPipeOptions extends PipeOptions {
  /**
   * True if it may be memory that both ends share. false: it goes over a socket from the beginning,
   * so that each end can be given to a child without `--allow-ffi` at any time. Default: true.
   */
  memory?: boolean;
}

/**
 * Makes a pipe: two connected ends, of which either can be given to another process or thread.
 *
 * Reach for it when two talk with each other; where several share the work, a queue does better.
 * What is sent at one end is received at the other, in order, as a copy: plain data of any shape
 * and size, Maps, Sets, typed arrays, errors, locks and other shareables, other ends of pipes too.
 *
 * An end that is given away is open there and here: so close the own copy once `start()` has
 * returned. When every copy of an end is closed, or its process has ended by whatever means, the
 * other end receives what was sent before, and then {@linkcode EOFError}. A copy that waits in
 * another pipe or queue is open as long as somebody could still receive it. A direction holds 1
 * MiB; then `send()` waits.
 *
 * With `--allow-ffi` it is memory that both ends share: a round trip between two running processes
 * takes a few microseconds, the Sync forms are there, and every process that gets an end needs
 * `--allow-ffi` too. Without it the messages are kept by the thread that made the pipe and go over
 * a socket in a private folder: then the Sync forms throw, others wait while that thread blocks, a
 * message has at most 64 MiB, and with the thread the pipe ends.
 *
 * A child that has fewer permissions, as its `permissions` say, and no `--allow-ffi`, can be given
 * an end too, by any way: as an argument of a process, a pool's call or an executor's, or through
 * another pipe. It needs no further permission: it is let in to that pipe alone, and to the end
 * that it was given. What it sends is read as from somebody who may do less: it loads no module
 * here. The pipe goes over to a socket then, with what was sent and not received, and both ends are
 * from there on as without `--allow-ffi`. That can be done until an end has been given to another
 * process or thread in memory: so give that child its end first, or make the pipe with
 * `memory: false`; else it is a ShareError. If the child cannot be started nothing has happened to
 * the pipe.
 *
 * *Memory*: what was written before a send is seen after the receipt of that message. *Owner
 * death*: a process that is killed at any moment corrupts nothing; the message that it was just
 * sending is there whole or not at all, and one that it had just been given is gone.
 *
 * *Permissions*: `--allow-ffi`, or `--allow-read`, `--allow-write` and `--allow-net` for a socket
 * in the temporary folder.
 *
 * @typeParam T What is sent and received.
 * @throws {TypeError} Bad options.
 *
 * @example Talk
 * ```ts
 * import { pipe } from "@switchyard/switchyard/multiprocessing";
 *
 * const [here, there] = pipe<string>();
 * await here.send("hello");
 * console.log(await there.recv()); // hello
 * here.close();
 * there.close();
 * ```
 */
export function pipe<T = unknown>(options?: ProcessPipeOptions): [Connection<T>, Connection<T>];
export function pipe<T = unknown>(
  options: ProcessPipeOptions = {},
): [Connection<T>, Connection<T>] {
  checkOptions(options, "create a pipe");
  checkBoolean(options.duplex, "duplex", "create a pipe");
  checkBoolean(options.memory, "memory", "create a pipe");
  const duplex = options.duplex ?? true;
  const isMemory = mayMap() && options.memory !== false;
  const ends = isMemory ? ringPipe<T>(duplex, socketPipe) : socketPipe<T>(duplex);
  for (const end of ends) noteMadeIn(end, "process");
  return ends;
}

/** A pipe in memory of which each direction holds `room` bytes. */
export function roomyPipe<T>(room: number): [Connection<T>, Connection<T>] {
  const ends = ringPipe<T>(true, socketPipe, room);
  for (const end of ends) noteMadeIn(end, "process");
  return ends;
}

/** A pipe over a socket that is watched for what a child with fewer permissions might say. */
export function guardedPipe<T>(guard: PipeGuard): [Connection<T>, Connection<T>] {
  const ends = socketPipe<T>(true, guard);
  for (const end of ends) noteMadeIn(end, "process");
  return ends;
}
