/**
 * What a pool's worker that is a thread runs.
 *
 * @module
 */
import { prepareTake, take } from "../../core/ports.ts";
import type { Packed } from "../../transfer/pack.ts";
import { task } from "../../transfer/task.ts";
import { handedOver, sendAside, Span } from "../payload.ts";
import { type Outlet, type Preparation, Station } from "./runner.ts";
import { ASIDES, layOut, SLEEPS, TAKEN } from "../transport/thread_memory.ts";

/** What the thread is given. */
export interface ThreadStationBoot {
  memory: SharedArrayBuffer;
  port: MessagePort;
  side: MessagePort;
  preparation: Preparation;
}

/** Serves a pool until it says that it is over. */
export const serveThread: (boot: ThreadStationBoot) => Promise<void> = task(
  import.meta,
  async function serveThread({ memory, port, side, preparation }: ThreadStationBoot) {
    await prepareTake();
    const { words, tickets, ring } = layOut(memory);
    const sayAside = (word: number[], value: unknown, transfer: Transferable[]) => {
      sendAside(transfer, (moved) => {
        side.postMessage(new Map([...word, value].entries()), moved);
      });
      Atomics.add(words, ASIDES, 1);
    };
    const outlet: Outlet = {
      world: "thread",
      tickets,
      say(kind, id, third, fourth, payload) {
        if (payload instanceof Span) {
          const isInOrder = Atomics.load(words, ASIDES) === Atomics.load(words, TAKEN);
          // Where the ring is full its reader is late: nobody waits for that.
          if (!isInOrder || !ring.push(kind, id, third, fourth, payload)) {
            sayAside([kind, id, third, fourth], new Uint8Array(payload.view), []);
          }
        } else {
          sayAside([kind, id, third, fourth], payload.packed, payload.transfer);
          handedOver(payload);
        }
        if (Atomics.exchange(words, SLEEPS, 0) === 1) port.postMessage(null);
      },
      look() {
        for (let message = take(port); message !== undefined; message = take(port)) hear(message);
      },
    };
    const station = new Station(outlet, preparation.name);
    const hear = (message: unknown) => {
      if (message instanceof Uint8Array) station.receive(message);
      else station.receive(...message as [Uint8Array, Packed[]]);
    };
    port.onmessage = ({ data }) => hear(data);
    try {
      await station.prepare(preparation);
      await station.over;
    } finally {
      port.close();
      side.close();
    }
  },
);
