/**
 * Shared memory with a name: bytes that several processes see at once.
 *
 * States of a handle: open -> closed; of the memory: named -> nameless -> gone.
 *
 * | what happens | the name | the memory |
 * | --- | --- | --- |
 * | a handle is closed | stays | stays |
 * | `unlink()`, by anybody; the creator is disposed | goes | stays for those who have it open |
 * | the creator's process ends, by any means | goes | stays for those who have it open |
 * | another process ends, by any means | stays | stays |
 * | the last who has it open closes or ends, the name being gone | | goes |
 *
 * There is no file, so nothing needs to be swept. How names are found: `memory/platform/named.ts`.
 *
 * @module
 */
import { checkBoolean, checkInteger, checkOptions, checkString, show } from "../core/checks.ts";
import { ShareError } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import {
  createNamed,
  isUnlinked,
  type NamedMemory,
  openNamed,
  openSent,
  type SentMemory,
  unlinkNamed,
  unmapNamed,
} from "../memory/named.ts";
import { noteMadeIn } from "../sync/traps.ts";
import { receiverMaps } from "../transfer/flight.ts";
import { checkState, SHARE, shareable, type World } from "../transfer/shareable.ts";

/** The room that the kernel has in a memory file's name, less what is ours. */
const NAME_BYTES = 200;

/** The key under which a handle's options carry a memory that is open. */
const OPENED: unique symbol = Symbol("opened");

/** Options of a {@linkcode SharedMemory}. */
export interface SharedMemoryOptions {
  /** Its name. Default, with `create`: one that no other has. */
  name?: string;
  /** true: make it; false: open the one of that name. Default: false. */
  create?: boolean;
  /** The number of bytes, with `create`. */
  size?: number;
}

/**
 * Memory that processes share, as bytes.
 *
 * Reach for it when much data is to be seen by several processes without copying it. For numbers
 * and lists there are `Array` and {@linkcode ShareableList}; for messages, queues and pipes.
 *
 * It is its creator's: its name is known, to all programs of this user, until somebody calls
 * {@linkcode unlink} or the process that created it ends, by whatever means. Those who have it open
 * then keep it until they close it or end; nothing is left behind by a crash. A handle that is
 * given to a thread or process opens the same memory there, as long as the creator has it.
 *
 * *Memory*: nothing orders what processes write here; use a lock, or `Atomics` on an `Int32Array`
 * over `buf.buffer`.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Write here, read there
 * ```ts
 * import { SharedMemory } from "@switchyard/switchyard/multiprocessing";
 *
 * using memory = new SharedMemory({ create: true, size: 1024 });
 * memory.buf[0] = 42;
 *
 * using same = new SharedMemory({ name: memory.name }); // In any process.
 * console.log(same.buf[0]); // 42
 * ```
 */
export class SharedMemory implements Disposable {
  readonly #memory: NamedMemory;
  readonly #isCreator: boolean;
  #buf: Uint8Array<ArrayBuffer> | undefined;
  #isNamed = true;

  /**
   * Creates or opens a memory.
   *
   * @throws {Deno.errors.AlreadyExists} There is one of that name, with `create`.
   * @throws {Deno.errors.NotFound} There is none of that name, without `create`.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   * @throws {TypeError | RangeError} Bad options, or no room for that many bytes.
   */
  constructor(options: SharedMemoryOptions & { [OPENED]?: NamedMemory }) {
    const opened = options?.[OPENED];
    const memory = opened ?? open(options);
    this.#memory = memory;
    this.#isCreator = memory.fd !== undefined;
    this.#buf = new Uint8Array(memory.buffer);
    // Who opens one of a name has the memory that all have.
    if (opened === undefined && options.create && options.name === undefined) {
      noteMadeIn(this, "process");
    }
  }

  /** Its name. */
  get name(): string {
    return this.#memory.name;
  }

  /** The number of its bytes. */
  get size(): number {
    return this.#memory.size;
  }

  /**
   * The bytes.
   *
   * @throws {Error} This handle is closed.
   */
  get buf(): Uint8Array<ArrayBuffer> {
    if (this.#buf === undefined) {
      throw new Error(`Cannot use the shared memory ${show(this.name)}: it is closed`);
    }
    return this.#buf;
  }

  /**
   * Ends the use of the memory by this handle: views of its buffer have length 0 from now on. The
   * memory and its name stay. A second call does nothing.
   */
  close(): void {
    if (this.#buf === undefined) return;
    this.#buf = undefined;
    unmapNamed(this.#memory);
    // Another handle took the name away: nobody needs the creator's hold any more.
    if (isUnlinked(this.#memory)) unlinkNamed(this.#memory);
  }

  /**
   * Takes the name away, for all, and with it the memory when the last who has it open closes it. A
   * second call does nothing.
   */
  unlink(): void {
    if (!this.#isNamed) return;
    this.#isNamed = false;
    unlinkNamed(this.#memory);
  }

  /** Closes this handle; that of the creator takes the name away too. */
  [Symbol.dispose](): void {
    if (this.#isCreator) this.unlink();
    this.close();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [this.name, `${this.size} bytes`, this.#buf === undefined ? "closed" : ""],
    );
  }

  /** @ignore */
  [SHARE](_world: World, place: () => string): SentMemory {
    const { name, id, place: { pid, fd } } = this.#memory;
    if (this.#buf === undefined || !this.#isNamed) {
      const why = this.#buf === undefined ? "closed" : "unlinked";
      throw new ShareError(
        `Cannot share ${place()}: the shared memory ${show(name)} is ${why}`,
        place(),
      );
    }
    if (!receiverMaps()) {
      throw new ShareError(
        `Cannot share ${place()}: shared memory needs --allow-ffi in the child; give it that permission`,
        place(),
      );
    }
    return { name, id, pid, fd };
  }
}

function open(options: SharedMemoryOptions): NamedMemory {
  const action = "open shared memory";
  if (options === undefined || options === null) {
    throw new TypeError(`Cannot ${action}: options must be an object, received ${options}`);
  }
  checkOptions(options, action);
  const { name, create, size } = options;
  checkName(name, action);
  checkBoolean(create, "create", action);
  if (create !== true) {
    if (name === undefined) {
      throw new TypeError(`Cannot ${action}: name must be a string, received undefined`);
    }
    const memory = openNamed(name);
    if (memory !== undefined) return memory;
    throw new Deno.errors.NotFound(`Cannot ${action}: there is none of the name ${show(name)}`);
  }
  checkInteger(size, 1, "size", "create shared memory");
  const chosen = name ?? `psm_${crypto.randomUUID().slice(0, 13)}`;
  const memory = createNamed(chosen, size, name === undefined);
  if (memory !== undefined) return memory;
  throw new Deno.errors.AlreadyExists(
    `Cannot create shared memory: there is one of the name ${show(name)} already`,
  );
}

function checkName(name: unknown, action: string): void {
  checkString(name, "name", action);
  if (name === undefined) return;
  const bytes = new TextEncoder().encode(name as string).length;
  if (bytes < 1 || bytes > NAME_BYTES || /[\0\n/]/.test(name as string)) {
    throw new RangeError(
      `Cannot ${action}: name must have 1 to ${NAME_BYTES} bytes, none of them a slash, a line break ` +
        `or NUL, received ${show(name)}`,
    );
  }
}

/** Opens the memory that a handle elsewhere stands for. */
export function restoreMemory(sent: unknown): SharedMemory {
  const shape = { name: "string", id: "string", pid: "number", fd: "number" } as const;
  const state = checkState<SentMemory>(sent, "shared memory", shape);
  const memory = openSent(state);
  if (memory !== undefined) return new SharedMemory({ [OPENED]: memory });
  const { name } = state;
  throw new Deno.errors.NotFound(
    `Cannot open shared memory: ${show(name)} is gone, or its creator has ended`,
  );
}

shareable(import.meta, "SharedMemory", SharedMemory, restoreMemory);
