/**
 * RemoteQueue and RemoteExecutor beside amqplib, pika, Celery and BullMQ: on one broker, in turns, in
 * the same minutes:
 *
 *     deno run -A tests/bench/remote_duel.ts [--rounds 3] [--messages 20000] [--calls 3000]
 *
 * - put, get: durable messages of 200 bytes into a quorum queue, each confirmed, 1,000 on their way;
 *   then all of them taken, each acknowledged. Of pika by its BlockingConnection, whose publish waits
 *   for the confirm; beside it ours one at a time.
 * - call: a small task with its result; one after the other (the median), and many at once: 500 on
 *   their way, two workers. Celery is given all, and asked for the results then; its tasks are
 *   acknowledged late. BullMQ keeps them in a Redis that writes to its disk every second.
 *
 * RabbitMQ and Redis are started for it, in temporary folders. Needed: Debian's rabbitmq-server;
 * what else is missing is left out, and said: python3-pika, python3-celery, redis-server, and npm with
 * Node. npm's packages are installed into a temporary folder, or are found in `--peers FOLDER`. Read
 * the ratios; machines are noisy.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { RemoteExecutor, RemoteQueue } from "../../lib/remote.ts";
import { Figures, figuresOf, median } from "./_figures.ts";
import { megabytesOf, pause, Stage } from "./remote/_stage.ts";
import {
  AMQPLIB,
  BULLMQ,
  BULLMQ_WORKER,
  CALL_WINDOW,
  CELERY,
  CELERY_TASKS,
  PIKA,
  SINGLE_CALLS,
  SIZE,
  WINDOW,
} from "./remote/rivals.ts";
import { square } from "./remote/targets.ts";

/** Debian's: what is first on the path may be another one, without its packages. */
const PYTHON = "/usr/bin/python3";
const PACKAGES = ["amqplib", "bullmq", "ioredis"];
/** How many times less of what is done one at a time. */
const FEWER = 10;

/** Whether a program gives code 0. */
function works(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Says how to get what is missing; gives whether it is there. */
function isThere(name: string, is: boolean, how: string): boolean {
  if (!is) console.log(`${name} is left out: it is not installed (${how})`);
  return is;
}

/** Does `count` things, so many at a time; as the rivals do, it goes on when half are done. */
async function many(count: number, atOnce: number, work: (k: number) => Promise<unknown>) {
  let open = 0;
  let wake = () => {};
  const all: Promise<unknown>[] = [];
  for (let k = 0; k < count; k++) {
    if (open >= atOnce) await new Promise<void>((resolve) => wake = resolve);
    open++;
    all.push(
      work(k).then(() => {
        if (--open <= atOnce / 2) wake();
      }),
    );
  }
  await Promise.all(all);
}

/** How many times a second. */
async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return count / (performance.now() - start) * 1000;
}

/** Ours: messages. */
async function queueRound(url: string, messages: number, figures: Figures): Promise<void> {
  const queue = new RemoteQueue<Uint8Array>("bench.ours", { url });
  await queue.size();
  const body = new Uint8Array(SIZE).fill(65);
  const few = Math.ceil(messages / FEWER);
  figures.note("put", await rate(messages, () => many(messages, WINDOW, () => queue.put(body))));
  figures.note("get", await rate(messages, () => many(messages, WINDOW, () => queue.get())));
  figures.note("put, one at a time", await rate(few, () => many(few, 1, () => queue.put(body))));
  figures.note("get, one at a time", await rate(few, () => many(few, 1, () => queue.get())));
  await queue.remove();
  await queue.close();
}

/** Ours: calls. */
async function callRound(
  executor: RemoteExecutor,
  calls: number,
  figures: Figures,
): Promise<void> {
  const call = async (k: number) => {
    if (await executor.submit(square, k).result() !== k * k) throw new Error("wrong");
  };
  await call(1);
  const times: number[] = [];
  for (let k = 0; k < SINGLE_CALLS; k++) {
    const start = performance.now();
    await call(k);
    times.push(performance.now() - start);
  }
  figures.note("call, one at a time", median(times));
  figures.note("calls", await rate(calls, () => many(calls, CALL_WINDOW, call)));
}

/** Programs that are ended at the end. */
const others: Deno.ChildProcess[] = [];

function spawn(program: string, args: string[], options: Deno.CommandOptions): Deno.ChildProcess {
  const command = new Deno.Command(program, { args, stderr: "null", ...options });
  const child = command.spawn();
  others.push(child);
  return child;
}

/** Starts Celery's worker; gives the folder of its tasks. */
function startCelery(folder: string, url: string): Deno.CommandOptions {
  Deno.writeTextFileSync(`${folder}/tasks.py`, CELERY_TASKS);
  const options = { cwd: folder, env: { AMQP: `${url}/` } };
  const args = ["-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "-l", "ERROR"];
  spawn(PYTHON, args, { ...options, stdout: "null" });
  return options;
}

/** Starts Redis, and BullMQ's worker; gives the port. */
async function startBullMQ(folder: string, peers: string): Promise<string> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = `${(listener.addr as Deno.NetAddr).port}`;
  listener.close();
  const args = ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes"];
  spawn("redis-server", args, { stdout: "null" });
  while (!works("redis-cli", "-p", port, "ping")) await pause(50);
  const run = ["--input-type=module", "-e", BULLMQ_WORKER, "--", port];
  const worker = spawn("node", run, { cwd: peers, stdout: "piped" });
  // It prints a line when it serves.
  await worker.stdout.getReader().read();
  return port;
}

/** What is compared, with its rivals: the more is the better, but for a time. */
const ROWS: [name: string, unit: string, rivals: [whose: string, figure: string][]][] = [
  ["put", "/s", [["amqplib", "amqplib put"], ["pika", "pika put"]]],
  ["get", "/s", [["amqplib", "amqplib get"], ["pika", "pika get"]]],
  ["put, one at a time", "/s", [["pika", "pika put"]]],
  ["get, one at a time", "/s", []],
  ["calls", "/s", [["Celery", "Celery calls"], ["BullMQ", "BullMQ calls"]]],
  ["call, one at a time", "ms", [["Celery", "Celery call"], ["BullMQ", "BullMQ call"]]],
];

function show(figures: Figures): void {
  for (const [name, unit, rivals] of ROWS) {
    const ours = figures.median(name);
    if (ours === undefined) continue;
    const text = (figure: number) => `${figure.toFixed(unit === "ms" ? 2 : 0)} ${unit}`;
    const beside = rivals.flatMap(([whose, figure]) => {
      const theirs = figures.median(figure);
      if (theirs === undefined) return [];
      return [`${whose} ${text(theirs)}: ${(ours / theirs).toFixed(2)} x`];
    });
    console.log([`${name.padEnd(20)} ${text(ours).padStart(10)}`, ...beside].join("   "));
  }
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["peers", "rounds", "messages", "calls", "only"] });
  const rounds = Number(flags.rounds ?? 3);
  const messages = Number(flags.messages ?? 20_000);
  const calls = Number(flags.calls ?? 3_000);
  const isOf = (what: string) => (flags.only ?? what) === what;
  const stage = await Stage.open("amqp");
  if (stage === undefined) Deno.exit(1);
  const peers = flags.peers ?? `${stage.folder}/peers`;
  try {
    const hasNode = isThere(
      "what runs in Node",
      works("node", "--version"),
      "apt-get install nodejs npm",
    );
    let hasPeers = hasNode && flags.peers !== undefined;
    if (hasNode && !hasPeers) {
      Deno.mkdirSync(peers);
      const args = ["install", "--no-audit", "--no-fund", "--prefix", peers, ...PACKAGES];
      hasPeers = isThere(PACKAGES.join(", "), works("npm", ...args), "npm install failed");
    }
    const hasPika = isThere(
      "pika",
      works(PYTHON, "-c", "import pika"),
      "apt-get install python3-pika",
    );
    const figures = new Figures();
    const executor = new RemoteExecutor("bench.calls", { url: stage.url });
    let celery: Deno.CommandOptions | undefined;
    let redis: string | undefined;
    if (isOf("calls")) {
      await stage.work("bench.calls", 2);
      const hasCelery = works(PYTHON, "-c", "import celery");
      if (isThere("Celery", hasCelery, "apt-get install python3-celery")) {
        celery = startCelery(stage.folder, stage.url);
      }
      const hasRedis = works("redis-server", "--version");
      if (isThere("BullMQ", hasPeers && hasRedis, "apt-get install redis-server")) {
        redis = await startBullMQ(stage.folder, peers);
      }
    }
    const node = (code: string, ...args: string[]) =>
      figuresOf("node", ["--input-type=module", "-e", code, "--", ...args], peers);
    for (let round = 1; round <= rounds; round++) {
      const note = (whose: string, names: string[], found: number[]) =>
        names.forEach((name, k) => figures.note(`${whose} ${name}`, found[k]));
      if (isOf("queues")) {
        await queueRound(stage.url, messages, figures);
        const args = [stage.url, "quorum"];
        if (hasPeers) note("amqplib", ["put", "get"], node(AMQPLIB, ...args, `${messages}`));
        const python = ["-c", PIKA, ...args, `${Math.ceil(messages / FEWER)}`];
        if (hasPika) note("pika", ["put", "get"], figuresOf(PYTHON, python));
      }
      if (isOf("calls")) {
        await callRound(executor, calls, figures);
        if (celery !== undefined) {
          const { stdout, success } = new Deno.Command(PYTHON, {
            args: ["-c", CELERY, `${calls}`],
            ...celery,
          }).outputSync();
          const text = new TextDecoder().decode(stdout).trim();
          if (success) note("Celery", ["call", "calls"], text.split(" ").map(Number));
        }
        if (redis !== undefined) note("BullMQ", ["call", "calls"], node(BULLMQ, redis, `${calls}`));
      }
      console.log(`round ${round} of ${rounds} done; ${megabytesOf().toFixed(0)} MB here`);
    }
    show(figures);
    await executor.shutdown();
  } finally {
    for (const child of others) child.kill("SIGTERM");
    for (const child of others) await child.status;
    await stage[Symbol.asyncDispose]();
  }
}
