/**
 * The messages between a process and its parent, as the codec carries them.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { decode, encode } from "../../transfer/codec/codec.ts";
import { bareError } from "../../transfer/failure.ts";
import { reducer, reviveFrom, revivePlain } from "../../transfer/reduce.ts";
import type { TrustLevel } from "../../transfer/reduction.ts";
import type { End, Job } from "../job.ts";
import type { WarmUpPlan } from "../warm_up.ts";
import type { ThisProcess } from "../context.ts";

/** The boot of a new process. Values are encoded by themselves: their modules come first. */
export interface ProcessBoot extends Job<Uint8Array> {
  type: "boot";
  /** Who it is. */
  me: ThisProcess;
  /** True if it lives on when its parent has died. */
  orphan: boolean;
  /** True if its parent's main thread started it, so that the kernel can watch that thread. */
  watched: boolean;
  /** Where the program's deno.json is, as its family has found it. */
  config: number;
  /** Where its family's shared memory is. */
  arena: string | undefined;
  /**
   * Where it leaves its end, when both may use FFI: a blocked parent can look there, and it need
   * not wait for a parent that reads no link.
   */
  box: string | undefined;
  /** Where it records, while a trace is on. */
  trace: unknown;
  /** True if its uncaught error is not printed. */
  quiet: boolean;
}

/**
 * The boot of a spare: it gets ready, says so by an empty frame, and is told the rest in another.
 */
export interface SpareBoot extends WarmUpPlan {
  type: "spare";
}

/** The messages of a process. */
export type FromProcess =
  | { type: "report"; value: Uint8Array }
  | { type: "boxed" }
  | End<Uint8Array>;

/** The messages of a child, each with its part that is bytes. */
const PARTS = { report: "value", done: "value", failed: "error", exit: "", boxed: "" } as const;

const reduce = reducer("process");

/** Encodes a message or a value. */
export function toBytes(value: unknown, root: string): Uint8Array {
  return encode(value, reduce, root);
}

/** Decodes a message or a value whose modules have been admitted. */
export function fromBytes(bytes: Uint8Array, level: TrustLevel = "equal"): unknown {
  return decode(bytes, reviveFrom(level));
}

/** Gives what a child said; it may have made up anything. */
export function readWord(bytes: Uint8Array): FromProcess {
  const word = decode(bytes, revivePlain) as Record<string, unknown> | undefined;
  const part = PARTS[word?.type as keyof typeof PARTS];
  if (part === undefined || part !== "" && !(word![part] instanceof Uint8Array)) {
    throw new TypeError(`Cannot read what a process says: ${show(word)} is no message`);
  }
  return word as unknown as FromProcess;
}

/** Encodes an error; one that holds what cannot cross goes as its message and stack. */
export function errorToBytes(error: unknown): Uint8Array {
  try {
    return toBytes(error, "error");
  } catch {
    return toBytes(bareError(error), "error");
  }
}
