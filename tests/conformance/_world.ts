/**
 * The two worlds that the conformance suite is applied to: threads and processes.
 *
 * @module
 */
import { LACKS, unless } from "../_help/lacks.ts";
import { until } from "../_help/until.ts";
import { LIMIT, within } from "../_help/within.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { type Acquirable, answer, ANSWERS } from "./_targets.ts";

/** How long children may take to end after their test has passed, in ms. */
const ENDING = 12_000;

/** The name of a world. */
export type WorldName = "threads" | "processes";

/** What both modules export under the same names. */
export type Face = Pick<
  typeof threading,
  | "Lock"
  | "RLock"
  | "Semaphore"
  | "BoundedSemaphore"
  | "Event"
  | "Condition"
  | "Barrier"
  | "Value"
  | "Array"
  | "findDeadlocks"
  | "dump"
>;

/** How a child is started. */
export interface ChildOptions {
  /** Its name. Default: the world's. */
  name?: string;
  /** Whether an error may end it. Default: false, it fails the test. */
  mayFail?: boolean;
  /** Whether it can be ended though it never pauses. Every process can be. Default: false. */
  killable?: boolean;
}

type Handle<R> = threading.Thread<R> | multiprocessing.Process<R>;
type Starter = (
  target: (...args: never[]) => unknown,
  options: {
    args: unknown[];
    name?: string;
    killable?: boolean;
    onReport: (value: unknown) => void;
  },
) => Handle<unknown>;

/** How a child is asked about a lock. */
interface Oracle {
  asked: threading.Semaphore;
  answered: threading.Semaphore;
  word: threading.Value<"i32">;
}

/** A thread or process under test, with what it reports. */
export class Child<R = unknown> {
  /** The thread or process itself. */
  readonly handle: Handle<R>;
  /** Whether an error may end it. */
  readonly mayFail: boolean;
  readonly #reports: unknown[] = [];
  #news = Promise.withResolvers<void>();
  /** What waits for its end while it is asked for reports. */
  #end: Promise<true> | undefined;

  constructor(
    start: (onReport: (value: unknown) => void) => Handle<R>,
    mayFail: boolean,
  ) {
    this.mayFail = mayFail;
    this.handle = start((value) => {
      this.#reports.push(value);
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    });
  }

  /** Its name. */
  get name(): string {
    return this.handle.name;
  }

  /** The reports that nobody has taken. */
  get reports(): readonly unknown[] {
    return this.#reports;
  }

  /** What its target returns. */
  result(): Promise<R> {
    const result = this.handle.result();
    // Where a test fails before it comes to this result, the result fails no other test.
    result.catch(() => {});
    return result;
  }

  /** Takes the next of its reports, waiting for it. */
  async next(): Promise<unknown> {
    while (this.#reports.length === 0) {
      this.#end ??= this.result().then(() => true);
      if (!await Promise.race([this.#news.promise, this.#end])) continue;
      if (this.#reports.length === 0) throw new Error(`${this.name} ended without a report`);
    }
    return this.#reports.shift();
  }

  /** Settles when nothing waits for it any more: a wait that outlives the test is a leak. */
  async left(): Promise<void> {
    await this.#end?.catch(() => {});
  }

  /** Ends it by force: a thread is terminated, a process killed. */
  kill(): void {
    if (this.handle instanceof threading.Thread) this.handle.terminate();
    else this.handle.kill();
  }
}

/** One of the worlds, for one test. */
export class World {
  readonly name: WorldName;
  /** The module whose classes are under test. */
  readonly face: Face;
  readonly #starter: Starter;
  readonly #children: Child[] = [];
  readonly #oracles = new Map<Acquirable, Oracle>();

  constructor(name: WorldName, face: Face, starter: Starter) {
    this.name = name;
    this.face = face;
    this.#starter = starter;
  }

  /** Starts a child. It ends with the test: by itself, else the test fails. */
  start<A extends unknown[], R>(
    target: (...args: A) => R | PromiseLike<R>,
    args: NoInfer<A>,
    { name, mayFail = false, killable = false }: ChildOptions = {},
  ): Child<R> {
    const child = new Child<R>((onReport) => {
      const options = { args, onReport, killable, ...(name === undefined ? {} : { name }) };
      return this.#starter(target as never, options).start() as Handle<R>;
    }, mayFail);
    this.#children.push(child as Child);
    return child;
  }

  /** Runs a target in a child, to its end. */
  async run<A extends unknown[], R>(
    target: (...args: A) => R | PromiseLike<R>,
    args: NoInfer<A>,
  ): Promise<R> {
    return await this.start(target, args).result();
  }

  /** Whether the lock is free, for a child that is there for nothing else. */
  async isFree(lock: Acquirable): Promise<boolean> {
    let oracle = this.#oracles.get(lock);
    if (oracle === undefined) {
      const { Semaphore, Value } = this.face;
      oracle = { asked: new Semaphore(0), answered: new Semaphore(0), word: new Value("i32") };
      this.#oracles.set(lock, oracle);
      this.start(answer, [lock, oracle.asked, oracle.answered, oracle.word]);
    }
    oracle.asked.release();
    await oracle.answered.acquire();
    return oracle.word.value === ANSWERS.free;
  }

  /** Settles when the children are seen to wait in a call of the toolkit. */
  async untilWaiting(...children: Child[]): Promise<void> {
    await until(() => {
      const lines = this.face.dump().split("\n");
      return children.every(({ name }) =>
        lines.some((line) => line.startsWith(`  ${name} `) && line.includes("waits for"))
      );
    });
  }

  /** Waits for the children, which have to end by themselves and without an error. */
  async join(): Promise<void> {
    for (const { asked, word } of this.#oracles.values()) {
      word.value = ANSWERS.stop;
      asked.release();
    }
    this.#oracles.clear();
    for (const { handle, mayFail } of this.#children) {
      if (!await handle.join({ timeout: ENDING })) throw new Error(`${handle.name} does not end`);
      if (!mayFail) await handle.result();
    }
  }

  /** Ends what is left of the children, and gives their errors. */
  async clear(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const child of this.#children) if (child.handle.isAlive()) child.kill();
    for (const child of this.#children) {
      const { handle, mayFail } = child;
      if (await handle.join({ timeout: ENDING })) await child.left();
      if (!mayFail && handle.error !== null) errors.push(handle.error);
    }
    return errors;
  }
}

const worlds: { name: WorldName; face: Face; starter: Starter }[] = [
  {
    name: "threads",
    face: threading,
    starter: (target, options) => new threading.Thread(target, options as never),
  },
  {
    name: "processes",
    face: multiprocessing,
    starter: (target, { killable: _, ...options }) =>
      new multiprocessing.Process(target, { stderr: "null", ...options } as never),
  },
];

/** Options of {@linkcode test}. */
export interface TestOptions {
  /** The worlds that it is not for, each with the reason. */
  skip?: Partial<Record<WorldName, string>>;
  /** How long it may take, in ms. Default: 15 s. */
  limit?: number;
  /** True if its processes share no memory, which not every system has. Default: false. */
  isApart?: boolean;
}

/** Defines a test in each world, with a time limit, at whose end no child is left. */
export function test(
  name: string,
  fn: (world: World) => Promise<void> | void,
  { skip = {}, limit = LIMIT, isApart = false }: TestOptions = {},
): void {
  for (const { name: worldName, face, starter } of worlds) {
    const general = worldName === "processes" && !isApart ? LACKS.memory : undefined;
    Deno.test({
      ...unless(skip[worldName] ?? general, `${name} [${worldName}]`),
      fn: () => runIn(new World(worldName, face, starter), fn, limit),
    });
  }
}

async function runIn(
  world: World,
  fn: (world: World) => Promise<void> | void,
  limit: number,
): Promise<void> {
  // A child's error fails the test, and is told once.
  const before = threading.setExcepthook(() => {});
  let passed = false;
  let errors: unknown[] = [];
  try {
    await within(limit, fn(world));
    await world.join();
    passed = true;
  } catch (error) {
    // Who waited for what, while they still do.
    console.error(world.face.dump());
    errors.push(error);
  } finally {
    errors.push(...(await world.clear()).filter((error) => !errors.includes(error)));
    threading.setExcepthook(before);
  }
  if (passed) errors = [];
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, String(errors[0]));
}
