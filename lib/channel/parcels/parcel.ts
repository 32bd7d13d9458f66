/**
 * Parcels: what bytes cannot carry between threads, as ports, streams, what is in `transfer`, a
 * Blob, or an object of the toolkit that lies in a SharedArrayBuffer. A parcel goes by message
 * port; the message in the memory says its number alone, and so keeps its place, and that it is
 * given once.
 *
 * ```text
 *   put: left at the office (`office.ts`, the main thread) -> its number counts in the memory
 *   get: the number is seen -> the parcel is fetched -> the number is taken -> it is let go
 *        the number is taken -> a parcel that must be moved is fetched
 * ```
 *
 * Who dies when: who puts, before the number counts: the parcel stays at the office, and nobody
 * asks for it; who gets, before it has taken the number: the next one fetches it; behind it: it had
 * it. A parcel with ports or streams is lost with the thread that has taken its number.
 *
 * Parcels that nobody can get are let go when their queue drops its messages, or when it is
 * collected and was never given to another thread. Of one that was, nobody knows when the last
 * thread lets go of it: its parcels stay.
 *
 * @module
 */
import type { Lost } from "../../transfer/flight.ts";
import {
  flightsIn,
  handOver,
  isMoving,
  modulesOfPacked,
  pack,
  type Packed,
  uncloneable,
  unpack,
} from "../../transfer/pack.ts";
import type { Reduction } from "../../transfer/reduction.ts";
import { reducer, revive } from "../../transfer/reduce.ts";
import { isShareable } from "../../transfer/shareable.ts";
import { isKnown, load } from "../../transfer/task.ts";

const reduce = reducer("thread");
const NONE: Transferable[] = [];

/** A packed value, and what is moved with it. */
export class Parcel implements Packed {
  /** The packed value. */
  value: unknown;
  /** The parts that stand in it for something else. */
  stands?: Packed["stands"];
  /** The objects that are moved with it. */
  transfer: Transferable[];
  /** What it was made of, which knows what is on its way in it. */
  readonly #packed: Packed;

  /** Takes over a packed value. */
  constructor(packed: Packed, transfer: Transferable[]) {
    const { value, stands } = packed;
    this.#packed = packed;
    this.value = value;
    if (stands !== undefined) this.stands = stands;
    this.transfer = transfer;
  }

  /** True if something of it is the sender's until it is sent. */
  get isMoved(): boolean {
    return this.transfer.length > 0 || isMoving(this.#packed);
  }

  /** The objects on their way in it: to be lost should it not be sent. */
  get flights(): Lost[] {
    return flightsIn(this.#packed);
  }

  /** Says that it was sent. */
  handOver(): void {
    handOver(this.#packed);
  }

  /** True if it has parts that only one can have: the office cannot keep it until it is taken. */
  get isUnique(): boolean {
    return this.transfer.some((part) => !(part instanceof ArrayBuffer));
  }

  /** What stands for something in it. */
  get parts(): Stand[] {
    return this.stands?.map(([, { kind, module, name }]) => ({ kind, module, name })) ?? [];
  }

  /** The parts that must be moved when the office sends it on: of the others it keeps its own. */
  get unique(): Transferable[] {
    return this.transfer.filter((part) => !(part instanceof ArrayBuffer));
  }
}

/**
 * Makes a parcel of a value.
 *
 * @param root What it is called in errors.
 * @throws {ShareError} It cannot cross.
 */
export function parcelOf(
  value: unknown,
  transfer: Transferable[] = NONE,
  root = "item",
): Parcel {
  return new Parcel(pack(value, reduce, root, transfer), transfer);
}

/**
 * Makes a parcel this thread's own, as sending it would.
 *
 * @throws {ShareError} It cannot be cloned.
 */
export function own(parcel: Parcel): Parcel {
  try {
    const { value, stands, transfer } = structuredClone({ ...parcel }, {
      transfer: parcel.transfer,
    });
    return new Parcel({ value, stands }, transfer);
  } catch (cause) {
    throw uncloneable(cause, "item");
  }
}

/** What stands for something in a parcel. */
export type Stand = Pick<Reduction, "kind" | "module" | "name">;

/** The modules that such parts need and that this thread does not know. */
export function missing(stands: Stand[]): string[] {
  return stands
    .filter(({ kind, module, name }) =>
      kind === "share" ? !isShareable(module, name) : kind !== "error" && !isKnown(module)
    )
    .map(({ module }) => module);
}

/**
 * Loads what {@linkcode open} needs; an error whose module cannot be loaded loses but its class.
 */
export async function ready(parcel: Parcel): Promise<void> {
  for (const module of missing(parcel.parts)) await load(module);
  for (const module of modulesOfPacked(parcel)) {
    if (!isKnown(module)) await load(module).catch(() => {});
  }
}

/**
 * Gives up a parcel that nobody will open: ends of pipes in it are closed, so that those at the
 * other ends hear of it.
 */
export function forsake({ stands }: Parcel): void {
  for (const [, { kind, module, name, state }] of stands ?? []) {
    // Whoever sent an end has its module; where it is unknown none has come.
    if (kind !== "share" || name !== "Connection" || !isShareable(module, name)) continue;
    (revive.finish(kind, module, name, state, undefined) as Disposable)[Symbol.dispose]();
  }
}

/** Gives the value of a parcel. */
export function open(parcel: Parcel): unknown {
  return unpack(parcel, revive);
}
