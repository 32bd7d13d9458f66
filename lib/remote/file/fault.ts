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

/** SQLite's primary result codes, and the text of each: not every error brings its code. */
const KINDS: [code: number, text: RegExp, kind: FaultKind][] = [
  [5, /database is locked/, "locked"],
  [6, /database table is locked/, "locked"],
  [8, /readonly database/, "lasting"],
  [10, /disk I\/O error/, "io"],
  [11, /disk image is malformed/, "lasting"],
  [13, /disk is full/, "full"],
  [14, /unable to open database/, "lasting"],
  [26, /file is not a database/, "lasting"],
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

/** What an error means. */
export function kindOfFault(error: unknown): FaultKind {
  if (error instanceof FileFault) return "lasting";
  const code = (error as { errcode?: number }).errcode;
  const text = messageOf(error);
  const found = KINDS.find(([known, pattern]) =>
    code === undefined ? pattern.test(text) : (code & 0xff) === known
  );
  return found?.[2] ?? "own";
}
