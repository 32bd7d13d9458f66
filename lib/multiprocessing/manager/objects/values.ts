/**
 * The objects that hold values at a manager's server: dictionaries, lists, numbers, and objects of
 * classes of the user's. Values are kept as the bytes in which they came.
 *
 * @module
 */
import { ShareError } from "../../../core/errors.ts";
import { SharedArray } from "../../../sync/array.ts";
import type { NumericType } from "../../../sync/numeric.ts";
import { Value } from "../../../sync/value.ts";
import type { TrustLevel } from "../../../transfer/reduction.ts";
import { find, load } from "../../../transfer/task.ts";
import {
  checkBytes,
  checkList,
  checkWhole,
  type ManagerCall,
  Served,
  sourceOfValues,
} from "../session.ts";
import { unwrap, type ValueBytes, wrap } from "../protocol.ts";

/** Bytes as something that a Map compares by what it is. */
function textOf(bytes: ValueBytes): string {
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
  old: ValueBytes | undefined,
  target: unknown[],
  level: TrustLevel,
): Promise<ValueBytes> {
  const [module, name, print, args] = target;
  checkBytes(args);
  if (typeof module !== "string" || typeof name !== "string" || typeof print !== "number") {
    throw new TypeError("Cannot update the value: it is no target");
  }
  if (level === "below" && !registered.has(JSON.stringify([module, name, print]))) {
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
  return wrap(await update(value, ...await unwrap(args, level) as unknown[]), "result");
}

/** A dictionary, or a namespace. */
export class DictObject extends Served {
  override readonly methods = DICT;
  readonly #entries = new Map<string, [key: ValueBytes, value: ValueBytes]>();

  constructor(flat: ValueBytes[]) {
    super();
    for (let k = 0; k + 1 < flat.length; k += 2) {
      this.#entries.set(textOf(flat[k]!), [flat[k]!, flat[k + 1]!]);
    }
  }

  get(_call: ManagerCall, key: ValueBytes): ValueBytes | undefined {
    checkBytes(key);
    return this.#entries.get(textOf(key))?.[1];
  }

  set(_call: ManagerCall, key: ValueBytes, value: ValueBytes): void {
    checkBytes(key);
    checkBytes(value);
    const text = textOf(key);
    const entry = this.#entries.get(text);
    if (entry === undefined) this.#entries.set(text, [key, value]);
    else entry[1] = value;
  }

  has(_call: ManagerCall, key: ValueBytes): boolean {
    checkBytes(key);
    return this.#entries.has(textOf(key));
  }

  delete(_call: ManagerCall, key: ValueBytes): boolean {
    checkBytes(key);
    return this.#entries.delete(textOf(key));
  }

  clear(): void {
    this.#entries.clear();
  }

  size(): number {
    return this.#entries.size;
  }

  keys(): ValueBytes[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  values(): ValueBytes[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }

  entries(): ValueBytes[] {
    return [...this.#entries.values()].flat();
  }

  update(call: ManagerCall, key: ValueBytes, ...target: unknown[]): Promise<ValueBytes> {
    return this.alone(async () => {
      const value = await renew(this.get(call, key), target, call.guest.level);
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
  #values: ValueBytes[];

  constructor(values: ValueBytes[]) {
    super();
    this.#values = values;
  }

  length(): number {
    return this.#values.length;
  }

  at(_call: ManagerCall, index: number): ValueBytes | undefined {
    checkWhole(index);
    return this.#values.at(index);
  }

  set(_call: ManagerCall, index: number, value: ValueBytes): void {
    checkBytes(value);
    this.#values[this.#place(index, "write")] = value;
  }

  push(_call: ManagerCall, values: ValueBytes[]): number {
    checkList(values);
    for (const value of values) this.#values.push(value);
    return this.#values.length;
  }

  pop(): ValueBytes | undefined {
    return this.#values.pop();
  }

  unshift(_call: ManagerCall, values: ValueBytes[]): number {
    checkList(values);
    this.#values = [...values, ...this.#values];
    return this.#values.length;
  }

  shift(): ValueBytes | undefined {
    return this.#values.shift();
  }

  splice(_call: ManagerCall, index: number, count: number, values: ValueBytes[]): ValueBytes[] {
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

  indexOf(_call: ManagerCall, value: ValueBytes): number {
    checkBytes(value);
    return this.#values.findIndex((other) =>
      other.length === value.length && other.every((byte, k) => byte === value[k])
    );
  }

  clear(): void {
    this.#values = [];
  }

  slice(_call: ManagerCall, from: number, to: number | undefined): ValueBytes[] {
    checkWhole(from);
    if (to !== undefined) checkWhole(to);
    return this.#values.slice(from, to);
  }

  update(call: ManagerCall, index: number, ...target: unknown[]): Promise<ValueBytes> {
    return this.alone(async () => {
      const place = this.#place(index, "change");
      const value = await renew(this.#values[place], target, call.guest.level);
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

  set(_call: ManagerCall, value: number | bigint): void {
    this.#value.value = value;
  }

  add(_call: ManagerCall, n: number | bigint): number | bigint {
    return this.#value.add(n);
  }

  compareExchange(
    _call: ManagerCall,
    expected: number | bigint,
    next: number | bigint,
  ): number | bigint {
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

  at(_call: ManagerCall, index: number): number | bigint {
    return this.#array.at(index);
  }

  set(_call: ManagerCall, index: number, value: number | bigint): void {
    this.#array.set(index, value);
  }

  slice(_call: ManagerCall, from: number | undefined, to: number | undefined): (number | bigint)[] {
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
    args: ValueBytes,
    level: TrustLevel,
  ): Promise<RegisteredObject> {
    await load(module);
    const type = find({ module, name, print }) as new (...args: unknown[]) => object;
    return new RegisteredObject(new type(...await unwrap(args, level) as unknown[]));
  }

  async apply({ guest }: ManagerCall, name: string, args: ValueBytes): Promise<ValueBytes> {
    checkBytes(args);
    if (!this.names.includes(name)) {
      throw new TypeError(`Cannot call the method: the object has no ${JSON.stringify(name)}`);
    }
    const target = this.#target as Record<string, (...args: unknown[]) => unknown>;
    const given = await unwrap(args, guest.level) as unknown[];
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
