/**
 * A queue as it is in the file. What is read may have been written by anybody, so it is checked.
 *
 * @module
 */
import type { QueueSpec } from "../broker.ts";
import type { TableRow } from "./database.ts";
import { FileFault } from "./fault.ts";
import { objectIn } from "./message.ts";

/** A queue in the file. */
export interface FileQueue {
  readonly id: number;
  /** What its name begins with. */
  readonly prefix: string;
  readonly spec: QueueSpec;
  /** When it is removed unless somebody uses it, in the system's time; null if it is not. */
  readonly due: number | null;
}

const NUMBERS = ["max", "ttl", "expires", "limit", "longest"];
const WORDS: Record<string, unknown[]> = {
  kind: ["plain", "counted"],
  overflow: ["reject", "drop", undefined],
  exclusive: [true, false, undefined],
};

/** The text of a queue's properties. */
export function specText(spec: QueueSpec): string {
  return JSON.stringify(spec);
}

/**
 * The queue of a row.
 *
 * @throws {FileFault} It is none.
 */
export function queueOf({ id, prefix, spec, due }: TableRow): FileQueue {
  return {
    id: Number(id),
    prefix: String(prefix),
    spec: parseSpec(spec),
    due: due === null ? null : Number(due),
  };
}

function parseSpec(text: unknown): QueueSpec {
  try {
    const spec = objectIn(text);
    const isWrong = [
      ...NUMBERS.map((key) => !["number", "undefined"].includes(typeof spec[key])),
      typeof spec.name !== "string",
      !["string", "undefined"].includes(typeof spec.deadTo),
      ...Object.entries(WORDS).map(([key, words]) => !words.includes(spec[key])),
    ].includes(true);
    if (isWrong) throw new TypeError("it is none");
    return spec as unknown as QueueSpec;
  } catch (cause) {
    const shown = JSON.stringify(String(text).slice(0, 80));
    throw new FileFault(`it is damaged: the properties of a queue are ${shown}`, { cause });
  }
}
