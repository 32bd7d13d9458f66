/**
 * The worlds that the conformance suite of pools and executors is applied to: threads and
 * processes.
 *
 * @module
 */
import { delay } from "@std/async";
import {
  type Executor,
  type ExecutorOptions,
  type Future,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../lib/futures.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as queue from "../../lib/queue.ts";
import * as threading from "../../lib/threading.ts";
import { WorkerLostError } from "../../lib/errors.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { LIMIT, within } from "../_help/within.ts";
import { FileGate } from "./_gate.ts";
import { reported } from "./_targets.ts";

/** How long executors, pools and their workers may take to end after their test, in ms. */
const ENDING = 5_000;

/** A wait that no test comes to the end of; a test that hangs fails sooner, by its limit. */
export const LONG = 12_000;
/** So long waits a caller for what does not come, in ms. */
export const SHORT = 30;

/** The name of a world. */
export type WorldName = "threads" | "processes";

/** What both modules export under the same names. */
export type Face = Pick<
  typeof threading,
  "Lock" | "RLock" | "Semaphore" | "Event" | "Condition" | "Barrier" | "Value" | "Array"
>;

/** Either kind of pool. */
export type AnyPool = multiprocessing.Pool | multiprocessing.ThreadPool;
/** The options of either kind of pool. */
export type PoolOptions = ConstructorParameters<typeof multiprocessing.ThreadPool>[1];

/** One of the worlds, for one test. */
export class World {
  readonly name: WorldName;
  /** The module whose locks and values go to the workers. */
  readonly face: Face;
  readonly #executors: Executor[] = [];
  readonly #pools: AnyPool[] = [];
  readonly #gates: threading.Event[] = [];
  /** Where gates are that are files. */
  #folder: string | undefined;

  constructor(name: WorldName) {
    this.name = name;
    this.face = name === "threads" ? threading : multiprocessing;
  }

  /** The class of executors under test. */
  get Executor(): typeof ThreadPoolExecutor | typeof ProcessPoolExecutor {
    return this.name === "threads" ? ThreadPoolExecutor : ProcessPoolExecutor;
  }

  /** The class of pools under test. */
  get Pool(): typeof multiprocessing.ThreadPool | typeof multiprocessing.Pool {
    return this.name === "threads" ? multiprocessing.ThreadPool : multiprocessing.Pool;
  }

  /** Makes an executor, which is shut down with the test. */
  executor(maxWorkers = 2, options: ExecutorOptions = {}): Executor {
    const executor = new this.Executor(maxWorkers, options);
    this.#executors.push(executor);
    return executor;
  }

  /** Makes a pool, which is terminated with the test. */
  pool(processes = 2, options: PoolOptions = {}): AnyPool {
    const pool = new this.Pool(processes, options);
    this.#pools.push(pool);
    return pool;
  }

  /** An event that tasks wait for; it is set with the test's end, whatever that is. */
  gate(): threading.Event {
    const gate = this.name === "threads" || LACKS.memory === undefined
      ? new this.face.Event()
      : this.#fileGate();
    this.#gates.push(gate);
    return gate;
  }

  #fileGate(): threading.Event {
    this.#folder ??= Deno.makeTempDirSync();
    return new FileGate(`${this.#folder}/${this.#gates.length}`) as unknown as threading.Event;
  }

  /** A queue that goes to the workers. */
  queue<T>(): queue.Queue<T> | multiprocessing.Queue<T> {
    return this.name === "threads" ? new queue.Queue<T>() : new multiprocessing.Queue<T>();
  }

  /** Submits a task that says when it runs and then waits for the gate. */
  async occupy(executor: Executor, gate: threading.Event): Promise<Future<string>> {
    const started = Promise.withResolvers<unknown>();
    const future = executor.submitWith({ onReport: started.resolve }, reported, gate);
    await Promise.race([started.promise, future.result()]);
    return future;
  }

  /** Ends all that the test made. */
  async clear(): Promise<void> {
    for (const gate of this.#gates) gate.set();
    await Promise.all([
      ...this.#executors.map((executor) => executor.shutdown({ cancelFutures: true })),
      ...this.#pools.map((pool) => pool[Symbol.asyncDispose]()),
    ]);
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Options of {@linkcode test}. */
export interface TestOptions {
  /** The worlds that it is not for, each with the reason. */
  skip?: Partial<Record<WorldName, string>>;
  /** How long it may take, in ms. Default: 15 s. */
  limit?: number;
  /** True if it shares more with its workers than gates: memory. Default: false. */
  sharesMemory?: boolean;
}

/** The options of a test that shares memory with its workers. */
export const SHARING: TestOptions = { sharesMemory: true };

/** Defines a test in each world, with a time limit, at whose end no worker is left. */
export function test(
  name: string,
  fn: (world: World) => Promise<void> | void,
  { skip = {}, limit = LIMIT, sharesMemory = false }: TestOptions = {},
): void {
  for (const worldName of ["threads", "processes"] as const) {
    const lack = sharesMemory && worldName === "processes" ? LACKS.memory : undefined;
    Deno.test({
      ...unless(skip[worldName] ?? lack, `${name} [${worldName}]`),
      fn: () => runIn(new World(worldName), fn, limit),
    });
  }
}

async function runIn(
  world: World,
  fn: (world: World) => Promise<void> | void,
  limit: number,
): Promise<void> {
  // A worker's error is told to the caller, and never on this process's stderr as well.
  try {
    await within(limit, fn(world));
  } finally {
    await within(ENDING, world.clear(), "the workers do not end");
    // Deno may need some turns more to be done with what it had for a worker.
    await delay(2);
  }
}

/** What is yielded, in an array. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of iterable) all.push(item);
  return all;
}

/** How a future ended, as a word or a value: for tests of many at once. */
export async function endOf(future: Future<unknown>): Promise<unknown> {
  try {
    return await future.result();
  } catch (error) {
    if (error instanceof WorkerLostError) return "lost";
    return error instanceof Error ? error.name : error;
  }
}

/** An input that counts what was taken of it, and says whether it was closed. */
export class Input implements Iterable<number> {
  /** How many were taken. */
  taken = 0;
  /** How often `return()` was called. */
  closed = 0;
  readonly #length: number;

  constructor(length = Infinity) {
    this.#length = length;
  }

  [Symbol.iterator](): Iterator<number> {
    return {
      next: () =>
        this.taken < this.#length
          ? { done: false, value: this.taken++ }
          : { done: true, value: undefined },
      return: () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
  }
}

/** Takes what a callback's error is told to, so that it does not fail the test. */
export function listen(): Disposable & { readonly told: string[] } {
  const told: string[] = [];
  const { error } = console;
  console.error = (...args: unknown[]) => void told.push(args.map(String).join(" "));
  const uncaught = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    told.push(String(event instanceof ErrorEvent ? event.error : event.reason));
  };
  addEventListener("error", uncaught);
  addEventListener("unhandledrejection", uncaught);
  return {
    told,
    [Symbol.dispose]() {
      console.error = error;
      removeEventListener("error", uncaught);
      removeEventListener("unhandledrejection", uncaught);
    },
  };
}
