/**
 * All objects at a manager's server, and how they are made.
 *
 * @module
 */
import { checkInteger, checkString, checkTimeout } from "../core/checks.ts";
import type { NumericType } from "../sync/numeric.ts";
import { ConditionObject } from "./manager_condition.ts";
import { type Call, checkBytes, checkList, type Guest, Served } from "./manager_guest.ts";
import { LockObject, SemaphoreObject } from "./manager_locks.ts";
import { BarrierObject, EventObject } from "./manager_meetings.ts";
import {
  ArrayObject,
  DictObject,
  ListObject,
  RegisteredObject,
  ValueObject,
} from "./manager_objects.ts";
import { MANAGER } from "./manager_protocol.ts";
import { QueueObject } from "./manager_queue.ts";

/** All objects, by their numbers. */
export class Objects extends Served {
  override readonly methods = MANAGER_METHODS;
  readonly #objects = new Map<number, Served>([[MANAGER, this]]);
  readonly #shutDown: () => void;
  #last = MANAGER;
  /** Whose end is the server's. */
  owner: Guest | undefined;

  constructor(shutDown: () => void) {
    super();
    this.#shutDown = shutDown;
  }

  /** The object of a number. */
  at(object: unknown): Served {
    const served = this.#objects.get(object as number);
    if (served === undefined) throw new TypeError("Cannot call a method: there is no such object");
    return served;
  }

  own({ guest }: Call): void {
    this.owner = guest;
  }

  shutdown(): void {
    this.#shutDown();
  }

  dict(_call: Call, flat: unknown): number {
    checkList(flat);
    return this.#add(new DictObject(flat));
  }

  list(_call: Call, values: unknown): number {
    checkList(values);
    return this.#add(new ListObject(values));
  }

  queue(_call: Call, maxsize: unknown): number {
    checkInteger(maxsize, 0, "maxsize", "create a queue");
    return this.#add(new QueueObject(maxsize));
  }

  lock(_call: Call, isReentrant: unknown, name: unknown): number {
    return this.#add(new LockObject(isReentrant === true, nameOf(name)));
  }

  semaphore(_call: Call, value: unknown, isBounded: unknown, name: unknown): number {
    checkInteger(value, 0, "value", "create a semaphore");
    return this.#add(new SemaphoreObject(value, isBounded === true, nameOf(name)));
  }

  event(): number {
    return this.#add(new EventObject());
  }

  condition(_call: Call, lock: unknown, name: unknown): number {
    const served = lock === undefined ? new LockObject(true, nameOf(name)) : this.at(lock);
    if (!(served instanceof LockObject)) {
      throw new TypeError("Cannot create a condition: lock must be a Lock or RLock of the manager");
    }
    return this.#add(new ConditionObject(served, nameOf(name)));
  }

  barrier(
    _call: Call,
    ...[parties, hasAction, timeout, name]: unknown[]
  ): number {
    checkInteger(parties, 1, "parties", "create a barrier");
    const limit = checkTimeout(timeout, "create a barrier");
    return this.#add(
      new BarrierObject(
        parties,
        hasAction === true,
        limit === Infinity ? undefined : limit,
        nameOf(name),
      ),
    );
  }

  value(_call: Call, type: unknown, initial: unknown): [object: number, lock: number] {
    const object = new ValueObject(type as NumericType, initial as number | undefined);
    return [this.#add(object), this.#add(new LockObject(true, undefined))];
  }

  array(_call: Call, type: unknown, source: unknown): [object: number, lock: number] {
    const object = new ArrayObject(type as NumericType, source as number);
    return [this.#add(object), this.#add(new LockObject(true, undefined))];
  }

  async create(
    _call: Call,
    ...[module, name, print, args]: unknown[]
  ): Promise<[object: number, methods: string[]]> {
    checkBytes(args);
    const object = await RegisteredObject.make(
      module as string,
      name as string,
      print as number,
      args,
    );
    return [this.#add(object), object.names];
  }

  #add(object: Served): number {
    this.#objects.set(++this.#last, object);
    return this.#last;
  }
}

const MANAGER_METHODS: ReadonlySet<string> = new Set([
  ...["own", "shutdown", "dict", "list", "queue", "lock", "semaphore", "event", "condition"],
  ...["barrier", "value", "array", "create"],
]);

function nameOf(name: unknown): string | undefined {
  checkString(name, "name", "create a lock");
  return name as string | undefined;
}
