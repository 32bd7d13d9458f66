/**
 * The way to a worker that is a thread. Calls go to it as messages. What it says comes back through
 * a ring in memory, where it is there at once and whatever becomes of the worker; what is no bytes
 * comes by a second port, on which nobody listens, so that a thread that blocks finds it too. The
 * worker rings, by an empty message, when the pool has said that it sleeps.
 *
 * @module
 */
import { loadPorts, post, take, unref } from "../../core/ports.ts";
import { QUIET, TOLD } from "../../child/plan.ts";
import { self } from "../../memory/this_thread.ts";
import type { Packed } from "../../transfer/pack.ts";
import { Thread } from "../../threading/thread.ts";
import { BadFrame, ReplyHead } from "./frames.ts";
import {
  type Hear,
  type Loss,
  lossIn,
  lossOf,
  NO_LOSS,
  type Transport,
  type WorkerBoot,
} from "./transport.ts";
import { type Aside, handedOver, type Payload, sendAside } from "../payload.ts";
import type { EngineOptions } from "../options.ts";
import { MEMORY_WORDS, type SentAside, WorkerMemory } from "./worker_memory.ts";
import type { Claims } from "./claims.ts";
import { serveThread } from "../runner/thread.ts";

/** The way to a thread. */
export class ThreadTransport implements Transport {
  readonly pid = null;
  readonly largest = Infinity;
  readonly claims: Claims;
  readonly ended: Promise<Loss>;
  readonly #thread: Thread<void>;
  readonly #memory: WorkerMemory;
  readonly #port: MessagePort;
  readonly #side: MessagePort;
  readonly #hear: Hear;
  readonly #reply = new ReplyHead();
  readonly #faulty: WorkerBoot["faulty"];
  #heardAside = 0;
  /** True if its memory makes no sense: nothing more is heard of it. */
  #isSpoilt = false;

  /** Starts the thread. */
  constructor({ hear, faulty, known: _, ...preparation }: WorkerBoot, rang: () => void) {
    const words = new Int32Array(new SharedArrayBuffer(4 * MEMORY_WORDS));
    this.#memory = new WorkerMemory(words, 0);
    this.claims = this.#memory.claims;
    this.#hear = hear;
    this.#faulty = faulty;
    loadPorts();
    const calls = new MessageChannel();
    const asides = new MessageChannel();
    this.#port = calls.port1;
    this.#side = asides.port1;
    const options = {
      name: preparation.name,
      daemon: true,
      killable: true,
      transfer: [calls.port2, asides.port2],
      args: [{ words, port: calls.port2, side: asides.port2, preparation }] as [never],
      [QUIET]: true,
    };
    this.#thread = new Thread(serveThread, options) as Thread<void>;
    this.#memory.sleep();
    this.#port.onmessage = rang;
    unref(this.#port);
    try {
      this.#thread.start();
    } catch (cause) {
      this.#port.close();
      this.#side.close();
      throw cause;
    }
    this.ended = this.#end();
  }

  post(bytes: Uint8Array<ArrayBuffer>, payloads: Payload[]): void {
    if (payloads.length === 0) return post(this.#port, bytes);
    // Between threads what is large is no bytes.
    const asides = payloads as Aside[];
    const packed = asides.map((aside) => aside.packed);
    const transfer = asides.flatMap((aside) => aside.transfer);
    sendAside(transfer, (moved) => post(this.#port, [bytes, packed], moved));
    const { ident } = this.#thread;
    const slot = ident === null ? -1 : self().roster.slotOf(ident);
    for (const aside of asides) aside.isSpent = aside.transfer.length > 0;
    for (const aside of asides) handedOver(aside, slot < 0 ? undefined : { slot, ident: ident! });
  }

  drain(): boolean {
    if (this.#isSpoilt) return false;
    try {
      const some = this.#drain();
      // What is said from here on rings; what was said before it is taken now.
      this.#memory.sleep();
      return this.#drain() || some;
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#isSpoilt = true;
      this.#faulty(error.message);
      return true;
    }
  }

  /** Its messages keep no program alive. */
  wake(): void {}

  rest(): void {}

  joinSync(timeout: number): boolean {
    return this.#thread.joinSync({ timeout });
  }

  lossNow(): Loss | undefined {
    if (!this.#thread.joinSync({ timeout: 0 })) return undefined;
    this.drain();
    return lossIn(() => this.#thread.resultSync({ timeout: 0 }));
  }

  kill(): void {
    if (this.#thread.isAlive()) this.#thread.terminate();
  }

  #drain(): boolean {
    let any = this.#memory.hearRing(this.#hear);
    while (this.#heardAside !== this.#memory.asidesSent) {
      // What went into the ring before it comes first.
      any = this.#memory.hearRing(this.#hear) || any;
      const message = take(this.#side) as SentAside | undefined;
      if (message === undefined) break;
      this.#heardAside = this.#memory.tookAside();
      any = true;
      if (!Array.isArray(message)) throw new BadFrame("a message that is none");
      const reply = this.#reply;
      const [kind, id, micros, items, value] = message;
      reply.kind = kind;
      reply.id = id;
      reply.micros = micros;
      reply.items = items;
      this.#hear(reply, value as Uint8Array | Packed);
    }
    return any;
  }

  async #end(): Promise<Loss> {
    // Waiting for the result would keep the program alive.
    await this.#thread[TOLD];
    const loss = await this.#thread.result().then(() => NO_LOSS, lossOf);
    this.drain();
    this.#port.close();
    this.#side.close();
    return loss;
  }
}

/** Starts a worker that is a thread. */
export const startThread: EngineOptions["start"] = (boot, rang) => new ThreadTransport(boot, rang);
