/**
 * The entry of a thread's worker. It takes one message, the boot, and ends when the task has.
 *
 * @module
 */
import { SystemExit, ThreadTerminated, WorkerLostError } from "../../core/errors.ts";
import { beforeEnd, childrenFirst, lastWords, wakers } from "../../core/hooks.ts";
import { post, take } from "../../core/ports.ts";
import { lines } from "../../channel/parcels/lines.ts";
import { CANCEL, MAIN } from "../../memory/roster.ts";
import { become, leave, self } from "../../memory/this_thread.ts";
import {
  handOver,
  modulesOfPacked,
  pack,
  type Packed,
  uncloneable,
  unpack,
} from "../../transfer/pack.ts";
import { bareError, tame } from "../../transfer/failure.ts";
import { reducer, revive } from "../../transfer/reduce.ts";
import type { End } from "../job.ts";
import { printUncaught } from "../outcome.ts";
import { exitCode, isTermination, record, run, type Runnable } from "../run.ts";
import type { FromThread, Standby, ThreadBegin, ToHome, ToThread } from "./protocol.ts";

const reduce = reducer("thread");
const close = globalThis.close?.bind(globalThis);
const globalProcess = globalThis as unknown as { process: { argv: string[] } };

/**
 * Begins the thread; settles when its task has ended.
 *
 * @param over Called at its end.
 */
function begin(
  { boot, ports, home }: Required<ThreadBegin>,
  over: (() => void) | undefined = close,
): Promise<void> {
  const { me } = boot;
  const { port, ends } = ports;
  become(boot.roster, me);
  lines.home = home;
  lines.announce = (line) => {
    post(home, { type: "line", line } satisfies ToHome, [line.port]);
  };
  const controller = new AbortController();
  let ended = false;

  const say = (message: FromThread) => post(port, message);
  const end = (message: End<Packed>, dead: boolean) => {
    if (ended) return;
    ended = true;
    try {
      const value = message.type === "done" ? message.value : {} as Packed;
      post(ends, message);
      handOver(value, starterOf(me.starter));
    } catch (cause) {
      dead = true;
      const error = pack(uncloneable(cause, "result"), reduce, "error");
      post(ends, message = { type: "failed", error, terminated: false });
    }
    printIfAlone(message, me.starter, me.ident);
    const { slot, ident } = me;
    if (!dead) { for (const speak of lastWords) speak(); }
    // All is said before those who wait for the end are woken: they find it there, and can leave
    // nothing open.
    say({ type: "ended", dead });
    // The main thread hears it already, where that has started this one.
    if (me.starter !== MAIN) {
      post(home, { type: "ended", slot, ident, dead } satisfies ToHome);
    }
    leave(slot, ident, dead, true);
    over?.();
  };
  const fail = (thrown: unknown) => {
    const error = tame(thrown);
    if (error instanceof SystemExit) {
      const code = exitCode(error);
      return end({ type: "exit", code }, code !== 0);
    }
    const terminated = isTermination(error);
    end({ type: "failed", error: packError(error), terminated }, true);
  };

  port.onmessage = ({ data }: MessageEvent<ToThread>) => {
    if (data.type !== "stop") return;
    const reason = new ThreadTerminated(`Thread ${JSON.stringify(me.name)} was terminated`);
    controller.abort(reason);
    // A task in a wait of the toolkit gets the error there, and its `finally` blocks run; one
    // between two awaits ends here. The starter cuts off what takes too long.
    let waits = 0;
    for (const wake of wakers) waits += wake();
    if (waits === 0) setTimeout(fail, 0, reason);
  };
  // Workers of node:worker_threads have made theirs already, without the program's arguments.
  if (boot.killable) globalProcess.process.argv.splice(2, Infinity, ...boot.argv);
  life = { name: me.name, fail };
  watchOver();

  const job: Runnable = {
    ...boot,
    modules: modulesOfPacked(boot.args),
    args: () => unpack(boot.args, revive),
    ready: boot.due && (async () => {
      const { fires } = await import("./delayed.ts");
      return await fires(boot.due!, boot.startedAt);
    }),
    context: {
      signal: controller.signal,
      get name() {
        return self().roster.name(me.slot);
      },
      report(value) {
        if (ended) return;
        const packed = pack(value, reduce, "report");
        say({ type: "report", value: packed });
        handOver(packed, starterOf(me.starter));
      },
    },
  };
  const done = boot.trace === undefined ? run(job) : record(boot.trace).then(() => run(job));
  return done.then(async (value) => {
    for (const wait of childrenFirst) await wait();
    if (Atomics.load(self().words, me.slot + CANCEL) !== 0) {
      return fail(new ThreadTerminated(`Thread ${JSON.stringify(me.name)} was terminated`));
    }
    const result = pack(value, reduce, "result");
    for (const wait of beforeEnd) await wait(false);
    end({ type: "done", value: result }, false);
  }).catch(async (error) => {
    // They end with a thread that is stopped, as its worker does.
    if (!isTermination(error)) {
      const hasFailed = !(error instanceof SystemExit) || (error.code ?? 0) !== 0;
      for (const wait of [...childrenFirst, ...beforeEnd]) await wait(hasFailed);
    }
    fail(error);
  });
}

/** The task that this thread runs now. */
let life: { name: string; fail: (error: unknown) => void };
let isWatched = false;

/** However the worker ends, the starter hears of it. */
function watchOver(): void {
  if (isWatched) return;
  isWatched = true;
  addEventListener("error", (event) => {
    event.preventDefault();
    life.fail((event as ErrorEvent).error);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    life.fail((event as PromiseRejectionEvent).reason);
  });
  const lost = (how: string, exitcode: number | null = null) => {
    const message = `Thread ${JSON.stringify(life.name)} ended itself by ${how}`;
    life.fail(new WorkerLostError(message, { exitcode, signal: null }));
  };
  addEventListener("unload", () => lost("Deno.exit()"));
  const exit = Deno.exit as (code: number) => void;
  Deno.exit = (code = Deno.exitCode) => {
    lost(`Deno.exit(${code})`, code);
    exit(code);
    // Deno goes on with the code of a worker that has exited.
    throw new ThreadTerminated(`Thread ${JSON.stringify(life.name)} has ended`);
  };
  if (close !== undefined) globalThis.close = () => lost("close()");
}

/** Where the thread that started this one is, while it lives. */
function starterOf(ident: number): { slot: number; ident: number } | undefined {
  const slot = self().roster.slotOf(ident);
  return slot < 0 ? undefined : { slot, ident };
}

function packError(error: unknown): Packed {
  try {
    const packed = pack(error, reduce, "error");
    structuredClone(packed.value);
    return packed;
  } catch {
    // The error holds something that cannot cross: send what can be read of it.
    return pack(bareError(error), reduce, "error");
  }
}

/** Prints an uncaught error here when the thread that started this one is gone. */
function printIfAlone(message: End<Packed>, starter: number, ident: number): void {
  const { roster } = self();
  if (message.type !== "failed" || message.terminated || starter === ident) return;
  if (roster.slotOf(starter) >= 0) return;
  const error = unpack(message.error, revive);
  printUncaught(`Exception in thread ${roster.name(self().slot)}`, error);
}

/** Waits for the boot in a worker of `node:worker_threads`. */
export function attend(parent: Attended): void {
  parent.on("message", (message: Required<ThreadBegin> | Standby) => {
    if ("boot" in message) begin(message);
    else standBy(message, () => parent.postMessage(true)).catch(() => parent.postMessage(false));
  });
}

/** Lives a first life, to find its way compiled, and then blocks until there is a second. */
async function standBy(standby: Standby, ready: () => void): Promise<void> {
  const { faces, word, ports, home } = standby;
  for (const face of faces) await import(face);
  await begin(take(ports.ends) as Required<ThreadBegin>, () => {});
  ready();
  while (Atomics.load(word, 0) === 0) Atomics.wait(word, 0, 0);
  const start = take(ports.ends) as ThreadBegin | undefined;
  if (start !== undefined) begin({ ports, home, ...start });
}

/** The part of `parentPort` that is used. */
export interface Attended {
  on(event: "message", fn: (message: never) => void): unknown;
  postMessage(message: unknown): void;
}

if (typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function") {
  (globalThis as unknown as Worker).onmessage = ({ data }) => {
    if (data?.boot !== undefined) begin(data);
  };
}
