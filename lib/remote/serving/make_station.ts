/**
 * The making of a station out of the options of a worker.
 *
 * @module
 */
import type { EngineOptions } from "../../pool/options.ts";
import { startThread } from "../../pool/transport/thread.ts";
import { referTo } from "../../transfer/task.ts";
import type { Clock } from "../clock.ts";
import type { Access } from "../link/access.ts";
import type { CheckedWorker } from "../calls/options.ts";
import { prepare, type Setup } from "./run.ts";
import { Station } from "./station.ts";

/** How the workers of an engine are started, and what they are to this process. */
export type WorkerStart = Pick<EngineOptions, "world" | "level" | "mayMap" | "start">;

/** Threads. */
export const THREADS: WorkerStart = {
  world: "thread",
  level: "equal",
  mayMap: true,
  start: startThread,
};

/** The time that a cancelled call may go on whose caller says nothing else, in ms. */
const GRACE = 500;

/** Makes a station; it does not serve yet. */
export function makeStation(
  access: Access,
  clock: Clock,
  options: CheckedWorker,
  how: WorkerStart,
): Station {
  const { address, queue, workers, places, secret } = options;
  const id = crypto.randomUUID();
  const worker = `${hostname()}:${Deno.pid}:${id.slice(0, 8)}`;
  const { initializer, initArgs, modules, maxTasksPerWorker } = options;
  const setup: Setup = {
    root: places.root,
    allow: [...places.allow],
    url: address.url,
    worker,
    modules,
    initializer: initializer && referTo(initializer),
    initArgs,
  };
  return new Station(access, clock, {
    queue,
    worker,
    inbox: `w.${id}`,
    slots: workers,
    places,
    secret,
    skew: options.skew,
    longest: options.longest,
    ahead: options.ahead,
    patience: options.patience,
    engine: {
      ...how,
      prefix: "remote_",
      maxWorkers: workers,
      minWorkers: 0,
      idleTimeout: Infinity,
      maxTasksPerWorker,
      maxQueue: Infinity,
      grace: GRACE,
      initializer: prepare,
      initArgs: [setup],
      isHidden: true,
    },
  });
}

/** The host's name; without the permission to ask for it, a word in its place. */
function hostname(): string {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : "worker";
}
