/**
 * What holds values at a manager's server: dictionaries, lists, numbers, and objects of classes of
 * the user's. Values are kept as the bytes in which they came.
 *
 * @module
 */
import { ShareError } from "../../../core/errors.ts";
import { SharedArray } from "../../../sync/array.ts";
import type { NumericType } from "../../../sync/numeric.ts";
import { Value } from "../../../sync/value.ts";
import type { Source } from "../../../transfer/reduction.ts";
import { find, load } from "../../../transfer/task.ts";
import {
  type Call,
  checkBytes,
  checkList,
  checkWhole,
  Served,
  sourceOfValues,
} from "../session.ts";
import { type Bytes, unwrap, wrap } from "../protocol.ts";

/** Bytes as something that a Map compares by what it is. */
function textOf(bytes: Bytes): string {
  let text = "";
  for (let k = 0; k < bytes.length; k++) text += String.fromCharCode(bytes[k]!);
  return text;
}

/** The targets that clients below may have run, each by all that names it. */
const registered = new Set<string>();

/** Lets clients below have a target run. */
export function register(module: unknown, name: unknown, print: unknown): void {
  registered.add(JSON.stringify([module, name, print]));
}

/** Makes a new value of an old one by a target of the user's. */
async function renew(
  old: Bytes | undefined,
  target: unknown[],
  source: Source,
): Promise<Bytes> {
  const [module, name, print, args] = target;
  checkBytes(args);
  if (typeof module !== "string" || typeof name !== "string" || typeof print !== "number") {
    throw new TypeError("Cannot update the value: it is no target");
  }
  if (source === "below" && !registered.has(JSON.stringify([module, name, print]))) {
    throw new ShareError(
      `Cannot update the value: the manager's owner has not registered ${
        JSON.stringify(name)
      } of ` +
        `${module}, and a process with fewer permissions may have nothing else run; ` +
        "use Manager.register(name, target)",
      "target",
    );
  }
  await load(module);
  const update = find({ module, name, print }) as (...args: unknown[]) => unknown;
  const value = old === undefined ? undefined : await unwrap(old, sourceOfValues());
  return wrap(await update(value, ...await unwrap(args, source) as unknown[]), "result");
}

/** A dictionary, or a namespace. */
export class DictObject extends Served {
  override readonly methods = DICT;
  readonly #entries = new Map<string, [key: Bytes, value: Bytes]>();

  constructor(flat: Bytes[]) {
    super();
    for (let k = 0; k + 1 < flat.length; k += 2) {
      this.#entries.set(textOf(flat[k]!), [flat[k]!, flat[k + 1]!]);
    }
  }

  get(_call: Call, key: Bytes): Bytes | undefined {
    checkBytes(key);
    return this.#entries.get(textOf(key))?.[1];
  }

  set(_call: Call, key: Bytes, value: Bytes): void {
    checkBytes(key);
    checkBytes(value);
    const text = textOf(key);
    const entry = this.#entries.get(text);
    if (entry === undefined) this.#entries.set(text, [key, value]);
    else entry[1] = value;
  }

  has(_call: Call, key: Bytes): boolean {
    checkBytes(key);
    return this.#entries.has(textOf(key));
  }

  delete(_call: Call, key: Bytes): boolean {
    checkBytes(key);
    return this.#entries.delete(textOf(key));
  }

  clear(): void {
    this.#entries.clear();
  }

  size(): number {
    return this.#entries.size;
  }

  keys(): Bytes[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  values(): Bytes[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }

  entries(): Bytes[] {
    return [...this.#entries.values()].flat();
  }

  update(call: Call, key: Bytes, ...target: unknown[]): Promise<Bytes> {
    return this.alone(async () => {
      const value = await renew(this.get(call, key), target, call.guest.source);
      this.set(call, key, value);
      return value;
    });
  }
}

const DICT: ReadonlySet<string> = new Set([
  ...["get", "set", "has", "delete", "clear", "size", "keys", "values", "entries", "update"],
]);

/** A list. */
export class ListObject extends Served {
  override readonly methods = LIST;
  #values: Bytes[];

  constructor(values: Bytes[]) {
    super();
    this.#values = values;
  }

  length(): number {
    return this.#values.length;
  }

  at(_call: Call, index: number): Bytes | undefined {
    checkWhole(index);
    return this.#values.at(index);
  }

  set(_call: Call, index: number, value: Bytes): void {
    checkBytes(value);
    this.#values[this.#place(index, "write")] = value;
  }

  push(_call: Call, values: Bytes[]): number {
    checkList(values);
    for (const value of values) this.#values.push(value);
    return this.#values.length;
  }

  pop(): Bytes | undefined {
    return this.#values.pop();
  }

  unshift(_call: Call, values: Bytes[]): number {
    checkList(values);
    this.#values = [...values, ...this.#values];
    return this.#values.length;
  }

  shift(): Bytes | undefined {
    return this.#values.shift();
  }

  splice(_call: Call, index: number, count: number, values: Bytes[]): Bytes[] {
    checkWhole(index);
    checkWhole(count);
    checkList(values);
    const from = index < 0 ? Math.max(0, index + this.#values.length) : index;
    const taken = this.#values.slice(from, from + count);
    this.#values = [
      ...this.#values.slice(0, from),
      ...values,
      ...this.#values.slice(from + count),
    ];
    return taken;
  }

  indexOf(_call: Call, value: Bytes): number {
    checkBytes(value);
    return this.#values.findIndex((other) =>
      other.length === value.length && other.every((byte, k) => byte === value[k])
    );
  }

  clear(): void {
    this.#values = [];
  }

  slice(_call: Call, from: number, to: number | undefined): Bytes[] {
    checkWhole(from);
    if (to !== undefined) checkWhole(to);
    return this.#values.slice(from, to);
  }

  update(call: Call, index: number, ...target: unknown[]): Promise<Bytes> {
    return this.alone(async () => {
      const place = this.#place(index, "change");
      const value = await renew(this.#values[place], target, call.guest.source);
      this.#values[place] = value;
      return value;
    });
  }

  #place(index: number, action: string): number {
    checkWhole(index);
    const { length } = this.#values;
    const place = index < 0 ? index + length : index;
    if (place >= 0 && place < length) return place;
    throw new RangeError(
      `Cannot ${action} the list: it has ${length} values, received the index ${index}`,
    );
  }
}

const LIST: ReadonlySet<string> = new Set([
  ...["length", "at", "set", "push", "pop", "unshift", "shift", "splice", "indexOf", "clear"],
  ...["slice", "update"],
]);

/** A number. */
export class ValueObject extends Served {
  override readonly methods = VALUE;
  readonly #value: Value<NumericType>;

  constructor(type: NumericType, initial: number | bigint | undefined) {
    super();
    this.#value = new Value<NumericType>(type, initial);
  }

  get(): number | bigint {
    return this.#value.value;
  }

  set(_call: Call, value: number | bigint): void {
    this.#value.value = value;
  }

  add(_call: Call, n: number | bigint): number | bigint {
    return this.#value.add(n);
  }

  compareExchange(_call: Call, expected: number | bigint, next: number | bigint): number | bigint {
    return this.#value.compareExchange(expected, next);
  }
}

const VALUE: ReadonlySet<string> = new Set(["get", "set", "add", "compareExchange"]);

/** Numbers. */
export class ArrayObject extends Served {
  override readonly methods = ARRAY;
  readonly #array: SharedArray<NumericType>;

  constructor(type: NumericType, source: number | (number | bigint)[]) {
    super();
    this.#array = new SharedArray<NumericType>(type, source);
  }

  length(): number {
    return this.#array.length;
  }

  at(_call: Call, index: number): number | bigint {
    return this.#array.at(index);
  }

  set(_call: Call, index: number, value: number | bigint): void {
    this.#array.set(index, value);
  }

  slice(_call: Call, from: number | undefined, to: number | undefined): (number | bigint)[] {
    if (from !== undefined) checkWhole(from);
    if (to !== undefined) checkWhole(to);
    return this.#array.slice(from, to);
  }
}

const ARRAY: ReadonlySet<string> = new Set(["length", "at", "set", "slice"]);

/** An object of a class of the user's. */
export class RegisteredObject extends Served {
  override readonly methods = REGISTERED;
  /** The methods of its class. */
  readonly names: string[];
  readonly #target: object;

  private constructor(target: object) {
    super();
    this.#target = target;
    this.names = namesOf(target);
  }

  /** Imports the class and makes an object of it. */
  static async make(
    module: string,
    name: string,
    print: number,
    args: Bytes,
    source: Source,
  ): Promise<RegisteredObject> {
    await load(module);
    const type = find({ module, name, print }) as new (...args: unknown[]) => object;
    return new RegisteredObject(new type(...await unwrap(args, source) as unknown[]));
  }

  async apply({ guest }: Call, name: string, args: Bytes): Promise<Bytes> {
    checkBytes(args);
    if (!this.names.includes(name)) {
      throw new TypeError(`Cannot call the method: the object has no ${JSON.stringify(name)}`);
    }
    const target = this.#target as Record<string, (...args: unknown[]) => unknown>;
    const given = await unwrap(args, guest.source) as unknown[];
    return wrap(await target[name]!(...given), "result");
  }
}

const REGISTERED: ReadonlySet<string> = new Set(["apply"]);

/** The methods of an object's class; `then` is none: its proxy can be awaited. */
function namesOf(target: object): string[] {
  const names = new Set<string>();
  for (
    let proto = Object.getPrototypeOf(target);
    proto !== null && proto !== Object.prototype;
    proto = Object.getPrototypeOf(proto)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (typeof value === "function" && name !== "constructor" && name !== "then") names.add(name);
    }
  }
  return [...names];
}
