#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A queue that is full, a queue that is empty, and a loop that asks whether it is.
 *
 * `full()` and `empty()` are true for the moment in which they are asked: before the next line
 * runs, somebody else may have put or got. So `while (!queue.empty())` is wrong in two ways:
 *
 *     early   the producer is slow: the queue is empty, and the loop ends, before all is there
 *     stuck   two consumers see the one item that is left: one gets it, the other waits for ever
 *     right   get() without asking, until an item says that it is over
 *
 * Try:
 *
 *     examples/processes/queue_limits.ts                what a limit does, then the three loops
 *     examples/processes/queue_limits.ts --part limit   full, empty, nowait, timeout
 *     examples/processes/queue_limits.ts --part stuck   the more common bug
 *
 * @module
 */
import { Barrier, currentProcess, Empty, Process, Queue } from "../../lib/multiprocessing.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Full and empty queues, and why not to ask a queue whether it is empty.

Usage: queue_limits.ts [options]

  --part P   limit, early, stuck, right, or all of them in turn (all)
  --help     show this`;

/** How long a put or get waits until it sees that this is hopeless, in ms. */
const PATIENCE = 200;

/** What means "no more". */
const SENTINEL = null;
type Items = Queue<string | typeof SENTINEL>;

/** The wrong loop. Says whether it came to its end. */
export async function asker(queue: Items, bothHaveSeen?: Barrier): Promise<boolean> {
  while (!queue.empty()) {
    say("sees an item");
    await bothHaveSeen?.wait();
    try {
      say(`gets ${await queue.get({ timeout: PATIENCE })}`);
    } catch (error) {
      if (!(error instanceof Empty)) throw error;
      say(`gives up: nothing for ${PATIENCE} ms, and without a timeout it would wait for ever`);
      return false;
    }
  }
  say("sees an empty queue, and stops");
  return true;
}

/** The right loop. */
export async function waiter(queue: Items): Promise<void> {
  for (;;) {
    const item = await queue.get();
    if (item === SENTINEL) break;
    say(`gets ${item}`);
  }
  say("gets a sentinel, and stops");
}

function say(what: string): void {
  console.log(`  ${currentProcess().name} ${what}`);
}

/** What a queue says when it is full, and when it is empty. */
async function limit(): Promise<boolean> {
  console.log("limit: a queue for 2");
  const queue = new Queue<string>(2);
  const answers: unknown[] = [];
  const ask = async (what: string, call: () => unknown) => {
    const answer = await Promise.try(call).catch((error) => error.name);
    answers.push(answer);
    console.log(`  ${what.padEnd(26)} ${answer ?? "done"}`);
  };
  await ask("getNowait()", () => queue.getNowait());
  await ask(`get({ timeout: ${PATIENCE} })`, () => queue.get({ timeout: PATIENCE }));
  await ask('put("A")', () => queue.put("A"));
  await ask('put("B")', () => queue.put("B"));
  await ask("full()", () => queue.full());
  await ask('putNowait("C")', () => queue.putNowait("C"));
  await ask(`put("C", { timeout: ${PATIENCE} })`, () => queue.put("C", { timeout: PATIENCE }));
  const waiting = queue.put("C");
  await ask('put("C"), and then get()', () => queue.get());
  await ask("the put has ended", () => waiting);
  for (let k = 0; k < 2; k++) await ask("get()", () => queue.get());
  await ask("empty()", () => queue.empty());
  const isRight = answers.join() === "Empty,Empty,,,true,Full,Full,A,,B,C,true";
  console.log(isRight ? "who does not want to wait is told: as it should be" : "WRONG");
  return isRight;
}

/** One asks whether the queue is empty; the last item is late, every time. */
async function early(): Promise<boolean> {
  console.log("early: while (!queue.empty()), and a slow producer");
  const queue: Items = new Queue();
  await queue.put("A");
  await queue.put("B");
  await start("asker-1", asker, queue).result();
  say("puts C");
  await queue.put("C");
  console.log(`${queue.qsize()} of 3 items left: ${queue.empty() ? "complete" : "STOPPED EARLY"}`);
  return queue.empty();
}

/** Two ask before either of them gets, every time. */
async function stuck(): Promise<boolean> {
  console.log("stuck: while (!queue.empty()), and two that ask");
  const queue: Items = new Queue();
  await queue.put("A");
  const bothHaveSeen = new Barrier(2);
  const askers = ["asker-1", "asker-2"].map((name) => start(name, asker, queue, bothHaveSeen));
  const ends = await Promise.all(askers.map((child) => child.result()));
  const hopeless = ends.filter((hasEnded) => !hasEnded).length;
  console.log(`${hopeless} of 2 would wait for ever: ${hopeless === 0 ? "complete" : "STUCK"}`);
  return hopeless === 0;
}

/** Two wait, and each is told that it is over. */
async function right(): Promise<boolean> {
  console.log("right: get() until a sentinel comes");
  const queue: Items = new Queue();
  const waiters = ["waiter-1", "waiter-2"].map((name) => start(name, waiter, queue));
  for (const item of ["A", "B", "C", SENTINEL, SENTINEL]) {
    if (item !== SENTINEL) say(`puts ${item}`);
    await queue.put(item);
  }
  await Promise.all(waiters.map((child) => child.result()));
  console.log(`${queue.qsize()} of 3 items left: ${queue.empty() ? "complete" : "STOPPED EARLY"}`);
  return queue.empty();
}

const PARTS = { limit, early, stuck, right };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

const children: { kill(): void }[] = [];

function start<R, A extends unknown[]>(
  name: string,
  target: (...args: A) => Promise<R>,
  ...args: A
): Process<R, A> {
  const child = new Process<R, A>(target, { args, name }).start();
  children.push(child);
  return child;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["part"], default: { part: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));

  if (part !== "all") return await PARTS[part]() ? 0 : 1;
  const good: Part[] = [];
  const bad: Part[] = [];
  for (const name of NAMES) (await PARTS[name]() ? good : bad).push(name);
  console.log(`wrong: ${bad.join(", ")}; right: ${good.join(", ")}`);
  return bad.join() === "early,stuck" ? 0 : 1;
}

if (import.meta.main) await runScript("queue_limits", main);
