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
import { SHARE_ENV, Worker as NodeWorker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { take, unref } from "../core/ports.ts";
import { lines } from "../channel/lines.ts";
import { leave, self } from "../memory/self.ts";
import { services } from "../sync/steps.ts";
import { mainModule } from "../transfer/task.ts";
import { clock, wind } from "./alarm_clock.ts";
import { Spares } from "./spares.ts";
import type { Rehearsal } from "./thread_entry.ts";
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
  clock.tellHome = () => port.postMessage({ type: "alarm" } satisfies ToHome);
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

/** A worker that can be ended at any moment, and that waits for its boot. */
function makeKillable(): NodeWorker {
  const bootstrap = `import { parentPort } from "node:worker_threads"; import { attend } from ${
    JSON.stringify(ENTRY)
  }; attend(parentPort);`;
  // A copy of the environment would need a permission; what the thread sees of it is the same.
  return new NodeWorker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), {
    env: SHARE_ENV,
  });
}

const spares = new Spares<NodeWorker>(() => {
  const spare = makeKillable();
  spare.unref();
  const ready = Promise.withResolvers<void>();
  const dead = Promise.withResolvers<void>();
  const [calls, ends] = [new MessageChannel(), new MessageChannel()];
  const over = () => {
    calls.port1.close();
    ends.port1.close();
  };
  spare.once("message", () => (over(), ready.resolve()));
  spare.once("exit", () => (over(), dead.resolve()));
  const main = mainModule();
  const rehearsal: Rehearsal = { main, faces, port: calls.port2, ends: ends.port2 };
  // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
  spare.postMessage(rehearsal, [calls.port2, ends.port2] as any);
  return { spare, ready: ready.promise, dead: dead.promise };
}, (spare) => spare.terminate());

/** The modules that targets are likely to import. */
let faces: string[] = [];

/**
 * Keeps spare workers; see `prewarm()`.
 *
 * @param modules What targets are likely to import: spares have loaded it.
 */
export async function holdSpares(count: number, modules: string[]): Promise<AsyncDisposable> {
  faces = modules;
  if (self().isMain) return await spares.hold(count);
  const { port1, port2 } = new MessageChannel();
  const answer = () => new Promise((resolve) => port1.onmessage = resolve);
  home!.postMessage({ type: "spares", count, modules, port: port2 } satisfies ToHome, [port2]);
  await answer();
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
  await using _held = await holdSpares(count, modules);
  const over = new Promise((resolve) => port.onmessage = resolve);
  unref(port);
  port.postMessage(null);
  await over;
  port.postMessage(null);
  port.close();
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
  const spare = spares.take();
  if (boot.killable || spare !== undefined) {
    const worker = spare ?? makeKillable();
    if (spare !== undefined && !boot.daemon) spare.ref();
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
  if (message.type === "alarm") return wind();
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
