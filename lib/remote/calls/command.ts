/**
 * The command line: `worker`, `status` and `dead`. It gives an exit code; what it prints, it prints
 * itself.
 *
 * @module
 */
import { BrokerLostError } from "../../core/errors.ts";
import { printable } from "../../core/inspect.ts";
import { builtin } from "../../core/node.ts";
import { holdProgram } from "../../core/promises.ts";
import { messageOf } from "../../transfer/failure.ts";
import { addressOf } from "../address.ts";
import { checkName } from "../options.ts";
import { type Access, openAccess } from "../link/access.ts";
import { RemoteWorker } from "../serving/worker.ts";
import { type DeadCall, goThroughDead } from "./dead.ts";
import type { RemoteWorkerOptions } from "./options.ts";
import { rootAround, rootOf } from "./places.ts";
import { type QueueStatus, statusOf } from "./status.ts";

const USAGE = `Workers of RemoteExecutors, and a look at their queues.

Usage:
  cli.ts worker [QUEUE ...]                          run the calls of queues (tasks)
  cli.ts status [QUEUE ...] [--watch]                what waits, and who serves
  cli.ts dead QUEUE [list | show ID | retry ID|all | drop ID|all]
                                                     buried calls, with the reason

All commands:
  --url URL         the broker: amqp://user:password@host/ or file:PATH (SWITCHYARD_URL)
  --json            print JSON, one object a line
  --help            show this
worker:
  --workers N       how many calls it runs at once (one a core)
  --kind KIND       thread or process (thread)
  --root DIR        the folder whose modules it runs (of the nearest deno.json, or this one)
  --allow URL       imports what lies below this http(s) URL too; may be repeated
  --modules A,B     modules that are imported at once
  --drain SECONDS   how long calls may go on when it is stopped (25)
  --skew SECONDS    how long a call waits for a worker that has its target (60)
status:
  --watch           look again every second

The secret, if there is one, is SWITCHYARD_SECRET of the environment. SIGTERM or SIGINT stops a
worker: it takes no more, gives back what has not begun and lets what runs end; again: at once.

Exit codes: 0; 1 for an error; 75 if calls were given back, or the broker was away for too long.`;

/** The exit code of a program that should be started again. */
const AGAIN = 75;
const PATIENCE = 60_000;
/** How often `status --watch` looks, in ms. */
const EVERY = 1000;

const FLAGS = {
  url: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
  workers: { type: "string" },
  kind: { type: "string" },
  root: { type: "string" },
  allow: { type: "string", multiple: true },
  modules: { type: "string" },
  drain: { type: "string" },
  skew: { type: "string" },
  watch: { type: "boolean" },
} as const;

const OF_COMMAND: Record<string, readonly string[]> = {
  worker: ["workers", "kind", "root", "allow", "modules", "drain", "skew"],
  status: ["watch"],
  dead: [],
};

interface Flags {
  url?: string;
  json?: boolean;
  help?: boolean;
  workers?: string;
  kind?: string;
  root?: string;
  allow?: string[];
  modules?: string;
  drain?: string;
  skew?: string;
  watch?: boolean;
}

/** An argument that is none. */
class UsageError extends Error {}

/**
 * Runs the command line.
 *
 * @returns The exit code.
 */
export async function runCommand(args: string[]): Promise<number> {
  const letGo = holdProgram();
  try {
    return await run(args);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(`switchyard: ${messageOf(error)}${isUsage ? "; see --help" : ""}`);
    return error instanceof BrokerLostError ? AGAIN : 1;
  } finally {
    letGo();
  }
}

async function run(args: string[]): Promise<number> {
  const { flags, words: [command, ...words] } = parse(args);
  if (flags.help || command === undefined) {
    console.log(USAGE);
    return command === undefined && !flags.help ? 1 : 0;
  }
  const own = OF_COMMAND[command];
  if (own === undefined) {
    throw new UsageError(
      `unknown command ${JSON.stringify(command)}: it must be worker, status or dead`,
    );
  }
  for (const name of Object.keys(flags)) {
    if (own.includes(name) || name === "url" || name === "json") continue;
    throw new UsageError(`--${name} is no option of ${command}`);
  }
  if (command === "worker") return await serve(words, flags);
  if (command === "status") return await status(words, flags);
  return await dead(words, flags);
}

function parse(args: string[]): { flags: Flags; words: string[] } {
  const { parseArgs } = builtin("util");
  try {
    const { values, positionals } = parseArgs({ args, options: FLAGS, allowPositionals: true });
    return { flags: values as Flags, words: positionals };
  } catch (error) {
    throw new UsageError(messageOf(error).split("\n")[0]!.replace(/\. To specify.*/, ""));
  }
}

function secretOf(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "SWITCHYARD_SECRET" });
  return state === "granted" ? Deno.env.get("SWITCHYARD_SECRET") || undefined : undefined;
}

function number(flags: Flags, name: "workers" | "drain" | "skew"): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= 0) return value;
  throw new UsageError(`--${name} must be a number >= 0, received ${JSON.stringify(text)}`);
}

// --- worker

async function serve(queues: string[], flags: Flags): Promise<number> {
  const secret = secretOf();
  const [workers, drain, skew] = [
    number(flags, "workers"),
    number(flags, "drain"),
    number(flags, "skew"),
  ];
  const { kind } = flags;
  if (kind !== undefined && kind !== "thread" && kind !== "process") {
    throw new UsageError(`--kind must be thread or process, received ${JSON.stringify(kind)}`);
  }
  const options: RemoteWorkerOptions = {
    ...flags.url === undefined ? {} : { url: flags.url },
    ...workers === undefined ? {} : { workers },
    ...kind === undefined ? {} : { kind },
    root: flags.root ?? rootAround(new URL(rootOf(Deno.cwd(), "serve a queue")!)),
    ...flags.allow === undefined ? {} : { allow: flags.allow },
    ...flags.modules === undefined ? {} : { modules: flags.modules.split(",") },
    ...drain === undefined ? {} : { drain: drain * 1000 },
    ...skew === undefined ? {} : { skew: skew * 1000 },
    ...secret === undefined ? {} : { secret },
  };
  const names = queues.length === 0 ? ["tasks"] : queues;
  const all = names.map((queue) => new RemoteWorker(queue, options));
  const say = (event: string, more: Record<string, unknown> = {}) =>
    console.log(
      flags.json
        ? JSON.stringify({ event, ...more })
        : [event, ...Object.entries(more).map(([name, value]) => `${name} ${value}`)].join(", "),
    );
  let signals = 0;
  const stop = () => {
    const isAgain = ++signals > 1;
    if (!isAgain) say("stopping", { running: sum(all, (worker) => worker.stats().running) });
    for (const worker of all) worker.stop(isAgain ? { drain: 0 } : {}).catch(() => {});
    if (signals > 2) Deno.exit(AGAIN);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, stop);
  try {
    const { place } = addressOf(flags.url, "serve a queue");
    say("serving", { queues: names.join(" "), broker: place, pid: Deno.pid });
    // One that fails takes the others with it: whoever started this sees that by its end.
    const runs = all.map((worker) =>
      worker.run().catch(async (error) => {
        await Promise.allSettled(all.map((other) => other.stop({ drain: 0 })));
        throw error;
      })
    );
    const settled = await Promise.allSettled(runs);
    const failed = settled.find((run) => run.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const stats = all.map((worker) => worker.stats());
    const back = sum(stats, (each) => each.back);
    say("stopped", {
      done: sum(stats, (each) => each.done),
      failed: sum(stats, (each) => each.failed),
      back,
    });
    return back > 0 ? AGAIN : 0;
  } finally {
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.removeSignalListener(signal, stop);
  }
}

function sum<T>(all: T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

// --- status

/** Opens a broker, and waits until it is there. */
async function withBroker<T>(flags: Flags, fn: (access: Access) => Promise<T>): Promise<T> {
  const address = addressOf(flags.url, "look at a queue");
  const access = openAccess(address);
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const look = () => {
    const { state, loss, place } = access;
    if (state !== "ended" && state !== "down") return;
    const { host = place, attempts = 0, cause } = loss ?? {};
    const why = cause?.message ?? "it has ended";
    const message = `Cannot reach the broker ${place}: ${why}`;
    reject(new BrokerLostError(message, { host, attempts, cause }));
  };
  const stop = access.onState(look);
  const timer = setTimeout(
    () => reject(new Error(`the broker ${access.place} gives no answer`)),
    PATIENCE,
  );
  try {
    return await Promise.race([fn(access), lost]);
  } finally {
    clearTimeout(timer);
    stop();
    await access.close();
  }
}

async function status(queues: string[], flags: Flags): Promise<number> {
  const names = queues.length === 0 ? ["tasks"] : queues;
  for (const name of names) checkName(name);
  const secret = secretOf();
  let before: { at: number; done: Map<string, number> } | undefined;
  for (;;) {
    const found = await withBroker(flags, async (access) => {
      const all: QueueStatus[] = [];
      for (const name of names) all.push(await statusOf(access, name, secret));
      return all;
    });
    const at = performance.now();
    const done = new Map(found.map(({ queue, workers }) => [queue, sum(workers, (w) => w.done)]));
    const seconds = before === undefined ? 0 : (at - before.at) / 1000;
    const rateOf = (queue: string) =>
      seconds === 0
        ? undefined
        : Math.max(0, (done.get(queue)! - (before!.done.get(queue) ?? 0)) / seconds);
    if (flags.json) {
      for (const each of found) {
        console.log(JSON.stringify({ ...each, rate: rateOf(each.queue) ?? null }));
      }
    } else {
      if (flags.watch && Deno.stdout.isTerminal()) console.log("\x1b[2J\x1b[H");
      const texts = found.map((each) => statusLines(each, rateOf(each.queue)).map(printable));
      console.log(texts.map((lines) => lines.join("\n")).join("\n\n"));
    }
    if (!flags.watch) return 0;
    before = { at, done };
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

function statusLines(
  { queue, ready, levels, dead, workers }: QueueStatus,
  rate?: number,
): string[] {
  const running = sum(workers, (worker) => worker.running.length);
  const shown = Object.entries(levels).filter(([, count]) => count > 0)
    .map(([level, count]) => `${level} ${count}`).join(", ");
  const speed = rate === undefined ? "" : `, ${rate.toFixed(1)}/s`;
  const head = `${queue}: ${ready} ready${
    shown === "" ? "" : ` (${shown})`
  }, ${running} running, ${dead} dead, ${workers.length} workers${speed}`;
  const lines = workers.flatMap((worker) => {
    const megabytes = Math.round(worker.rss / 2 ** 20);
    const self =
      `  ${worker.worker}  ${worker.state}, ${worker.running.length} of ${worker.slots} ` +
      `running, ${worker.held} held, ${worker.done} done, ${worker.failed} failed, ${megabytes} MB`;
    const calls = worker.running.map(({ name, module, ms }) =>
      `    ${name} of ${module}, for ${(ms / 1000).toFixed(1)} s`
    );
    return [self, ...calls];
  });
  return [head, ...lines];
}

// --- dead

async function dead(words: string[], flags: Flags): Promise<number> {
  const [queue, what = "list", id, ...rest] = words;
  if (queue === undefined) throw new UsageError("dead needs a queue");
  checkName(queue);
  if (!["list", "show", "retry", "drop"].includes(what)) {
    throw new UsageError(
      `dead ${queue}: list, show, retry or drop, received ${JSON.stringify(what)}`,
    );
  }
  if (rest.length > 0 || what === "list" && id !== undefined) {
    throw new UsageError(`too many words: ${JSON.stringify(words.at(-1))}`);
  }
  if (what !== "list" && id === undefined) {
    throw new UsageError(`dead ${queue} ${what} needs an id`);
  }
  const isMeant = (call: DeadCall) => what !== "show" && id === "all" || call.id === id;
  const { seen, changed } = await withBroker(flags, (access) =>
    goThroughDead(
      access,
      queue,
      secretOf(),
      (call) => (what === "retry" || what === "drop") && isMeant(call) ? what : "keep",
    ));
  if (what === "list") {
    if (!flags.json && seen.length === 0) console.log(`${queue}: nothing is buried`);
    for (const call of seen) console.log(flags.json ? JSON.stringify(call) : deadText(call));
    return 0;
  }
  if (what === "show") {
    const found = seen.filter(isMeant);
    if (found.length === 0) throw new Error(`${queue} has no buried call ${JSON.stringify(id)}`);
    for (const call of found) console.log(JSON.stringify(call, undefined, flags.json ? 0 : 2));
    return 0;
  }
  if (changed.length === 0 && id !== "all") {
    throw new Error(`${queue} has no buried call ${JSON.stringify(id)}`);
  }
  const done = what === "retry" ? "are in the queue again" : "are gone";
  console.log(
    flags.json ? JSON.stringify({ [what]: changed.length }) : `${changed.length} calls ${done}`,
  );
  return 0;
}

function deadText({ id, reason, tries, module, name, size }: DeadCall): string {
  return printable(`${id}  ${name} of ${module}, ${tries} tries, ${size} bytes: ${reason}`);
}
