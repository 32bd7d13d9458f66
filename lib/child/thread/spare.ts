/**
 * Threads made in advance.
 *
 * A spare goes through a whole life first, on a roster where nobody else is: so it finds its way
 * compiled. Then it stands by, blocked on a word in memory that it shares with the main thread, as
 * that wakes it in half of the time that a message would take, and finds its boot on the port that
 * nobody listens on. Its ports are there already. One that is let go is woken too, finds nothing,
 * and ends.
 *
 * @module
 */
import type { Worker as NodeWorker } from "node:worker_threads";
import { post } from "../../core/ports.ts";
import { MAIN, Roster, ROSTER_WORDS } from "../../memory/roster.ts";
import { pack } from "../../transfer/pack.ts";
import { reducer } from "../../transfer/reduce.ts";
import { mainModule, referTo } from "../../transfer/task.ts";
import { now } from "../../core/environment.ts";
import { rehearsal } from "../warm_up.ts";
import { Spares } from "../spares.ts";
import type { Standby, ThreadBegin, ThreadBoot, ThreadPorts } from "./protocol.ts";

/** A spare, as the main thread has it: with the other ends of its ports. */
export interface SpareThread {
  worker: NodeWorker;
  ports: ThreadPorts;
  home: MessagePort;
  /** 0 while it stands by. */
  word: Int32Array<SharedArrayBuffer>;
}

/** How spares are made. */
export interface SparePlan {
  /** Makes a worker that can be ended at any moment, and that waits for its boot. */
  makeWorker: () => NodeWorker;
  /** The modules that targets are likely to import: spares have loaded them. */
  faces: string[];
}

let plan: SparePlan;

/** Says how spares are made from now on. */
export function planSpares(next: SparePlan): void {
  plan = next;
}

/** The roster of all first lives. */
let stage: Roster | undefined;
let stageMemory: SharedArrayBuffer;

function onStage(): ThreadBoot {
  if (stage === undefined) {
    stageMemory = new SharedArrayBuffer(ROSTER_WORDS * 4);
    stage = new Roster(new Int32Array(stageMemory));
  }
  const daemon = true;
  return {
    roster: stageMemory,
    me: stage.join({ name: "spare", daemon, starter: MAIN, pid: Deno.pid }),
    main: mainModule(),
    argv: Deno.args,
    target: referTo(rehearsal),
    subclass: false,
    args: pack(["break a leg"], reducer("thread"), "args"),
    transfer: [],
    due: undefined,
    startedAt: now(),
    killable: true,
    daemon,
  };
}

/** The spares of this process. */
export const spareThreads: Spares<SpareThread> = new Spares<SpareThread>(() => {
  const { makeWorker, faces } = plan;
  const worker = makeWorker();
  worker.unref();
  const ready = Promise.withResolvers<void>();
  const dead = Promise.withResolvers<void>();
  const [port, ends, home, ...first] = Array.from({ length: 6 }, () => new MessageChannel());
  const over = () => {
    for (const { port1 } of first) port1.close();
  };
  worker.once("message", (stands: boolean) => {
    over();
    if (stands) ready.resolve();
    else worker.terminate();
  });
  worker.once("exit", () => (over(), dead.resolve()));
  const word = new Int32Array(new SharedArrayBuffer(4));
  const theirs = ({ port2 }: MessageChannel) => port2;
  const standby: Standby = {
    faces,
    ports: { port: port.port2, ends: ends.port2 },
    home: home.port2,
    word,
  };
  // deno-lint-ignore no-explicit-any -- node's type names its own MessagePort
  worker.postMessage(standby, [port, ends, home].map(theirs) as any);
  const [itsPort, itsEnds, itsHome] = first.map(theirs);
  const begin: Required<ThreadBegin> = {
    boot: onStage(),
    ports: { port: itsPort, ends: itsEnds },
    home: itsHome,
  };
  post(ends.port1, begin, [itsPort, itsEnds, itsHome]);
  const spare = {
    worker,
    ports: { port: port.port1, ends: ends.port1 },
    home: home.port1,
    word,
  };
  return { spare, ready: ready.promise, dead: dead.promise };
}, discard);

/** Gives a spare its boot. */
export function wakeSpare(
  { ports, word }: SpareThread,
  begin: ThreadBegin,
  transfer: Transferable[],
): void {
  post(ports.ends, begin, transfer);
  wake(word);
}

/** Lets a spare go. */
export function discard({ worker, ports, home, word }: SpareThread): Promise<unknown> {
  for (const port of [ports.port, ports.ends, home]) port.close();
  wake(word);
  return worker.terminate();
}

function wake(word: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
}
