/**
 * Packing for structured clone, which carries plain data between threads but knows nothing of
 * shareables, targets and users' classes, and drops the classes of errors.
 *
 * A value with none of these is sent as it is. Otherwise it is copied, with an empty object in the
 * place of each; those objects and their reductions travel in the same message, and structured
 * clone keeps identity within one message: so the other side knows each empty object again, and
 * replaces it. No key or mark is reserved, hence none can be forged or met by accident.
 *
 * @module
 */
import { ShareError } from "../core/errors.ts";
import { checkPlaced } from "./bounds.ts";
import { type Destination, gatherIn, inFlight, loseAll, type Lost } from "./flight.ts";
import type { Reduce, Reduction, Revive } from "./reduction.ts";

/** A value on its way between threads. */
export interface Packed {
  /** The value, or its copy with empty objects in it. */
  value: unknown;
  /** The empty objects, each with what it stands for. */
  stands?: [empty: object, reduction: Reduction][];
}

/** The objects on their way in a packed value that others count. */
const flightsOf = new WeakMap<Packed, Lost[]>();

/** The objects on their way in a packed value: to be lost should it not be sent. */
export function flightsIn(packed: Packed): Lost[] {
  return flightsOf.get(packed) ?? [];
}

/** True if a packed value has objects in it that move when it is sent. */
export function isMoving(packed: Packed): boolean {
  return flightsIn(packed).some(({ handOver }) => handOver !== undefined);
}

/** Tells the objects in a packed value that move when it is sent that it was. */
export function handOver(packed: Packed, to?: Destination): void {
  for (const flight of flightsIn(packed)) flight.handOver?.(to);
}

/** Built-in classes that structured clone carries whole. */
const CARRIED = new Set<unknown>([
  ...[Date, RegExp, ArrayBuffer, SharedArrayBuffer, DataView, Boolean, Number, String, BigInt],
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, Blob, CryptoKey],
  ...[WebAssembly.Module, WebAssembly.Memory],
  (globalThis as { Float16Array?: unknown }).Float16Array,
].filter((type) => type !== undefined));

const isPlain = (proto: unknown) => proto === Object.prototype || proto === null;

type Key = string | number;

function pathOf(root: string, keys: readonly Key[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) || key.endsWith(")")
      ? `${path}.${key}`
      : `${path}[${JSON.stringify(key)}]`;
  }, root);
}

/** The name of a Map's entry in a path. */
function entryName(key: unknown): string {
  return `get(${typeof key === "string" ? JSON.stringify(key) : String(typeof key)})`;
}

/**
 * Packs a value.
 *
 * @param root What the value is called in errors, as in `args`.
 * @throws {ShareError} When something in it cannot cross.
 */
export function pack(
  value: unknown,
  reduce: Reduce,
  root: string,
  transfer: readonly Transferable[] = [],
): Packed {
  if (isSimple(value, transfer, new Set())) return { value };
  const flights: Lost[] = [];
  const before = gatherIn(flights);
  try {
    const packed = packParts(value, reduce, root, transfer);
    if (flights.length > 0) flightsOf.set(packed, flights);
    return packed;
  } catch (cause) {
    loseAll(flights);
    throw cause;
  } finally {
    gatherIn(before);
    for (const flight of flights) inFlight(flight, flight);
  }
}

function packParts(
  value: unknown,
  reduce: Reduce,
  root: string,
  transfer: readonly Transferable[],
): Packed {
  const keys: Key[] = [];
  const place = () => pathOf(root, keys);
  const copies = new Map<object, object>();
  const stands: [object, Reduction][] = [];

  const within = (key: Key, part: unknown): unknown => {
    keys.push(key);
    const copied = copy(part);
    keys.pop();
    return copied;
  };
  const copy = (part: unknown): unknown => {
    if (typeof part === "symbol") return reduce(part, place);
    if (typeof part !== "function" && (typeof part !== "object" || part === null)) return part;
    const known = copies.get(part);
    if (known !== undefined) return known;
    const proto = Object.getPrototypeOf(part);
    if (Array.isArray(part) && proto === Array.prototype) {
      const array: unknown[] = new Array(part.length);
      copies.set(part, array);
      part.forEach((item, k) => array[k] = within(k, item));
      return array;
    }
    if (typeof part !== "function" && isPlain(proto)) {
      const object: Record<string, unknown> = {};
      copies.set(part, object);
      for (const [key, item] of Object.entries(part)) {
        Object.defineProperty(object, key, {
          value: within(key, item),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return object;
    }
    if (proto === Map.prototype) {
      const map = new Map();
      copies.set(part, map);
      for (const [key, item] of part as Map<unknown, unknown>) {
        map.set(within("keys()", key), within(entryName(key), item));
      }
      return map;
    }
    if (proto === Set.prototype) {
      const set = new Set();
      copies.set(part, set);
      for (const item of part as Set<unknown>) set.add(within("values()", item));
      return set;
    }
    if (isCarried(part, transfer)) return part;
    const empty = {};
    copies.set(part, empty);
    const reduction = reduce(part, place);
    stands.push([empty, reduction]);
    reduction.state = copy(reduction.state);
    return empty;
  };
  return { value: copy(value), stands };
}

function isCarried(value: object, transfer: readonly Transferable[]): boolean {
  return CARRIED.has(value.constructor) || transfer.includes(value as Transferable);
}

/** True if structured clone alone carries the value. */
function isSimple(value: unknown, transfer: readonly Transferable[], seen: Set<object>): boolean {
  if (typeof value === "symbol" || typeof value === "function") return false;
  if (typeof value !== "object" || value === null || seen.has(value)) return true;
  const proto = Object.getPrototypeOf(value);
  if (CARRIED.has(proto?.constructor)) return true;
  seen.add(value);
  const simple = (part: unknown) => isSimple(part, transfer, seen);
  if (proto === Array.prototype) return (value as unknown[]).every(simple);
  if (isPlain(proto)) return Object.values(value).every(simple);
  if (proto === Map.prototype) {
    return [...value as Map<unknown, unknown>].every(([key, item]) => simple(key) && simple(item));
  }
  if (proto === Set.prototype) return [...value as Set<unknown>].every(simple);
  return transfer.includes(value as Transferable);
}

/** The modules that must be loaded before the value is unpacked. */
export function modulesOfPacked({ stands }: Packed): string[] {
  return [...new Set(stands?.map(([, { module }]) => module).filter((url) => url !== ""))];
}

/** Unpacks a value. */
export function unpack({ value, stands }: Packed, revive: Revive): unknown {
  if (stands === undefined) return value;
  const open = new Map<unknown, Reduction>(stands);
  const made = new Map<unknown, unknown>();
  const seen = new Set<object>();

  const make = (empty: unknown, { kind, module, name, state }: Reduction): unknown => {
    if (made.has(empty)) return made.get(empty);
    const shell = revive.shell(kind, module, name);
    if (shell !== undefined) made.set(empty, shell);
    const whole = revive.finish(kind, module, name, fill(state), shell);
    made.set(empty, whole);
    return whole;
  };
  const fill = (part: unknown): unknown => {
    if (typeof part !== "object" || part === null) return part;
    const reduction = open.get(part);
    if (reduction !== undefined) return make(part, reduction);
    if (seen.has(part)) return part;
    seen.add(part);
    if (Array.isArray(part)) part.forEach((item, k) => part[k] = fill(item));
    else if (part instanceof Map) {
      const entries = [...part];
      part.clear();
      for (const [key, item] of entries) part.set(fill(key), fill(item));
    } else if (part instanceof Set) {
      const items = [...part];
      part.clear();
      for (const item of items) part.add(fill(item));
    } else if (Object.getPrototypeOf(part) === Object.prototype) {
      const object = part as Record<string, unknown>;
      for (const key of Object.keys(object)) {
        const filled = fill(object[key]);
        if (filled === object[key]) continue;
        checkPlaced(key, filled, "the value");
        object[key] = filled;
      }
    }
    return part;
  };
  return fill(value);
}

/** Says what structured clone itself refused. */
export function uncloneable(cause: unknown, root: string): Error {
  return new ShareError(
    `Cannot share ${root}: ${cause instanceof Error ? cause.message : String(cause)}`,
    root,
  );
}
