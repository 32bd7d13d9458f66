/**
 * The executor over many machines.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { cpuCount } from "../../core/environment.ts";
import { cancelWith, checkSubmit, Executor } from "../../futures/executor.ts";
import { Future } from "../../futures/future.ts";
import { openAccess } from "../link/access.ts";
import type { AnyArgs } from "../../pool/call.ts";
import { restoreQueue } from "../queue.ts";
import { RemoteCaller, type RemoteStats } from "./caller.ts";
import type { Embedded } from "./exchange.ts";
import { makeStation, THREADS } from "../serving/make_station.ts";
import {
  type CheckedExecutor,
  type CheckedWorker,
  checkExecutor,
  checkRemoteCall,
  LONGEST_RUN,
  type RemoteExecutorOptions,
  type RemoteSendOptions,
  type RemoteSubmitOptions,
} from "./options.ts";
import type { Clock } from "../clock.ts";

/** For how long calls that run may go on when the executor is shut down: they have all ended. */
const DRAIN = 1000;

/** Somebody who serves the queue in this program: so a first run needs no second terminal. */
function embed(options: CheckedExecutor, clock: Clock): Embedded {
  const { address, queue, places, secret, patience } = options;
  const access = openAccess(address);
  const worker: CheckedWorker = {
    queue,
    address,
    workers: cpuCount(),
    kind: "thread",
    places,
    modules: [],
    drain: DRAIN,
    skew: 0,
    longest: LONGEST_RUN,
    ahead: undefined,
    maxTasksPerWorker: Infinity,
    initializer: undefined,
    initArgs: [],
    permissions: undefined,
    patience,
    secret,
  };
  const station = makeStation(access, clock, worker, THREADS);
  station.start();
  return {
    async stop() {
      await station.stop(DRAIN);
      await access.close();
    },
  };
}

/**
 * Has calls run by programs on other machines, and gives a future for each: an `Executor` like
 * those over threads and processes.
 *
 * Reach for it when one machine is not enough, or when calls must outlive the program that runs
 * them. The programs that run them are workers: `RemoteWorker`, or `worker` of the command line.
 * With `memory:` none is needed: threads of this program do it.
 *
 * A call that has been submitted is on the broker's disk soon (`send()` says when). It may *run*
 * twice: when its worker died, or was cut off; its caller gets one outcome. So what a call does
 * should do no harm the second time; `context().attempt` and `key` help with that.
 *
 * A target is found by its place: by its path in the `root`, or by its http(s) URL, and by its
 * text. A worker that has another text of it does not run it; it waits for one that has it, and is
 * refused in the end. What it names must be in files: arguments and results are data, as on a
 * `RemoteQueue`, and instances and errors of classes that are tasks or exports in the root.
 *
 * *Owner death*: a call whose worker died goes to another, as often as `retries` says; then it
 * fails with a WorkerLostError and lies with the dead (`dead` of the command line). If this program
 * dies, calls that no worker has begun are dropped, or run if `orphan` is `"keep"`.
 *
 * *Permissions*: `--allow-net` to the broker; `memory:` what the tasks need.
 *
 * @example The same as over threads
 * ```ts
 * import { RemoteExecutor } from "@switchyard/switchyard/remote";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new RemoteExecutor("squares"); // memory:, or what SWITCHYARD_URL says
 *   const future = executor.submit(square, 12);
 *   console.log(await future.result()); // 144
 *   for await (const result of executor.map(square, [1, 2, 3])) console.log(result); // 1, 4, 9
 * }
 * ```
 */
export class RemoteExecutor extends Executor {
  /** The queue by which its calls go. */
  readonly queue: string;
  readonly #caller: RemoteCaller;

  /**
   * Creates an executor. The broker is asked for by the first call.
   *
   * @param queue The queue, as the workers name it, 1 to 200 bytes. Default: `"tasks"`.
   * @throws {TypeError | RangeError} Bad options.
   */
  constructor(queue = "tasks", options: RemoteExecutorOptions = {}) {
    const checked = checkExecutor(queue, options);
    const { address } = checked;
    const caller = new RemoteCaller({
      ...checked,
      longest: LONGEST_RUN,
      embed: address.memory === undefined ? undefined : (clock) => embed(checked, clock),
    }, (state) => restoreQueue(state, address.url));
    super(caller, Infinity);
    this.#caller = caller;
    this.queue = queue;
  }

  /** As {@linkcode submit}, with options. */
  override submitWith<A extends AnyArgs, R>(
    options: RemoteSubmitOptions,
    target: (...args: A) => R | PromiseLike<R>,
    ...args: NoInfer<A>
  ): Future<R> {
    const action = "submit a call";
    this.#checkOpen(action);
    const { signal, ...checked } = checkSubmit(options);
    refuseTransfer(checked.transfer, action);
    const more = checkRemoteCall(options, action);
    signal?.throwIfAborted();
    const call = this.#caller.submit(target, args, { ...checked, ...more });
    if (signal !== undefined) cancelWith(signal, this.#caller, call);
    return new Future<R>(this.#caller, call);
  }

  /**
   * Has a call run whose outcome nobody waits for. It runs though this program has gone.
   *
   * @returns Its id, once the broker has it.
   * @throws {TypeError | ShareError} As `submit()`.
   * @throws {Full} So many calls wait as `maxQueue` says.
   * @throws {TimeoutError} The broker did not take it within `patience`; it may yet do so.
   */
  async send<A extends AnyArgs>(
    options: RemoteSendOptions,
    target: (...args: A) => unknown,
    ...args: NoInfer<A>
  ): Promise<string> {
    const action = "send a call";
    this.#checkOpen(action);
    const { signal, onReport, transfer, ...checked } = checkSubmit(options);
    for (const [name, value] of Object.entries({ signal, onReport })) {
      if (value === undefined) continue;
      throw new TypeError(`Cannot ${action}: nobody waits for its outcome, so it has no ${name}`);
    }
    refuseTransfer(transfer, action);
    const more = checkRemoteCall(options, action);
    return await this.#caller.send(target, args, { ...checked, ...more });
  }

  /** The figures of what it has done and does. */
  override stats(): RemoteStats {
    return this.#caller.stats;
  }

  #checkOpen(action: string): void {
    if (!this.#caller.isClosed) return;
    throw new Error(`Cannot ${action}: the executor has been shut down`);
  }
}

function refuseTransfer(transfer: unknown, action: string): void {
  if (transfer === undefined) return;
  throw new TypeError(
    `Cannot ${action}: nothing can be moved to another machine, received transfer ${
      show(transfer)
    }`,
  );
}
