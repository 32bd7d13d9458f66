/**
 * Home's ends of the lines: it reads what the threads send, whether its event loop runs or a wait
 * of the toolkit blocks it.
 *
 * Nobody listens on the ports: an event loop that had taken a message could not give it to a thread
 * that blocks. Threads ring home's `BELL` in the roster after they have sent something, and home
 * rings theirs.
 *
 * @module
 */
import { services } from "../core/hooks.ts";
import { post, take } from "../core/ports.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { BELL } from "../memory/roster.ts";
import { self } from "../memory/this_thread.ts";
import type { Park } from "../sync/steps.ts";
import { findCompare, HomeQueue, makeStore } from "./home.ts";
import { Ledger } from "./ledger.ts";
import type { FromQueueHome, Plan, ToQueueHome } from "./line_protocol.ts";
import { lines, type NewLine } from "./lines.ts";
import type { Compare } from "./natural_order.ts";

/** The number of messages of a line that are read in one go. */
const MOST_AT_A_TIME = 256;

/** A thread's line, at home. */
class Line {
  readonly port: MessagePort;
  readonly queues = new Set<HomeQueue>();
  readonly #bell: number;
  #isToRing = false;

  constructor({ port, slot }: NewLine) {
    this.port = port;
    this.#bell = slot + BELL;
  }

  post(message: FromQueueHome, transfer: Transferable[]): void {
    post(this.port, message, transfer);
  }

  ring(): void {
    if (this.#isToRing) return;
    this.#isToRing = true;
    toRing.push(this);
  }

  ringNow(): void {
    this.#isToRing = false;
    const words = self().words as Int32Array<SharedArrayBuffer>;
    Atomics.add(words, this.#bell, 1);
    Atomics.notify(words, this.#bell);
  }
}

const open = new Map<number, Line>();
const toRing: Line[] = [];
const queues = new Map<string, HomeQueue>();
/**
 * The messages sent for queues that are not there yet: their maker's line has not been read so far.
 */
const early = new Map<string, [line: Line, message: ToQueueHome][]>();
let region: HeapRegion | undefined;
let isLocalToWake = false;
let isListening = false;
let isReading = false;
let made = 0;

function bell(): number {
  return self().slot + BELL;
}

/** Where the home thread's own waits park; read it before the look. */
export function homePark(): Park {
  region ??= new HeapRegion(self().memory);
  const index = bell();
  return { region, index, value: Atomics.load(region.words, index), on: 0 };
}

function wakeLocal(): void {
  isLocalToWake = true;
}

/** Wakes whom the messages at hand concern. */
export function ringAll(): void {
  for (let line = toRing.pop(); line !== undefined; line = toRing.pop()) line.ringNow();
  if (!isLocalToWake) return;
  isLocalToWake = false;
  const words = self().words as Int32Array<SharedArrayBuffer>;
  Atomics.add(words, bell(), 1);
  Atomics.notify(words, bell());
}

/** Makes a queue in the home thread. */
export function makeAtHome(plan: Plan, compare: Compare | undefined): HomeQueue {
  const id = `1.${++made}`;
  return new HomeQueue(id, new Ledger(plan.words), makeStore(plan.order, compare), wakeLocal);
}

/** Lets other threads find a queue. */
export function register(queue: HomeQueue): void {
  queues.set(queue.id, queue);
}

/** Finds a queue that another thread speaks of. */
export function findAtHome(id: string): HomeQueue {
  // Its maker has announced it: that may not have been read so far.
  if (!queues.has(id)) { for (const serve of services) serve(); }
  const queue = queues.get(id);
  if (queue === undefined) throw new Error(`Cannot unpack a queue: ${id} is not known at home`);
  return queue;
}

function receive(line: Line, message: ToQueueHome): void {
  if (message.type === "make") return make(message.q, message.plan);
  const queue = queues.get(message.q);
  if (queue === undefined) {
    const list = early.get(message.q) ?? [];
    list.push([line, message]);
    early.set(message.q, list);
    return;
  }
  line.queues.add(queue);
  queue.receive(line, message);
  if (queue.isAsked) asked.add(queue);
}

const asked = new Set<HomeQueue>();

function make(id: string, plan: Plan): void {
  const begin = (compare?: Compare) => {
    const store = makeStore(plan.order, compare);
    queues.set(id, new HomeQueue(id, new Ledger(plan.words), store, wakeLocal));
    const list = early.get(id) ?? [];
    early.delete(id);
    for (const [line, message] of list) receive(line, message);
  };
  if (plan.compare === undefined) return begin();
  findCompare(plan).then(begin, (error) =>
    begin(() => {
      throw error;
    })).then(() => {
      answerAll();
      ringAll();
    });
}

/** Reads a line; whether there was something. */
function readLine(line: Line, most: number): boolean {
  for (let k = 0; k < most; k++) {
    const message = take(line.port);
    if (message === undefined) return k > 0;
    receive(line, message as ToQueueHome);
  }
  return true;
}

/** Reads what is there; whether there was something. */
export function readLines(): boolean {
  if (isReading || open.size === 0) return false;
  isReading = true;
  let any = false;
  try {
    for (const line of open.values()) any = readLine(line, MOST_AT_A_TIME) || any;
    answerAll();
  } finally {
    isReading = false;
    ringAll();
  }
  return any;
}

/** Answers questions, when all that was sent before them has been read. */
function answerAll(): void {
  if (asked.size === 0) return;
  // A thread that has just announced its line may have put something before the question came.
  const reading = isReading;
  isReading = true;
  for (const serve of services) serve();
  for (const line of open.values()) readLine(line, Infinity);
  isReading = reading;
  for (const queue of asked) queue.answer();
  asked.clear();
}

const pauser = new Int32Array(new SharedArrayBuffer(4));

/** Calls a function after the events that are due. */
function later(fn: () => void): void {
  // An immediate that is set while nothing else is pending may never come.
  const parked = Atomics.waitAsync(pauser, 0, 0);
  if (parked.async) parked.value.then(fn);
  Atomics.notify(pauser, 0);
}

/** Reads the lines whenever a thread rings. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  const { words } = region ??= new HeapRegion(self().memory);
  const index = bell();
  const turn = () => {
    if (open.size === 0) {
      isListening = false;
      return;
    }
    const heard = Atomics.load(words, index);
    const isMore = readLines();
    const parked = Atomics.waitAsync(words, index, heard);
    if (!parked.async) return later(turn);
    parked.value.then(turn);
    // While there is something to read, other events have their turn in between.
    if (isMore) Atomics.notify(words, index);
  };
  turn();
}

lines.accept = (announced) => {
  open.set(announced.ident, new Line(announced));
  services.add(readLines);
  listen();
  if (self().roster.hasEnded(announced.slot, announced.ident)) return lines.ended!(announced.ident);
  // What it has sent already was rung for before anybody read it.
  wakeLocal();
  ringAll();
};

lines.ended = (ident) => {
  const line = open.get(ident);
  if (line === undefined) return;
  open.delete(ident);
  readLine(line, Infinity);
  for (const queue of line.queues) queue.leave(line);
  line.port.close();
  ringAll();
  if (open.size === 0) services.delete(readLines);
};
