/**
 * The way to a worker that is a process: a pipe. Where this process and the worker may use FFI the
 * pipe is memory, in which a word of the worker is there at once and whatever becomes of it, and
 * the claims are memory too. Elsewhere it is a socket: then the worker is given one call at a
 * time.
 *
 * @module
 */
import type { BlockingConnection, Connection } from "../../channel/connection.ts";
import { READY } from "../../channel/connection_wait.ts";
import { IMPORTS, QUIET, SERVICE, TOLD } from "../../child/plan.ts";
import { givesFfi, levelOf, type Permissions } from "../../child/process/permissions.ts";
import { MOST_FROM_BELOW } from "../../channel/socket/link.ts";
import { checkInteger } from "../../core/checks.ts";
import { EOFError } from "../../core/errors.ts";
import { reachedUnheld } from "../../core/promises.ts";
import { theArena } from "../../memory/arena.ts";
import type { Placement } from "../../memory/placement.ts";
import { mayMap } from "../../memory/platform/mod.ts";
import { guardedPipe, roomyPipe } from "../../multiprocessing/pipe.ts";
import { LONGEST_MESSAGE } from "../../multiprocessing/pipe_hub.ts";
import { Process } from "../../multiprocessing/process.ts";
import { messageOf } from "../../transfer/failure.ts";
import { mainModule } from "../../transfer/task.ts";
import { BadFrame, LARGEST_FRAMES, NOTHING_BESIDE, readFrames, ReplyHead } from "./frames.ts";
import { Beside, checkLength, giveBack, piecesOf, type ReadPiece } from "./pieces.ts";
import {
  type Hear,
  type Loss,
  lossIn,
  lossOf,
  NO_LOSS,
  type Transport,
  type WorkerBoot,
} from "./transport.ts";
import type { EngineOptions } from "../options.ts";
import type { Bulk, Payload, Span } from "../payload.ts";
import { serveProcess } from "../runner/process.ts";
import type { Claims } from "./claims.ts";
import { MEMORY_WORDS, WorkerMemory } from "./worker_memory.ts";

/** The options of workers that are processes. */
export interface ProcessWorkerOptions {
  /** Their permissions. */
  permissions: Permissions | undefined;
  /** The most bytes that a value may have which they say. */
  maxMessage: number;
}

/** The options of a call that takes what is there. */
const NOW = { timeout: 0 };

/** The bytes that one direction of its pipe holds: some large values, so that both copy. */
const ROOM = 1 << 23;
/** The room that a message takes besides a value that is sent alone. */
const SLACK = 64;

/** The memory of workers that are gone: it serves the next. */
const spare: Placement[] = [];

/** The time that the socket of a worker that has ended may take to end, in ms. */
const CLOSING = 5_000;

/** The way to a process. */
export class ProcessTransport implements Transport {
  readonly claims: Claims | undefined;
  readonly largest: number;
  readonly ended: Promise<Loss>;
  readonly #process: Process<void>;
  readonly #connection: Connection<Uint8Array>;
  readonly #placement: Placement | undefined;
  readonly #memory: WorkerMemory | undefined;
  readonly #hear: Hear;
  readonly #reply = new ReplyHead();
  readonly #faulty: WorkerBoot["faulty"];
  readonly #maxMessage: number;
  readonly #rang: () => void;
  #listening: AbortController | undefined;
  #heard: Promise<void> | undefined;
  /** The head whose value comes next, and as much of that as has come. */
  #large: { head: ReplyHead; beside: Beside } | undefined;
  /** True if all that the worker has said was heard, and it is gone. */
  #isOver = false;

  /** Starts the process. */
  constructor(
    { hear, faulty, known, ...preparation }: WorkerBoot,
    rang: () => void,
    { permissions, maxMessage }: ProcessWorkerOptions,
  ) {
    this.#hear = hear;
    this.#rang = rang;
    this.#faulty = faulty;
    const memory = mayMap() && givesFfi(permissions);
    this.largest = memory ? Infinity : LONGEST_MESSAGE - SLACK;
    const most = Math.min(maxMessage, this.largest);
    this.#maxMessage = most;
    const longest = most + LARGEST_FRAMES;
    const onFault = (error: unknown) => this.#fail(error);
    const [here, there] = memory
      ? roomyPipe<Uint8Array>(ROOM)
      : guardedPipe<Uint8Array>({ longest, onFault });
    this.#connection = here;
    if (memory) {
      const { region, base } = this.#placement = spare.pop() ?? theArena().allocate(MEMORY_WORDS);
      this.#memory = new WorkerMemory(region.words, base);
      this.#memory.clear();
      this.#memory.sleep();
      this.claims = this.#memory.claims;
    }
    const initializer = preparation.initializer === undefined
      ? []
      : [preparation.initializer.module];
    const options = {
      name: preparation.name,
      daemon: true,
      stdin: "null" as const,
      args: [{
        connection: there,
        at: this.#placement?.share("process", () => "memory", "pool"),
        preparation,
        maxMessage: most,
      }] as Parameters<typeof serveProcess>,
      [QUIET]: true,
      [SERVICE]: true,
      [IMPORTS]: [mainModule(), ...known, ...initializer],
      ...(permissions === undefined ? {} : { permissions }),
    };
    this.#process = new Process(serveProcess, options);
    try {
      this.#process.start();
    } catch (cause) {
      here.close();
      this.#giveBack();
      throw cause;
    } finally {
      there.close();
    }
    this.wake();
    this.ended = this.#end();
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  post(bytes: Uint8Array<ArrayBuffer>, asides: Payload[]): void {
    this.#send(bytes);
    // To a process all is bytes.
    for (const value of asides as (Span | Bulk)[]) {
      for (const piece of piecesOf(value)) this.#send(piece);
    }
  }

  #send(bytes: Uint8Array): void {
    // One that has ended takes nothing any more: its end is told.
    this.#connection.sendBytes(bytes).catch(() => {});
  }

  drain(): boolean {
    // A socket is heard only by the event loop.
    const memory = this.#memory;
    if (memory === undefined) return false;
    const some = this.#hearAll(memory);
    // What is said from here on wakes; what was said before it is heard now.
    memory.sleep();
    return this.#hearAll(memory) || some;
  }

  #hearAll(memory: WorkerMemory): boolean {
    let any = false;
    try {
      for (let more = true; more && !this.#isOver;) {
        more = (this.#connection as BlockingConnection).pollSync(0);
        // What went into the ring before it comes first.
        any = memory.hearRing(this.#hear) || any;
        if (more && !this.#isOver) this.#hearNext(memory);
        any ||= more;
      }
    } catch (error) {
      if (error instanceof EOFError) this.#isOver = true;
      else this.#fail(error);
    }
    return any;
  }

  /** Hears the next message of the pipe: what did not go into the ring, or one that only wakes. */
  #hearNext(memory: WorkerMemory): void {
    const connection = this.#connection as BlockingConnection;
    if (this.#large !== undefined) {
      this.#readPiece((room) => connection.recvBytesIntoSync(room, 0, NOW));
    } else {
      const bytes = connection.recvBytesSync(NOW);
      if (bytes.length === 0) return;
      this.#read(bytes);
    }
    if (this.#large === undefined) memory.tookAside();
  }

  /** Ends the hearing of a worker whose words make no sense. */
  #fail(error: unknown): void {
    this.#isOver = true;
    this.#faulty(messageOf(error));
  }

  joinSync(timeout: number): boolean {
    return this.#process.joinSync({ timeout });
  }

  lossNow(): Loss | undefined {
    // Its end is looked for where this process may use FFI.
    if (this.#process.exitcode === null) return undefined;
    this.drain();
    // The pool asks it no more, so that whoever listens on would listen for ever.
    this.#isOver = true;
    return lossIn(() => this.#process.resultSync({ timeout: 0 }));
  }

  kill(): void {
    this.#process.kill();
  }

  wake(): void {
    if (this.#listening !== undefined) return;
    const listening = this.#listening = new AbortController();
    this.#heard = this.#listen(listening.signal);
  }

  rest(): void {
    this.#listening?.abort();
    this.#listening = undefined;
  }

  /** Hears what comes, until it is to rest or the worker has ended. */
  async #listen(signal: AbortSignal): Promise<void> {
    try {
      while (!this.#isOver) {
        // In memory nothing is taken by a wait: else what is taken meanwhile would overtake it.
        if (this.claims !== undefined) {
          await (this.#connection as BlockingConnection)[READY](signal);
        } else this.#take(await this.#connection.recvBytes({ signal }));
        this.#rang();
      }
    } catch (error) {
      if (signal.aborted || error instanceof EOFError) return;
      // No words of ours: whoever it is, it is no longer listened to.
      this.#fail(error);
    }
  }

  /** Reads a message that has come over a socket. */
  #take(bytes: Uint8Array): void {
    if (this.#large === undefined) return this.#read(bytes);
    this.#readPiece((room) => {
      room.set(bytes);
      return bytes.length;
    });
  }

  /** Reads a piece of a value; one that is longer than what is left of it costs a RangeError. */
  #readPiece(read: ReadPiece): void {
    const { head, beside } = this.#large!;
    const value = beside.take(read);
    if (value === undefined) return;
    this.#large = undefined;
    this.#hear(head, value);
    giveBack(value);
  }

  /** Reads a message of frames. */
  #read(bytes: Uint8Array): void {
    try {
      checkLength(bytes.length, LARGEST_FRAMES);
      readFrames(bytes, this.#reply, (reply, value, beside) => {
        if (this.#large !== undefined) throw new BadFrame("a frame before the value of another");
        if (beside === NOTHING_BESIDE) this.#hear(reply, value!);
        else {
          const large = Beside.of(value, beside, this.#maxMessage);
          this.#large = { head: new ReplyHead(reply), beside: large };
        }
      });
    } catch (error) {
      if (!(error instanceof BadFrame || error instanceof RangeError)) throw error;
      this.#fail(error);
    }
  }

  async #end(): Promise<Loss> {
    // Waiting for the result would keep the program alive.
    await this.#process[TOLD];
    const loss = await this.#process.result().then(() => NO_LOSS, lossOf);
    // What it said last is there still.
    this.rest();
    await this.#heard;
    const last = new AbortController();
    const heard = this.#listen(last.signal);
    // That a socket ends with its process is the system's to see to: it is not waited for for ever.
    await reachedUnheld(heard, this.#memory === undefined ? CLOSING : Infinity);
    last.abort();
    this.#connection.close();
    this.#giveBack();
    return loss;
  }

  #giveBack(): void {
    if (this.#placement !== undefined) spare.push(this.#placement);
  }
}

/**
 * The start of workers that are processes, and their relation to this one.
 *
 * @throws {TypeError | RangeError} A bad option.
 */
export function processWorkers(
  options: Partial<ProcessWorkerOptions> | undefined,
  action: string,
): Pick<EngineOptions, "world" | "level" | "mayMap" | "start"> {
  const { permissions, maxMessage: most } = options ?? {};
  if (most !== undefined && most !== Infinity) checkInteger(most, 1, "maxMessage", action);
  const level = levelOf(permissions);
  // A process that may do all that this one may need not be kept from filling its memory.
  const maxMessage = most ?? (level === "below" ? MOST_FROM_BELOW : Infinity);
  return {
    world: "process",
    level,
    mayMap: givesFfi(permissions),
    start: (boot, rang) => new ProcessTransport(boot, rang, { permissions, maxMessage }),
  };
}
