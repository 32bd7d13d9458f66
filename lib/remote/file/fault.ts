/**
 * What SQLite says when it cannot do something, and what that means for those who wait.
 *
 *     locked     somebody else writes; it is tried again at once
 *     full       the disk is full; it is tried again, and takers and putters wait
 *     io         the disk, or the network in front of it, fails; the same, as if it were away
 *     lasting    trying again would not help: not a database, damaged, may not be written
 *     own        the fault of this one request
 *
 * @module
 */
import { messageOf } from "../../transfer/failure.ts";

/** What can be wrong. */
export type FaultKind = "locked" | "full" | "io" | "lasting" | "own";

/** One of SQLite's primary result codes. */
interface Fault {
  code: number;
  /** Its text, as not every error brings its code. */
  text: RegExp;
  kind: FaultKind;
  /** What it means for whoever reads it. */
  meaning: string;
}

const FAULTS: Fault[] = [
  { code: 5, text: /database is locked/, kind: "locked", meaning: "another program has it locked" },
  { code: 6, text: /table is locked/, kind: "locked", meaning: "another program has it locked" },
  { code: 8, text: /readonly database/, kind: "lasting", meaning: "it may not be written" },
  { code: 10, text: /disk I\/O error/, kind: "io", meaning: "its disk fails" },
  { code: 11, text: /image is malformed/, kind: "lasting", meaning: "it is damaged" },
  { code: 13, text: /disk is full/, kind: "full", meaning: "its disk is full" },
  { code: 14, text: /unable to open/, kind: "lasting", meaning: "it cannot be opened" },
  { code: 26, text: /not a database/, kind: "lasting", meaning: "it is none of ours" },
];

/** An error that trying again would not help against. */
export class FileFault extends Error {
  /** The class's name. */
  override name = "FileFault";
}

/** True if an error is one of SQLite, or of its binding, and not of what was asked for. */
export function isOfDatabase(error: unknown): boolean {
  return error instanceof FileFault ||
    error instanceof Error && /^ERR_/.test(String((error as { code?: unknown }).code));
}

function faultOf(error: unknown): Fault | undefined {
  const code = (error as { errcode?: number }).errcode;
  const text = messageOf(error);
  return FAULTS.find((known) =>
    code === undefined ? known.text.test(text) : (code & 0xff) === known.code
  );
}

/** What an error means. */
export function kindOfFault(error: unknown): FaultKind {
  return error instanceof FileFault ? "lasting" : faultOf(error)?.kind ?? "own";
}

/** What an error means, in words. */
export function reasonOf(error: unknown): string {
  const meaning = error instanceof FileFault ? undefined : faultOf(error)?.meaning;
  const text = messageOf(error);
  return meaning === undefined ? text : `${meaning} (${text})`;
}
