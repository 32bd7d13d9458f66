/**
 * Each form of waiting in the toolkit, for something that a daemon child brings about: so nothing
 * but the wait can keep the program alive.
 *
 * `deno run -A _forms.ts NAME …` runs forms one after the other, below a `main()` that nobody
 * awaits; `deno test` makes each of them a plain test.
 *
 * @module
 */
import {
  asCompleted,
  type Executor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  wait,
  type WorkerLostError,
} from "../../lib/futures.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { Manager, Process } from "../../lib/multiprocessing.ts";
import * as os from "../../lib/os.ts";
import * as queue from "../../lib/queue.ts";
import { kill, pause, SIG_DFL, signal } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import * as threading from "../../lib/threading.ts";
import { Thread } from "../../lib/threading.ts";

/** How long a child lets somebody wait, in ms. */
const WHILE = 60;

type AnyQueue = queue.Queue<number> | multiprocessing.Queue<number>;
type Proxy<T> = { [K in keyof T]: T[K] };

const later = (ms = WHILE) => new Promise<void>((next) => setTimeout(next, ms));

// Targets.

export async function nap(value: number): Promise<number> {
  await later();
  return value;
}

export async function fail(): Promise<never> {
  await later();
  throw new RangeError("as it should");
}

export async function leave(): Promise<void> {
  await later();
  os.exit(3);
}

export async function keep(lock: threading.Lock, kept: threading.Event): Promise<void> {
  using _guard = lock.acquireSync();
  kept.set();
  await later();
}

export async function release(semaphore: threading.Semaphore): Promise<void> {
  await later();
  semaphore.release();
}

export async function set(event: threading.Event): Promise<void> {
  await later();
  event.set();
}

export async function notify(condition: threading.Condition): Promise<void> {
  await later();
  await condition.acquire();
  condition.notifyAll();
  condition.release();
}

export async function meet(barrier: threading.Barrier): Promise<void> {
  await later();
  await barrier.wait();
}

/** Takes an item, and puts another. */
export async function serve(from: AnyQueue, to: AnyQueue): Promise<void> {
  await later();
  await to.put(await from.get() + 1);
}

export async function done(jobs: queue.Queue | multiprocessing.JoinableQueue): Promise<void> {
  await jobs.get();
  await later();
  jobs.taskDone();
}

export async function say(end: threading.Connection<unknown>, what: unknown): Promise<void> {
  await later();
  await end.send(what);
  end.close();
}

export async function receive(end: threading.Connection<unknown>): Promise<void> {
  await later();
  await end.recv();
  end.close();
}

export async function announce(name: string): Promise<void> {
  using speaker = new threading.Broadcast<string>(name);
  await later();
  speaker.publish("news");
  await later();
}

export async function print(): Promise<void> {
  await later();
  console.log("printed");
}

export async function signalTo(pid: number): Promise<void> {
  await later();
  kill(pid, "SIGUSR2");
}

export async function viaManager(
  server: Proxy<{
    lock: Awaited<ReturnType<Manager["Lock"]>>;
    queue: Awaited<ReturnType<Manager["Queue"]>>;
  }>,
  ready: { set(key: string, value: number): Promise<unknown> },
): Promise<void> {
  const guard = await server.lock.acquire();
  await ready.set("kept", 1);
  await later();
  guard[Symbol.dispose]();
  await later();
  await server.queue.put(1);
}

// Forms.

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`wrong: ${what}`);
}

type Form = () => Promise<unknown>;
interface World {
  name: string;
  face: typeof threading | typeof multiprocessing;
  Child: typeof Thread | typeof Process;
  queues: typeof queue | typeof multiprocessing;
}

/** A daemon child. */
function daemon<A extends unknown[]>(
  world: World,
  target: (...args: A) => unknown,
  ...args: A
): Thread | Process {
  const options = { args, daemon: true } as never;
  return new (world.Child as typeof Thread)(target as never, options).start() as Thread | Process;
}

/** Has a form go on until its daemon has ended as well. */
async function beside(child: Thread | Process, form: Form): Promise<void> {
  await form();
  await child.join();
}

function formsOf(world: World): Record<string, Form> {
  const face = world.face as typeof threading;
  return {
    async join() {
      check(await daemon(world, nap, 1).join(), "join");
    },
    async result() {
      await using child = daemon(world, nap, 1);
      check(await child.result() === 1, "result");
    },
    async "result of exit"() {
      await using child = daemon(world, leave);
      const error = await child.result().catch((error) => error);
      check((error as WorkerLostError).exitcode === 3, "exitcode");
    },
    async dispose() {
      await using _child = daemon(world, nap, 1);
    },
    async acquire() {
      const [lock, kept] = [new face.Lock(), new face.Event()];
      const child = daemon(world, keep, lock, kept);
      await kept.wait();
      (await lock.acquire()).release();
      await child.join();
    },
    async "acquire a permit"() {
      const semaphore = new face.Semaphore(0);
      const child = daemon(world, release, semaphore);
      await beside(child, () => semaphore.acquire());
    },
    async event() {
      const event = new face.Event();
      await beside(daemon(world, set, event), () => event.wait());
    },
    async condition() {
      const condition = new face.Condition();
      await condition.acquire();
      const child = daemon(world, notify, condition);
      await condition.wait();
      condition.release();
      await child.join();
    },
    async barrier() {
      const barrier = new face.Barrier(2);
      await beside(daemon(world, meet, barrier), () => barrier.wait());
    },
    async queue() {
      const [to, from] = [new world.queues.Queue<number>(1), new world.queues.Queue<number>(1)];
      await to.put(1);
      const child = daemon(world, serve, to as AnyQueue, from as AnyQueue);
      await to.put(2);
      check(await from.get() === 2, "get");
      await child.join();
    },
    async "queue.join"() {
      const jobs = world.name === "threads"
        ? new queue.Queue<number>()
        : new multiprocessing.JoinableQueue<number>();
      await jobs.put(1);
      await beside(daemon(world, done, jobs as queue.Queue), () => jobs.join());
    },
    async recv() {
      const [here, there] = face.pipe<unknown>();
      const child = daemon(world, say, there, 1);
      if (world.name === "processes") there.close();
      check(await here.recv() === 1, "recv");
      here.close();
      await child.join();
    },
    async poll() {
      const [here, there] = face.pipe<unknown>();
      const child = daemon(world, say, there, 1);
      if (world.name === "processes") there.close();
      check(await here.poll(10_000), "poll");
      here.close();
      await child.join();
    },
    async "send to who is late"() {
      const [here, there] = face.pipe<unknown>();
      const child = daemon(world, receive, there);
      if (world.name === "processes") there.close();
      await here.send(new Uint8Array(world.name === "threads" ? 1 : 1 << 21));
      await child.join();
      here.close();
    },
    async connectionWait() {
      const [here, there] = face.pipe<unknown>();
      const child = daemon(world, say, there, 1);
      if (world.name === "processes") there.close();
      check((await multiprocessing.connectionWait([here]))[0] === here, "connectionWait");
      here.close();
      await child.join();
    },
    async prewarm() {
      await using _spares = await face.prewarm(1);
    },
  };
}

function poolForms(world: World): Record<string, Form> {
  const isThreads = world.name === "threads";
  const makePool = () =>
    isThreads ? new multiprocessing.ThreadPool(1) : new multiprocessing.Pool(1);
  const makeExecutor = (): Executor =>
    isThreads ? new ThreadPoolExecutor(1) : new ProcessPoolExecutor(1);
  /** Gives items when nothing but the map's consumer waits. */
  async function* slowly(): AsyncGenerator<number> {
    yield 1;
    await unheld();
    yield 2;
  }
  const inPool =
    (form: (pool: ReturnType<typeof makePool>) => Promise<unknown>): Form => async () => {
      await using pool = makePool();
      await form(pool);
    };
  const inExecutor = (form: (executor: Executor) => Promise<unknown>): Form => async () => {
    await using executor = makeExecutor();
    await form(executor);
  };
  return {
    apply: inPool((pool) => pool.apply(nap, [1])),
    map: inPool((pool) => pool.map(nap, [1, 2])),
    "map of a slow source": inPool((pool) => pool.map(nap, slowly())),
    imap: inPool(async (pool) => {
      for await (const _ of pool.imap(nap, slowly()));
    }),
    "AsyncResult.get": inPool((pool) => pool.applyAsync(nap, [1]).get()),
    "AsyncResult.wait": inPool((pool) => pool.applyAsync(nap, [1]).wait()),
    async "Pool.join"() {
      const pool = makePool();
      await pool.apply(nap, [1]);
      pool.close();
      await pool.join();
    },
    submit: inExecutor((executor) => executor.submit(nap, 1).result()),
    exception: inExecutor((executor) => executor.submit(fail).exception()),
    wait: inExecutor((executor) => wait([executor.submit(nap, 1)])),
    asCompleted: inExecutor(async (executor) => {
      for await (const _ of asCompleted([executor.submit(nap, 1)]));
    }),
    "Executor.map": inExecutor(async (executor) => {
      for await (const _ of executor.map(nap, slowly()));
    }),
    async shutdown() {
      const executor = makeExecutor();
      await executor.submit(nap, 1).result();
      await executor.shutdown();
    },
    async "shutdown of running calls"() {
      const executor = makeExecutor();
      executor.submit(nap, 1);
      await executor.shutdown();
    },
  };
}

/** A while that keeps no program alive. */
function unheld(): Promise<void> {
  return new Promise((next) => Deno.unrefTimer(setTimeout(next, 2 * WHILE)));
}

const OTHERS: Record<string, Form> = {
  async "Thread that is killable"() {
    const thread = new Thread(nap, { args: [1], killable: true, daemon: true });
    check(await thread.start().result() === 1, "result");
  },
  async Broadcast() {
    using listener = new threading.Broadcast<string>("forms");
    const thread = new Thread(announce, { args: ["forms"], daemon: true }).start();
    for await (const news of listener) {
      check(news === "news", news);
      break;
    }
    await thread.join();
  },
  async Timer() {
    await new threading.Timer(WHILE, nap, { args: [1], daemon: true }).start().join();
  },
  async "Process.stdout"() {
    const options = { daemon: true, stdout: "piped" as const };
    const child = new Process(print, options).start();
    check(await new Response(child.stdout).text() === "printed\n", "stdout");
    await child.join();
  },
  async "os.wait"() {
    new Process(nap, { args: [1], daemon: true }).start();
    check((await os.wait())[1] === 0, "status");
  },
  async "os.waitpid"() {
    const { pid } = new Process(nap, { args: [1], daemon: true }).start();
    check((await os.waitpid(pid!))[0] === pid, "pid");
  },
  async pause() {
    signal("SIGUSR2", () => {});
    const child = new Process(signalTo, { args: [Deno.pid], daemon: true }).start();
    check(await pause() === "SIGUSR2", "pause");
    await child.join();
    signal("SIGUSR2", SIG_DFL);
  },
  async Manager() {
    const manager = await Manager.start();
    const dict = await manager.dict<string, number>();
    const server = { lock: await manager.Lock(), queue: await manager.Queue() };
    const child = new Process(viaManager, { args: [server, dict] as never, daemon: true }).start();
    while (await dict.get("kept") !== 1);
    const guard = await server.lock.acquire();
    guard[Symbol.dispose]();
    check(await server.queue.get() === 1, "get");
    await child.join();
    await manager.shutdown();
  },
  async "barrier's action"() {
    const barrier = new threading.Barrier(1, { action: unheld });
    check(await barrier.wait() === 0, "wait");
  },
  async report() {
    // A plain process's report wakes the program's own code, here and below a top-level await.
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const child = new Process(reports, { onReport: resolve }).start();
    check(await promise === 5, "report");
    await child.join();
  },
};

export async function reports(): Promise<void> {
  await later();
  context().report(5);
}

const threads: World = { name: "threads", face: threading, Child: Thread, queues: queue };
const processes: World = {
  name: "processes",
  face: multiprocessing,
  Child: Process,
  queues: multiprocessing,
};

/** All forms, by their names. */
export const FORMS: Record<string, Form> = { ...OTHERS };
for (const world of [threads, processes]) {
  for (const [name, form] of Object.entries({ ...formsOf(world), ...poolForms(world) })) {
    FORMS[`${name} [${world.name}]`] = form;
  }
}

async function main(): Promise<void> {
  for (const name of Deno.args) {
    await FORMS[name]();
    console.log(`${name}: done`);
  }
}

if (import.meta.main) {
  if (Deno.args[0] === "--names") console.log(Object.keys(FORMS).join("\n"));
  else main().then(() => console.log("all done"));
}

// In a program of its own Deno.test() does nothing.
for (const [name, form] of Object.entries(FORMS)) Deno.test(name, async () => void await form());
