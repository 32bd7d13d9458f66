/**
 * Makes and ends workers. All are made by the main thread: a worker started by a worker would come
 * up about 500 ms later. Other threads ask it over their port to home, which it also looks at while
 * it is blocked in a wait of the toolkit.
 *
 * Plain threads are Web Workers. Killable and daemon threads are workers of `node:worker_threads`:
 * they take longer to start, but do not hold up the end of the program.
 *
 * @module
 */
import type { Worker as NodeWorker } from "node:worker_threads";
import { LIBRARY } from "../../core/environment.ts";
import { recorder, services, threadsGone } from "../../core/hooks.ts";
import { fileURLToPath } from "../../core/node.ts";
import { loadPorts, messageIn, post, take, unref, whenLoaded } from "../../core/ports.ts";
import { lines } from "../../channel/parcels/lines.ts";
import { leave, self } from "../../memory/this_thread.ts";
import { messageOf } from "../../transfer/failure.ts";
import { wind } from "./alarm_clock.ts";
import type { SpareThread } from "./spare.ts";
import type { ThreadBegin, ThreadBoot, ThreadPorts, ToHome } from "./protocol.ts";

/** The module that the worker of a thread runs first. */
const ENTRY = new URL("./entry.ts", import.meta.url).href;

/** The spares, from the first `prewarm()` on: what makes them is loaded then. */
let spares: typeof import("./spare.ts") | undefined;

interface Hosted {
  end: () => void;
  home: MessagePort;
}

const hosted = new Map<number, Hosted>();
const homes = new Set<MessagePort>();

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

/** Starts a thread's worker; gives the starter's ends of its ports. */
export function startWorker(boot: ThreadBoot): ThreadPorts {
  const spare = self().isMain ? spares?.spareThreads.take() : undefined;
  if (spare !== undefined) {
    startSpare(spare, boot);
    return spare.ports;
  }
  const [mine, theirs] = openPorts(boot.killable);
  try {
    if (self().isMain) startNew(boot, theirs);
    else {
      const transfer = [theirs.port, theirs.ends, ...boot.transfer];
      post(lines.home!, { type: "start", boot, ports: theirs } satisfies ToHome, transfer);
    }
  } catch (cause) {
    closePorts(mine);
    throw cause;
  }
  return mine;
}

function openPorts(isKillable: boolean): [ThreadPorts, ThreadPorts] {
  // Its worker needs it in any case; ports of a daemon that were made before hold the program.
  if (isKillable) loadPorts();
  const port = new MessageChannel();
  const ends = new MessageChannel();
  return [{ port: port.port1, ends: ends.port1 }, { port: port.port2, ends: ends.port2 }];
}

function closePorts({ port, ends }: ThreadPorts): void {
  port.close();
  ends.close();
}

/** Ends a thread's worker, as far as Deno can. */
export function endWorker(ident: number): void {
  if (!self().isMain) return post(lines.home!, { type: "cut", ident } satisfies ToHome);
  const worker = hosted.get(ident);
  if (worker === undefined) return;
  hosted.delete(ident);
  homes.delete(worker.home);
  // Its end may be heard of before all that it asked for at home.
  for (let message = take(worker.home); message !== undefined; message = take(worker.home)) {
    serve(message as ToHome);
  }
  lines.ended?.(ident);
  for (const gone of threadsGone) gone(ident);
  worker.home.close();
  worker.end();
}

/** What modules of layers above hear from other threads in the main thread, by their URL. */
export const hearers: Map<string, (message: unknown) => void> = new Map();

/**
 * Tells a module of the toolkit something in the main thread, from another. It is loaded there, if
 * it is not, and enters itself in {@linkcode hearers}.
 */
export function tellHome(module: string, message: unknown, transfer: Transferable[]): void {
  post(lines.home!, { type: "tell", module, message } satisfies ToHome, transfer);
}

function hear(module: string, message: unknown): void {
  const hearer = hearers.get(module);
  if (hearer !== undefined) return hearer(message);
  if (!module.startsWith(LIBRARY)) return;
  import(module).then(() => hearers.get(module)?.(message));
}

/**
 * Keeps spare workers; see `prewarm()`.
 *
 * @param modules What targets are likely to import: spares have loaded it.
 */
export async function holdSpares(count: number, modules: string[]): Promise<AsyncDisposable> {
  if (self().isMain) {
    spares ??= await import("./spare.ts");
    spares.planSpares({ makeWorker: makeKillable, faces: modules });
    return await spares.spareThreads.hold(count);
  }
  const { port1, port2 } = new MessageChannel();
  const answer = () =>
    new Promise<string | null>((resolve) => port1.onmessage = ({ data }) => resolve(data));
  post(lines.home!, { type: "spares", count, modules, port: port2 } satisfies ToHome, [port2]);
  const failure = await answer();
  if (failure !== null) {
    port1.close();
    throw new Error(failure);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      port1.postMessage(null);
      await answer();
      port1.close();
    },
  };
}

/** Keeps spares for another thread, until it says that it needs them no more. */
async function holdFor(count: number, modules: string[], port: MessagePort): Promise<void> {
  try {
    await using _held = await holdSpares(count, modules);
    const over = new Promise((resolve) => port.onmessage = resolve);
    unref(port);
    port.postMessage(null);
    await over;
    port.postMessage(null);
  } catch (error) {
    port.postMessage(messageOf(error));
  } finally {
    port.close();
  }
}

/** Starts a thread in a spare, with the ports that the spare has or with others. */
function startSpare(spare: SpareThread, boot: ThreadBoot, ports?: ThreadPorts): void {
  try {
    boot.trace = recorder?.seatThread(boot.me);
    const begin: ThreadBegin = { boot, ...(ports === undefined ? {} : { ports }) };
    spares!.wakeSpare(spare, begin, [...Object.values(ports ?? {}), ...boot.transfer]);
  } catch (cause) {
    spares!.discard(spare);
    throw cause;
  }
  if (ports !== undefined) closePorts(spare.ports);
  if (!boot.daemon) spare.worker.ref();
  hostKillable(boot, spare.worker, spare.home);
}

/** A worker that can be ended at any moment, and that waits for its boot. */
function makeKillable(): NodeWorker {
  const bootstrap = `import { parentPort } from "node:worker_threads"; import { attend } from ${
    JSON.stringify(ENTRY)
  }; attend(parentPort);`;
  const node = loadPorts();
  // A copy of the environment would need a permission; what the thread sees of it is the same.
  return new node.Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), {
    env: node.SHARE_ENV,
  });
}

/** Starts a thread in a new worker. */
function startNew(boot: ThreadBoot, ports: ThreadPorts): void {
  const { port1, port2 } = new MessageChannel();
  boot.trace = recorder?.seatThread(boot.me);
  const begin: ThreadBegin = { boot, ports, home: port2 };
  const transfer = [ports.port, ports.ends, port2, ...boot.transfer];
  if (boot.killable) {
    const worker = makeKillable();
    // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
    send(() => worker.postMessage(begin, transfer as any), worker, port1);
    if (boot.daemon) worker.unref();
    return hostKillable(boot, worker, port1);
  }
  const worker = new Worker(ENTRY, { type: "module", name: boot.me.name });
  worker.onerror = (event) => {
    event.preventDefault();
    lost(boot, event.message);
  };
  send(() => worker.postMessage(begin, transfer), worker, port1);
  host(boot, port1, () => worker.terminate());
}

/**
 * Sends a worker its boot. One that gets none would wait for it, and keep the program alive, for
 * ever.
 */
function send(post: () => void, worker: Worker | NodeWorker, home: MessagePort): void {
  try {
    post();
  } catch (cause) {
    worker.terminate();
    home.close();
    throw cause;
  }
}

function hostKillable(boot: ThreadBoot, worker: NodeWorker, home: MessagePort): void {
  const { ident } = boot.me;
  worker.on("error", (error) => lost(boot, messageOf(error)));
  worker.on("exit", () => endWorker(ident));
  host(boot, home, () => {
    worker.unref();
    worker.terminate();
  });
}

function host({ me }: ThreadBoot, home: MessagePort, end: () => void): void {
  hosted.set(me.ident, { end, home });
  homes.add(home);
  services.add(serveHomes);
  whenLoaded(() => {
    if (!homes.has(home)) return;
    home.onmessage = ({ data }) => serve(messageIn(data) as ToHome);
    unref(home);
  });
}

/** A worker has died before its entry could report. */
function lost({ me: { ident, slot, name } }: ThreadBoot, why: string): void {
  endWorker(ident);
  if (self().roster.hasEnded(slot, ident)) return;
  const error = new Error(`Cannot start thread ${JSON.stringify(name)}: ${why}`);
  console.error(error.message);
  leave(slot, ident, true, true);
}

function serve(message: ToHome): void {
  if (message.type === "start") {
    const { boot, ports } = message;
    const spare = spares?.spareThreads.take();
    return spare === undefined ? startNew(boot, ports) : startSpare(spare, boot, ports);
  }
  if (message.type === "line") return lines.accept?.(message.line);
  if (message.type === "alarm") return wind();
  if (message.type === "tell") return hear(message.module, message.message);
  if (message.type === "spares") return void holdFor(message.count, message.modules, message.port);
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
