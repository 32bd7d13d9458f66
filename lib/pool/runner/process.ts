/**
 * The worker's side of a pool of processes: it takes calls from a pipe, and answers through it.
 *
 * @module
 */
import type { BlockingConnection, Connection } from "../../channel/connection.ts";
import { READY } from "../../channel/connection_wait.ts";
import { EOFError } from "../../core/errors.ts";
import { theArena } from "../../memory/arena.ts";
import { task } from "../../transfer/task.ts";
import type { Packed } from "../../transfer/pack.ts";
import {
  DONE,
  FrameWriter,
  NOTHING_BESIDE,
  readFrames,
  REPORT,
  RequestHead,
} from "../transport/frames.ts";
import { Beside, giveBack, piecesOf, type ReadPiece } from "../transport/pieces.ts";
import type { Bulk, Span } from "../payload.ts";
import { type Outlet, type Preparation, Runner } from "./runner.ts";
import { MEMORY_WORDS, WorkerMemory } from "../transport/worker_memory.ts";

/** The boot of the process. */
export interface ProcessRunnerBoot {
  connection: Connection<Uint8Array>;
  /** Where the memory is that it shares with the pool, if there is some. */
  at: unknown;
  preparation: Preparation;
  /** The most bytes that a value may have which it says. */
  maxMessage: number;
}

/** The error about a value that is too long: here, where it was made. */
function tooLong(kind: number, length: number, maxMessage: number): RangeError {
  const what = kind === DONE ? "result" : kind === REPORT ? "report" : "error";
  return new RangeError(
    `Cannot send the ${what}: it takes ${length} bytes, more than maxMessage (${maxMessage}) allows; ` +
      "raise that option of the pool, or send it in parts",
  );
}

async function sendAll(
  connection: Connection<Uint8Array>,
  messages: Iterable<Uint8Array>,
): Promise<void> {
  for (const message of messages) await connection.sendBytes(message);
}

/** The options of a call that takes what is there. */
const NOW = { timeout: 0 };

/** A message that only wakes. */
const BELL = new Uint8Array(0);

const skipped = new RequestHead();

/** What follows a message, in the order of its frames. */
function besideFrames(bytes: Uint8Array): Beside[] {
  const all: Beside[] = [];
  readFrames(bytes, skipped, (_, value, beside) => {
    if (beside !== NOTHING_BESIDE) all.push(Beside.of(value, beside, Infinity));
  });
  return all;
}

/** Serves a pool until it says that it is over. */
export const serveProcess: (boot: ProcessRunnerBoot) => Promise<void> = task(
  import.meta,
  async function serveProcess({ connection, at, preparation, maxMessage }: ProcessRunnerBoot) {
    // Ctrl-C reaches every process of the group; the pool says what becomes of the workers.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGINT", () => {});
    const placement = at === undefined ? undefined : theArena().place(at, MEMORY_WORDS);
    const memory = placement && new WorkerMemory(placement.region.words, placement.base);
    const writer = new FrameWriter();
    const blocking = connection as BlockingConnection;
    const outlet: Outlet = {
      world: "process",
      claims: memory?.claims,
      say(reply, payload) {
        // From a process all is bytes.
        const value = payload as Span | Bulk;
        if (value.length > maxMessage) throw tooLong(reply.kind, value.length, maxMessage);
        if (memory?.say(reply, value) === true) {
          if (memory.isToWake()) blocking.sendBytesSync(BELL);
          return undefined;
        }
        writer.add(reply, value);
        const messages = [writer.take(), ...piecesOf(value)];
        if (memory === undefined) return sendAll(connection, messages);
        memory.sentAside();
        for (const message of messages) blocking.sendBytesSync(message);
        return undefined;
      },
      look() {
        if (memory !== undefined) hearAll();
      },
      release: giveBack,
    };
    const runner = new Runner(outlet, preparation.name);
    /** A message of which something is still to come: what, and what has come. */
    let message: Uint8Array | undefined;
    let missing: Beside[] = [];
    let asides: (Uint8Array | Packed)[] = [];
    const hear = (bytes: Uint8Array) => {
      if (message === undefined) {
        message = bytes;
        missing = besideFrames(bytes);
      } else takePiece((into) => (into.set(bytes), bytes.length));
      goOn();
    };
    const takePiece = (read: ReadPiece) => {
      const value = missing[asides.length]!.take(read);
      if (value !== undefined) asides.push(value);
    };
    const goOn = () => {
      if (asides.length < missing.length) return;
      const [whole, values] = [message!, asides];
      message = undefined;
      asides = [];
      runner.receive(whole, values);
    };
    const hearAll = () => {
      while (connection.pollSync(0)) {
        if (message === undefined) hear(blocking.recvBytesSync(NOW));
        else {
          takePiece((into) => blocking.recvBytesIntoSync(into, 0, NOW));
          goOn();
        }
      }
    };
    const { signal } = new AbortController();
    const listen = async () => {
      for (;;) {
        // In memory nothing is taken by a wait: else what is taken meanwhile would overtake it.
        if (memory === undefined) hear(await connection.recvBytes());
        else await blocking[READY](signal).then(hearAll);
      }
    };
    try {
      const heard = listen().catch((error) => {
        if (!(error instanceof EOFError)) throw error;
      });
      await runner.prepare(preparation);
      await Promise.race([runner.over, heard]);
    } finally {
      connection.close();
    }
  },
);
