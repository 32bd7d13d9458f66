/**
 * All objects at a manager's server, and how they are made.
 *
 * @module
 */
import { checkInteger, checkString, checkTimeout } from "../../../core/checks.ts";
import type { NumericType } from "../../../sync/numeric.ts";
import { ConditionObject } from "./condition.ts";
import { checkBytes, checkList, type Guest, type ManagerCall, Served } from "../session.ts";
import { LockObject, SemaphoreObject } from "./locks.ts";
import { BarrierObject, EventObject } from "./events.ts";
import {
  ArrayObject,
  DictObject,
  ListObject,
  register,
  RegisteredObject,
  ValueObject,
} from "./values.ts";
import { newId } from "../protocol.ts";
import { QueueObject } from "./queue.ts";

/** All objects, by their ids. It is one of them: its id is known to the owner alone. */
export class Objects extends Served {
  override readonly methods = MANAGER_METHODS;
  readonly #objects: Map<string, Served>;
  readonly #shutDown: () => void;
  /** Whose end is the server's. */
  owner: Guest | undefined;

  constructor(id: string, shutDown: () => void) {
    super();
    this.#objects = new Map<string, Served>([[id, this]]);
    this.#shutDown = shutDown;
  }

  /** The object of an id. */
  at(object: unknown): Served {
    const served = this.#objects.get(object as string);
    if (served === undefined) throw new TypeError("Cannot call a method: there is no such object");
    return served;
  }

  own({ guest }: ManagerCall): void {
    this.owner = guest;
  }

  /** Lets clients below run a target. */
  register(_call: ManagerCall, module: unknown, name: unknown, print: unknown): void {
    register(module, name, print);
  }

  shutdown(): void {
    this.#shutDown();
  }

  dict(_call: ManagerCall, flat: unknown): string {
    checkList(flat);
    return this.#add(new DictObject(flat));
  }

  list(_call: ManagerCall, values: unknown): string {
    checkList(values);
    return this.#add(new ListObject(values));
  }

  queue(_call: ManagerCall, maxsize: unknown): string {
    checkInteger(maxsize, 0, "maxsize", "create a queue");
    return this.#add(new QueueObject(maxsize));
  }

  lock(_call: ManagerCall, isReentrant: unknown, name: unknown): string {
    return this.#add(new LockObject(isReentrant === true, nameOf(name)));
  }

  semaphore(_call: ManagerCall, value: unknown, isBounded: unknown, name: unknown): string {
    checkInteger(value, 0, "value", "create a semaphore");
    return this.#add(new SemaphoreObject(value, isBounded === true, nameOf(name)));
  }

  event(): string {
    return this.#add(new EventObject());
  }

  condition(_call: ManagerCall, lock: unknown, name: unknown): string {
    const served = lock === undefined ? new LockObject(true, nameOf(name)) : this.at(lock);
    if (!(served instanceof LockObject)) {
      throw new TypeError("Cannot create a condition: lock must be a Lock or RLock of the manager");
    }
    return this.#add(new ConditionObject(served, nameOf(name)));
  }

  barrier(
    _call: ManagerCall,
    ...[parties, hasAction, timeout, name]: unknown[]
  ): string {
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

  value(_call: ManagerCall, type: unknown, initial: unknown): [object: string, lock: string] {
    const object = new ValueObject(type as NumericType, initial as number | undefined);
    return [this.#add(object), this.#add(new LockObject(true, undefined))];
  }

  array(_call: ManagerCall, type: unknown, source: unknown): [object: string, lock: string] {
    const object = new ArrayObject(type as NumericType, source as number);
    return [this.#add(object), this.#add(new LockObject(true, undefined))];
  }

  async create(
    { guest }: ManagerCall,
    ...[module, name, print, args]: unknown[]
  ): Promise<[object: string, methods: string[]]> {
    checkBytes(args);
    const object = await RegisteredObject.make(
      module as string,
      name as string,
      print as number,
      args,
      guest.level,
    );
    return [this.#add(object), object.names];
  }

  #add(object: Served): string {
    const id = newId();
    this.#objects.set(id, object);
    return id;
  }
}

const MANAGER_METHODS: ReadonlySet<string> = new Set([
  ...[
    "own",
    "register",
    "shutdown",
    "dict",
    "list",
    "queue",
    "lock",
    "semaphore",
    "event",
    "condition",
  ],
  ...["barrier", "value", "array", "create"],
]);

function nameOf(name: unknown): string | undefined {
  checkString(name, "name", "create a lock");
  return name as string | undefined;
}
