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
import { type SentAside, WorkerMemory } from "../transport/worker_memory.ts";

/** The boot of the thread. */
export interface ThreadRunnerBoot {
  words: Int32Array<SharedArrayBuffer>;
  port: MessagePort;
  side: MessagePort;
  preparation: Preparation;
}

/** Serves a pool until it says that it is over. */
export const serveThread: (boot: ThreadRunnerBoot) => Promise<void> = task(
  import.meta,
  async function serveThread({ words, port, side, preparation }: ThreadRunnerBoot) {
    await prepareTake();
    const memory = new WorkerMemory(words, 0);
    const sayAside = (reply: ReplyHead, value: unknown, transfer: Transferable[]) => {
      const { kind, id, micros, items } = reply;
      sendAside(transfer, (moved) => {
        post(side, [kind, id, micros, items, value] satisfies SentAside, moved);
      });
      memory.sentAside();
    };
    const outlet: Outlet = {
      world: "thread",
      claims: memory.claims,
      say(reply, payload) {
        if (!memory.say(reply, payload)) {
          if (payload instanceof Span) sayAside(reply, new Uint8Array(payload.view), []);
          else {
            const aside = payload as Aside;
            sayAside(reply, aside.packed, aside.transfer);
            handedOver(aside);
          }
        }
        if (memory.isToWake()) port.postMessage(null);
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
