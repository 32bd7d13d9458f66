/**
 * Targets of pipe_test.ts and shared_memory_test.ts. The face is loaded by those that need it.
 *
 * @module
 */
import { context, task } from "../../lib/task.ts";
import { setFault } from "../../lib/channel/memory/fault.ts";
import { ringPipe } from "../../lib/channel/memory/pipe.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import type { Connection, Queue, ShareableList, SharedMemory } from "../../lib/multiprocessing.ts";

type End = Connection<unknown>;

/** Sends back what comes, until the other end is closed. */
export const echo = task(import.meta, async function echo(end: End) {
  let count = 0;
  for await (const value of end) {
    await end.send(value);
    count++;
  }
  end.close();
  return count;
});

/** As echo, blocking. */
export const echoSync = task(import.meta, function echoSync(end: End) {
  let count = 0;
  for (let value; (value = end.recvSync()) !== null; count++) end.sendSync(value);
  return count;
});

/** Receives so many values. */
export const receive = task(import.meta, async function receive(end: End, count: number) {
  const values: unknown[] = [];
  for (let k = 0; k < count; k++) values.push(await end.recv());
  end.close();
  return values;
});

/** Receives until the end; gives the name of what ended it. */
export const drain = task(import.meta, async function drain(end: End) {
  const values: unknown[] = [];
  try {
    for (;;) values.push(await end.recv());
  } catch (error) {
    return { values, error: (error as Error).name };
  } finally {
    end.close();
  }
});

/** Sends numbers up to `count`, each with the sender's name. */
export const count = task(import.meta, async function count(end: End, who: string, count: number) {
  for (let k = 0; k < count; k++) await end.send([who, k]);
  end.close();
});

/** Holds an end, for ever. */
export const hold = task(import.meta, async function hold(_end: End) {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 1000));
});

/** Is killed once it has been given a message, and before it can do anything with it. */
export const dieOnReceipt = task(import.meta, async function dieOnReceipt(end: End) {
  const die = () => Deno.kill(Deno.pid, "SIGKILL");
  await end.poll();
  setFault((point) => point === "get: before the wake-up" && die());
  Object.assign(Deno, { connect: die });
  context().report("here");
  await end.recv();
});

/** Is killed in the midst of a call, while nobody else can make the same. */
export const dieWithin = task(
  import.meta,
  async function dieWithin(end: End, call: "send" | "recv") {
    setFault((point) => point.endsWith("before the wake-up") && Deno.kill(Deno.pid, "SIGKILL"));
    if (call === "send") await end.send("the last word");
    else await end.recv();
  },
);

/** Makes a pipe, gives one end away, and receives nothing from the other. */
export const makeAndHold = task(import.meta, async function makeAndHold(end: End, way: string) {
  const [mine, theirs] = way === "memory" ? ringPipe(true) : socketPipe(true);
  await end.send(theirs);
  theirs.close();
  context().report("made");
  await new Promise(() => setInterval(() => {}, 1000));
  mine.close();
});

/** Puts an end into a queue that nobody else knows. */
export const hideInQueue = task(import.meta, async function hideInQueue(end: End) {
  const { Queue } = await import("../../lib/multiprocessing.ts");
  const queue = new Queue();
  await queue.put(end);
  end.close();
  context().report("hidden");
  await new Promise(() => setInterval(() => {}, 1000));
});

/** Gets a queue, and from it an end, and sends through that. */
export const takeQueue = task(import.meta, async function takeQueue(way: Queue<Queue<End>>) {
  context().report("here");
  const end = await (await way.get()).get();
  await end.send("found");
  end.close();
});

/** Is asked for so many values and never gives the last. */
export const sendAndHold = task(
  import.meta,
  async function sendAndHold(end: End, values: unknown[]) {
    for (const value of values) await end.send(value);
    context().report("sent");
    await new Promise(() => setInterval(() => {}, 1000));
  },
);

/** Gives an end on to a child of its own. */
export const passOn = task(import.meta, async function passOn(end: End) {
  const { Process } = await import("../../lib/multiprocessing.ts");
  const child = new Process(echo, { args: [end] }).start();
  end.close();
  return await child.result();
});

/** Receives an end of another pipe, and sends through it. */
export const useReceived = task(import.meta, async function useReceived(end: End) {
  const other = await end.recv() as End;
  await other.send("through the other");
  other.close();
  end.close();
});

/** Makes a pipe and gives one end away as its result would not: through the end it was given. */
export const makePipe = task(import.meta, async function makePipe(end: End) {
  const { pipe } = await import("../../lib/multiprocessing.ts");
  const [mine, theirs] = pipe<string>();
  await end.send(theirs);
  theirs.close();
  await mine.send("from a pipe made there");
  const answer = await mine.recv();
  mine.close();
  end.close();
  return answer;
});

/** Writes into shared memory. */
export const write = task(import.meta, (memory: SharedMemory, at: number, byte: number) => {
  memory.buf[at] = byte;
  memory.close();
});

/** Reads from the shared memory of a name. */
export const readNamed = task(import.meta, async (name: string, at: number) => {
  const { SharedMemory } = await import("../../lib/multiprocessing.ts");
  using memory = new SharedMemory({ name });
  return memory.buf[at];
});

/** Creates shared memory and does what it is told. */
export const createNamed = task(
  import.meta,
  async function createNamed(name: string, then: string) {
    const { SharedMemory } = await import("../../lib/multiprocessing.ts");
    const memory = new SharedMemory({ name, create: true, size: 100 });
    memory.buf[0] = 7;
    context().report("created");
    if (then === "hold") await new Promise(() => setInterval(() => {}, 1000));
    return memory.name;
  },
);

/** Tries to create memory of one name, as others do at the same time. */
export const race = task(import.meta, async function race(names: string[], end: End) {
  const { SharedMemory } = await import("../../lib/multiprocessing.ts");
  const mine: SharedMemory[] = [];
  await end.send("ready");
  await end.recv();
  for (const name of names) {
    try {
      mine.push(new SharedMemory({ name, create: true, size: 8 }));
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
  await end.send(mine.map((memory) => memory.name));
  await end.recv();
});

/** Changes a list. */
export const change = task(import.meta, (list: ShareableList) => {
  list.set(0, "changed");
  return list.toArray();
});

/** Changes one place of a list again and again. */
export const flicker = task(import.meta, function flicker(list: ShareableList) {
  context().report("begun");
  const texts = ["a".repeat(64), "b".repeat(64)];
  for (let k = 0;; k++) list.set(0, texts[k % 2]!);
});

/** Opens a list by its name. */
export const openList = task(import.meta, async (name: string) => {
  const { ShareableList } = await import("../../lib/multiprocessing.ts");
  return new ShareableList(undefined, { name }).toArray();
});
