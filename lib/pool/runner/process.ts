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
import { countAsides, DONE, FrameWriter, REPORT } from "../transport/frames.ts";
import { LARGEST, type Span } from "../payload.ts";
import { type Outlet, type Preparation, Runner } from "./runner.ts";
import { Claims, CLAIMS_WORDS } from "../transport/claims.ts";

/** The boot of the process. */
export interface ProcessRunnerBoot {
  connection: Connection<Uint8Array>;
  /** Where the claims are, if they are memory. */
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

async function sendAll(connection: Connection<Uint8Array>, messages: Uint8Array[]): Promise<void> {
  for (const message of messages) await connection.sendBytes(message);
}

/** Serves a pool until it says that it is over. */
export const serveProcess: (boot: ProcessRunnerBoot) => Promise<void> = task(
  import.meta,
  async function serveProcess({ connection, at, preparation, maxMessage }: ProcessRunnerBoot) {
    // Ctrl-C reaches every process of the group; the pool says what becomes of the workers.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGINT", () => {});
    const placement = at === undefined ? undefined : theArena().place(at, CLAIMS_WORDS);
    const claims = placement && new Claims(placement.region.words, placement.base);
    const writer = new FrameWriter();
    const blocking = connection as BlockingConnection;
    const outlet: Outlet = {
      world: "process",
      claims,
      say(reply, payload) {
        // From a process all is bytes.
        const value = payload as Span;
        if (value.length > maxMessage) throw tooLong(reply.kind, value.length, maxMessage);
        const isLarge = value.length > LARGEST;
        writer.add(reply, isLarge ? undefined : value);
        const messages = isLarge ? [writer.take(), value.view] : [writer.take()];
        if (claims === undefined) return sendAll(connection, messages);
        for (const message of messages) blocking.sendBytesSync(message);
        return undefined;
      },
      look() {
        if (claims !== undefined) hearAll();
      },
    };
    const runner = new Runner(outlet, preparation.name);
    /** A message whose large values are still to come, and those that have. */
    let message: Uint8Array | undefined;
    let asides: Uint8Array[] = [];
    const hear = (bytes: Uint8Array) => {
      if (message === undefined) message = bytes;
      else asides.push(bytes);
      if (asides.length < countAsides(message)) return;
      const [whole, values] = [message, asides];
      message = undefined;
      asides = [];
      runner.receive(whole, values);
    };
    const hearAll = () => {
      while (connection.pollSync(0)) hear(blocking.recvBytesSync({ timeout: 0 }));
    };
    const { signal } = new AbortController();
    const listen = async () => {
      for (;;) {
        // In memory nothing is taken by a wait: else what is taken meanwhile would overtake it.
        if (claims === undefined) hear(await connection.recvBytes());
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
