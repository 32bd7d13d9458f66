/**
 * Makes and ends workers. All are made by the main thread: a worker started by a worker would come up
 * about 500 ms later. Other threads ask it over their port to home, which it also looks at while it is
 * blocked in a wait of the toolkit.
 *
 * Plain threads are Web Workers. Killable and daemon threads are workers of `node:worker_threads`:
 * they take longer to start, but do not hold up the end of the program.
 *
 * @module
 */
import { Worker as NodeWorker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { take, unref } from "../core/ports.ts";
import { lines } from "../channel/lines.ts";
import { leave, self } from "../memory/self.ts";
import { services } from "../sync/steps.ts";
import type { ThreadBoot, ToHome } from "./thread_protocol.ts";

const ENTRY = new URL("./thread_entry.ts", import.meta.url).href;

interface Hosted {
  end: () => void;
  home: MessagePort;
}

const hosted = new Map<number, Hosted>();
const homes = new Set<MessagePort>();
let home: MessagePort | undefined;

/** Tells a thread where to ask for further threads. */
export function setHome(port: MessagePort): void {
  home = port;
}

const readable = new Set<string>();

/**
 * Makes sure that a thread may import its modules, which Deno would say on stderr only.
 *
 * @throws {Deno.errors.NotCapable} It may not.
 */
export function checkReadable(module: string, name: string): void {
  for (const url of [ENTRY, module]) {
    if (readable.has(url) || !url.startsWith("file:")) continue;
    const path = fileURLToPath(url);
    if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
      throw new Deno.errors.NotCapable(
        `Cannot start thread ${JSON.stringify(name)}: it imports ${path}; run again with ` +
          "--allow-read",
      );
    }
    readable.add(url);
  }
}

/** Starts a thread's worker. */
export function startWorker(boot: ThreadBoot): void {
  if (self().isMain) return create(boot);
  const transfer = [boot.port, boot.ends, ...boot.transfer];
  home!.postMessage({ type: "start", boot } satisfies ToHome, transfer);
}

/** Ends a thread's worker, as far as Deno can. */
export function endWorker(ident: number): void {
  if (!self().isMain) return home!.postMessage({ type: "cut", ident } satisfies ToHome);
  const worker = hosted.get(ident);
  if (worker === undefined) return;
  hosted.delete(ident);
  homes.delete(worker.home);
  // Its end may be heard of before all that it asked for at home.
  for (let message = take(worker.home); message !== undefined; message = take(worker.home)) {
    serve(message as ToHome);
  }
  lines.ended?.(ident);
  worker.home.close();
  worker.end();
}

function create(boot: ThreadBoot): void {
  const { ident, slot } = boot.me;
  const { port1, port2 } = new MessageChannel();
  const message = { boot, home: port2 };
  const transfer = [boot.port, boot.ends, port2, ...boot.transfer];
  const lost = (why: string) => {
    endWorker(ident);
    if (self().roster.hasEnded(slot, ident)) return;
    const error = new Error(`Cannot start thread ${JSON.stringify(boot.me.name)}: ${why}`);
    console.error(error.message);
    leave(slot, ident, true, true);
  };
  let end: () => void;
  if (boot.killable) {
    const bootstrap = `import { parentPort } from "node:worker_threads"; import { begin } from ${
      JSON.stringify(ENTRY)
    }; parentPort.once("message", begin);`;
    const worker = new NodeWorker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`));
    worker.on("error", (error) => lost(error.message));
    worker.on("exit", () => endWorker(ident));
    // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
    worker.postMessage(message, transfer as any);
    if (boot.daemon) worker.unref();
    end = () => {
      worker.unref();
      worker.terminate();
    };
  } else {
    const worker = new Worker(ENTRY, { type: "module", name: boot.me.name });
    worker.onerror = (event) => {
      event.preventDefault();
      lost(event.message);
    };
    worker.postMessage(message, transfer);
    end = () => worker.terminate();
  }
  hosted.set(ident, { end, home: port1 });
  homes.add(port1);
  port1.onmessage = ({ data }) => serve(data);
  unref(port1);
  services.add(serveHomes);
}

function serve(message: ToHome): void {
  if (message.type === "start") return create(message.boot);
  if (message.type === "line") return lines.accept?.(message.line);
  if (message.type === "ended") leave(message.slot, message.ident, message.dead, true);
  endWorker(message.ident);
}

/** Serves the other threads while this one is blocked; whether there was something to do. */
function serveHomes(): boolean {
  let any = false;
  if (homes.size === 0) services.delete(serveHomes);
  for (const port of homes) {
    for (let message = take(port); message !== undefined; message = take(port)) {
      serve(message as ToHome);
      any = true;
    }
  }
  return any;
}
