/**
 * The worker's side of a pool of threads: it takes calls from a port, and says what it has to say
 * through a ring in memory, or beside it.
 *
 * @module
 */
import { messageIn, post, prepareTake, take } from "../../core/ports.ts";
import type { Packed } from "../../transfer/pack.ts";
import { task } from "../../transfer/task.ts";
import { type Aside, handedOver, sendAside, Span } from "../payload.ts";
import type { ReplyHead } from "../transport/frames.ts";
import { type Outlet, type Preparation, Runner } from "./runner.ts";
import {
  ASIDES_SENT,
  ASIDES_TAKEN,
  layOut,
  type SentAside,
  SLEEPS,
} from "../transport/thread_memory.ts";

/** The boot of the thread. */
export interface ThreadRunnerBoot {
  memory: SharedArrayBuffer;
  port: MessagePort;
  side: MessagePort;
  preparation: Preparation;
}

/** Serves a pool until it says that it is over. */
export const serveThread: (boot: ThreadRunnerBoot) => Promise<void> = task(
  import.meta,
  async function serveThread({ memory, port, side, preparation }: ThreadRunnerBoot) {
    await prepareTake();
    const { words, claims, ring } = layOut(memory);
    const sayAside = (reply: ReplyHead, value: unknown, transfer: Transferable[]) => {
      const { kind, id, micros, items } = reply;
      sendAside(transfer, (moved) => {
        post(side, [kind, id, micros, items, value] satisfies SentAside, moved);
      });
      Atomics.add(words, ASIDES_SENT, 1);
    };
    const outlet: Outlet = {
      world: "thread",
      claims,
      say(reply, payload) {
        if (payload instanceof Span) {
          const isInOrder = Atomics.load(words, ASIDES_SENT) === Atomics.load(words, ASIDES_TAKEN);
          // Where the ring is full its reader is late: nobody waits for that.
          if (!isInOrder || !ring.push(reply, payload)) {
            sayAside(reply, new Uint8Array(payload.view), []);
          }
        } else {
          const aside = payload as Aside;
          sayAside(reply, aside.packed, aside.transfer);
          handedOver(aside);
        }
        if (Atomics.exchange(words, SLEEPS, 0) === 1) port.postMessage(null);
      },
      look() {
        for (let message = take(port); message !== undefined; message = take(port)) hear(message);
      },
    };
    const runner = new Runner(outlet, preparation.name);
    const hear = (message: unknown) => {
      if (message instanceof Uint8Array) runner.receive(message);
      else runner.receive(...message as [Uint8Array, Packed[]]);
    };
    port.onmessage = ({ data }) => hear(messageIn(data));
    try {
      await runner.prepare(preparation);
      await runner.over;
    } finally {
      port.close();
      side.close();
    }
  },
);
