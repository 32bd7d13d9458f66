/**
 * Arguments and results as bytes, from one machine to another. They are what crosses to a process,
 * with each module under its name of `places.ts`; what is of one machine (locks, events, pipes)
 * does not cross, a `RemoteQueue` does.
 *
 * Bytes come from anybody who can write to the broker. So {@linkcode CallWire.forbidden} looks at
 * the modules that they name before they are decoded; and what a caller reads makes it import
 * nothing.
 *
 * @module
 */
import { ShareError } from "../../core/errors.ts";
import { decode, encode, modulesOf } from "../../transfer/codec/codec.ts";
import { bareError } from "../../transfer/failure.ts";
import { reducer, revive, reviveBelow } from "../../transfer/reduce.ts";
import type { Reduce, Reduction, Revive } from "../../transfer/reduction.ts";
import { kindOf } from "../../transfer/shareable.ts";
import { toLoad } from "../../transfer/task.ts";
import { MACHINE, ofBuiltin, type OfMachine, QUEUE } from "../wire.ts";
import type { Places } from "./places.ts";

const reduceProcess = reducer("process");

/** Makes a RemoteQueue from what came of one. */
export type RestoreQueue = (state: unknown) => unknown;

/** Writes and reads what goes between machines. */
export class CallWire {
  readonly #places: Places;
  readonly #reduce: Reduce;
  readonly #reviveArgs: Revive;
  readonly #reviveResult: Revive;
  #hasQueue = false;

  /** @param restore Makes a RemoteQueue; where there is none, none is taken. */
  constructor(places: Places, restore?: () => RestoreQueue | undefined) {
    this.#places = places;
    this.#reduce = (value, place) => this.#reduced(value, place);
    const make = (base: Revive): Revive => ({
      level: "below",
      shell: base.shell,
      finish: (kind, module, name, state, shell) => {
        if (kind === "share") {
          const restored = module === "" && name === QUEUE ? restore?.() : undefined;
          if (restored !== undefined) return restored(state);
          throw new TypeError(`Cannot take a ${name} from another machine`);
        }
        return base.finish(kind, this.#local(module), name, state, shell);
      },
    });
    this.#reviveArgs = make(revive);
    this.#reviveResult = make(reviveBelow);
  }

  #local(module: string): string {
    // One that is not to be found here costs an error its class, and an object its reading.
    return module === "" ? "" : this.#places.moduleOf(module) ?? module;
  }

  #reduced(value: object | symbol, place: () => string): Reduction {
    if (typeof value === "symbol") return reduceProcess(value, place);
    if (MACHINE in value) {
      this.#hasQueue = true;
      return { kind: "share", module: "", name: QUEUE, state: (value as OfMachine)[MACHINE]() };
    }
    const kind = kindOf(value);
    if (kind !== undefined) {
      const at = place();
      throw new ShareError(
        `Cannot share ${at}: a ${kind.name} stays on its machine; use a RemoteQueue`,
        at,
      );
    }
    const reduction = reduceProcess(value, place);
    if (reduction.module === "") return reduction;
    const name = this.#places.nameOf(reduction.module);
    if (name !== undefined) return { ...reduction, module: name };
    if (reduction.kind === "error") return ofBuiltin(value as Error, reduction.state as never);
    const at = place();
    throw new ShareError(
      `Cannot share ${at}: ${reduction.name} of ${
        reduction.module.slice(0, 200)
      } is not on other machines; put its module in the root, or send plain data`,
      at,
    );
  }

  /**
   * Writes a value down.
   *
   * @param root What errors call it.
   * @returns The bytes, and whether there is a RemoteQueue in them.
   * @throws {ShareError} Something in it cannot cross.
   */
  write(value: unknown, root: string): { body: Uint8Array<ArrayBuffer>; hasQueue: boolean } {
    this.#hasQueue = false;
    const body = encode(value, this.#reduce, root);
    return {
      // A part of something larger would be copied with all of that.
      body: body.length === body.buffer.byteLength ? body : body.slice(),
      hasQueue: this.#hasQueue,
    };
  }

  /** Writes an error down; of one that holds what cannot cross, what can be read of it. */
  writeError(error: unknown): Uint8Array<ArrayBuffer> {
    try {
      return this.write(error, "error").body;
    } catch {
      return this.write(bareError(error), "error").body;
    }
  }

  /**
   * The first name in the bytes of what may not be imported here, if there is one.
   *
   * @throws {Error} They are no value.
   */
  forbidden(body: Uint8Array<ArrayBuffer>): string | undefined {
    return modulesOf(body).find((name) => name !== "" && this.#places.moduleOf(name) === undefined);
  }

  /** The modules to be imported before arguments are read; all are allowed. */
  modules(body: Uint8Array<ArrayBuffer>): string[] {
    return modulesOf(body).filter((name) => name !== "").map((name) => this.#local(name));
  }

  /** Reads arguments, whose modules have been imported. */
  readArgs(body: Uint8Array<ArrayBuffer>): unknown {
    return decode(body, this.#reviveArgs);
  }

  /** What is to be loaded before a result is read: nothing that has not run here. */
  needs(body: Uint8Array<ArrayBuffer>): string[] {
    return toLoad(this.modules(body), "below");
  }

  /** Reads a result, an error or a report. It names things, and brings none. */
  readResult(body: Uint8Array<ArrayBuffer>): unknown {
    return decode(body, this.#reviveResult);
  }
}
