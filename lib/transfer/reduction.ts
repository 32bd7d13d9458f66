/**
 * The part that a packer leaves to its caller: whatever is not plain data.
 *
 * A function, a lock, an error, an instance of a user's class has no bytes of its own. It crosses
 * as a {@linkcode Reduction}: the module and the name by which the other side finds it, and a
 * `state` that is packed in its turn. {@linkcode Reduce} makes one while packing, {@linkcode
 * Revive} takes it back while unpacking. The packers know nothing else about these values, and this
 * module holds no code.
 *
 * @module
 */

/**
 * The way in which a value that is not plain data crosses.
 *
 * | kind | stands for | made by |
 * | --- | --- | --- |
 * | `share` | an object of ours that both sides use (a lock, a queue, …) | `finish()` alone |
 * | `target` | a function or class, known by its module and name | `finish()` alone |
 * | `instance` | an instance of a user's class, with its public fields | `shell()`, then `finish()` |
 * | `error` | an error with its message, cause and own fields | `shell()`, then `finish()` |
 */
export interface Reduction {
  kind: "share" | "target" | "instance" | "error";
  /** The URL of the module to import, or `""` for what needs no import (a built-in error class). */
  module: string;
  /** The name by which the module, or the built-ins, know it. */
  name: string;
  /**
   * Anything that the packer can take, other reductions and the value itself (a cycle) included.
   */
  state: unknown;
}

/**
 * From whom bytes came, or to whom they go: somebody who may do what this process may, or somebody
 * with fewer permissions. What comes from below names things, and brings none: it loads no module,
 * and no function of this process is among it. Whoever decodes says the level; a child's parent is
 * its equal.
 */
export type TrustLevel = "equal" | "below";

/**
 * Reduces one value (functions are objects here), or throws when it cannot cross. It is called once
 * per value, however often that value occurs. `place()` tells where in the whole the value stands,
 * as in `args[0].lock`; it is only true during the call. Packing something else meanwhile is
 * allowed.
 */
export type Reduce = (value: object | symbol, place: () => string) => Reduction;

/** Makes values out of reductions. The modules they name have been admitted before. */
export interface Revive {
  /** From whom the bytes are, which bounds what they may become. Default: an equal. */
  readonly level?: TrustLevel;
  /**
   * Makes the empty object that stands for an instance or an error before its state is known, so
   * that cycles through it can be tied; `undefined` for the kinds that `finish()` makes whole. A
   * cycle through a value without a shell cannot be unpacked.
   */
  shell(kind: Reduction["kind"], module: string, name: string): object | undefined;
  /**
   * Gives the value: for one with a shell the shell itself, filled, as that is what cycles within
   * the state have been tied to. The state is complete, apart from the objects around this value,
   * which are still being filled: keep them, don't look into them.
   */
  finish(
    kind: Reduction["kind"],
    module: string,
    name: string,
    state: unknown,
    shell: object | undefined,
  ): unknown;
}
