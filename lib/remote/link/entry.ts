/**
 * The thread of a link: the connection to a broker, and its service. There is one in a program for
 * each URL. It needs nothing of the main thread but its messages: so heartbeats go on, and requests
 * of all threads are served, while that computes or blocks.
 *
 * It lives from the first use of the URL until the last handle is closed, and keeps no program
 * alive: it is a daemon, and dies with the process.
 *
 * @module
 */
import { take } from "../../core/ports.ts";
import { holdProgram } from "../../core/promises.ts";
import { task } from "../../transfer/task.ts";
import type { Broker } from "../broker.ts";
import type { ToLink } from "./protocol.ts";
import { Reception } from "./reception.ts";
import { Service } from "./service.ts";

/** What a link's thread is told. */
export interface LinkPlan {
  /** The broker's URL. */
  url: string;
  /** The module of the broker, which exports `open(url)`; "" if it is one of ours. */
  module: string;
  /** The word by which it is rung. */
  bell: SharedArrayBuffer;
  /** What the main thread says. */
  control: MessagePort;
}

/** The task of a link's thread. */
export const serveLink: (plan: LinkPlan) => Promise<void> = task(
  import.meta,
  async function serveLink({ url, module, bell, control }: LinkPlan): Promise<void> {
    // In a thread this keeps its own event loop going, not the program's.
    const letGo = holdProgram();
    try {
      const opener: { open(url: string): Broker } = await load(url, module);
      const service = new Service(opener.open(url));
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      const readControl = () => {
        for (let any = false;; any = true) {
          const message = take(control) as ToLink | undefined;
          if (message === undefined) return any;
          if (message.type === "user") reception.admit(message.user);
          else if (message.type === "gone") reception.gone(message.ident);
          else stop();
        }
      };
      const reception = new Reception(service, bell, readControl);
      reception.listen(true);
      await stopped;
      reception.close();
      await service.close();
    } finally {
      control.close();
      letGo();
    }
  },
);

/** The module of a URL's broker. */
function load(url: string, module: string): Promise<{ open(url: string): Broker }> {
  if (module !== "") return import(module);
  return /^file:/i.test(url) ? import("../file/broker.ts") : import("../amqp_broker.ts");
}
