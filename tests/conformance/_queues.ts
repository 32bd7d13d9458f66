/**
 * The kinds of queue that the conformance suites are applied to.
 *
 * @module
 */
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as queues from "../../lib/queue.ts";
import * as threading from "../../lib/threading.ts";
import { LACKS } from "../_help/lacks.ts";
import { until } from "../_help/until.ts";
import type { AnyQueue } from "./_queue_targets.ts";
import { type Child, test, type TestOptions, type World } from "./_world.ts";

/** A kind of queue. */
export interface QueueKind {
  /** Its name in the names of tests. */
  readonly name: string;
  /** The module whose locks, events and pipes can go with it. */
  readonly face: typeof threading | typeof multiprocessing;
  /** True if it takes a bound. */
  readonly isBounded: boolean;
  /** True if it counts tasks. */
  readonly counts: boolean;
  /** True if it can be shut down. */
  readonly shuts: boolean;
  /** The order in which it gives items out. */
  readonly order: "oldest first" | "newest first" | "least first";
  /** Makes one. */
  make<T = number>(maxsize?: number): AnyQueue<T>;
  /** Items, in the order in which they are given out when all are put before. */
  sorted<T>(items: readonly T[]): T[];
  /** A value as an item that has a place in its order; and back. */
  wrap(value: unknown): unknown;
  unwrap(item: unknown): unknown;
  /** The worlds that it is not for, each with the reason. */
  readonly skip: NonNullable<TestOptions["skip"]>;
}

type Class = new (maxsize?: number) => unknown;

const ORDERS: Record<string, QueueKind["order"]> = {
  LifoQueue: "newest first",
  PriorityQueue: "least first",
};

function kindOf(module: "queue" | "multiprocessing", Kind: Class): QueueKind {
  const isThreads = module === "queue";
  const isLeast = Kind.name === "PriorityQueue";
  const order = ORDERS[Kind.name] ?? "oldest first";
  const isSimple = Kind.name === "SimpleQueue";
  const skip: NonNullable<TestOptions["skip"]> = {};
  if (isThreads) skip.processes = "it lives in one process";
  else if (LACKS.memory !== undefined) skip.threads = LACKS.memory;
  else if (isSimple || Kind.name === "Queue") {
    skip.processes = "it is a JoinableQueue with less methods, which is tried there";
  }
  return {
    name: `${module}.${Kind.name}`,
    face: isThreads ? threading : multiprocessing,
    isBounded: !isSimple,
    counts: !isSimple && (isThreads || Kind.name !== "Queue"),
    shuts: !isThreads || !isSimple,
    order,
    make: <T>(maxsize?: number) => new Kind(maxsize) as AnyQueue<T>,
    sorted(items) {
      if (order === "oldest first") return [...items];
      return order === "newest first" ? items.toReversed() : items.toSorted(compare);
    },
    wrap: (value) => isLeast ? [0, value] : value,
    unwrap: (item) => isLeast ? (item as [number, unknown])[1] : item,
    skip,
  };
}

function compare(a: unknown, b: unknown): number {
  return Number(Array.isArray(a) ? a[0] : a) - Number(Array.isArray(b) ? b[0] : b);
}

/** All kinds. */
export const KINDS: readonly QueueKind[] = [
  ...[queues.Queue, queues.LifoQueue, queues.PriorityQueue, queues.SimpleQueue]
    .map((Kind) => kindOf("queue", Kind as unknown as Class)),
  ...[
    multiprocessing.Queue,
    multiprocessing.JoinableQueue,
    multiprocessing.SimpleQueue,
    multiprocessing.LifoQueue,
    multiprocessing.PriorityQueue,
  ].map((Kind) => kindOf("multiprocessing", Kind as unknown as Class)),
];

/** The time that a test of all forms may take, in ms. */
const LIMIT = 60_000;

/** Defines a test for each kind in each of its worlds. */
export function testEach(
  name: string,
  fn: (kind: QueueKind, world: World) => Promise<void> | void,
  { only = () => true, skip = {}, limit = LIMIT }: TestOptions & {
    only?: (kind: QueueKind) => boolean;
  } = {},
): void {
  for (const kind of KINDS.filter(only)) {
    test(`${kind.name}${name}`, (world) => fn(kind, world), {
      skip: { ...skip, ...kind.skip },
      limit,
    });
  }
}

/** Defines a test in which nobody but this thread has a part. */
export function testHere(
  name: string,
  fn: (kind: QueueKind) => Promise<void> | void,
  options: { only?: (kind: QueueKind) => boolean } = {},
): void {
  testEach(name, fn, { ...options, skip: { processes: "no child has a part in it" } });
}

/** Settles when the children wait; reports know no queue of `queue`. */
export async function untilWaiting(world: World, ...children: Child[]): Promise<void> {
  if (world.name === "processes") return await world.untilWaiting(...children);
  const isWaiting = ({ handle }: Child) => "state" in handle && handle.state === "waiting";
  await until(() => children.every(isWaiting));
}

/** The numbers from `from` up to `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, k) => from + k);
}
