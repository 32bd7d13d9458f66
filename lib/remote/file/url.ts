/**
 * Where a queue in a file is: URLs as in `file:jobs.db`, `file:/var/lib/jobs.db?prefix=shop` or
 * `file:///var/lib/jobs.db`.
 *
 * What stands before the question mark is a path, relative to the current folder unless it begins
 * with a slash; in it `?` is written `%3F` and `%` is written `%25`. The whole form, which others
 * are given, is absolute: they may be in another folder.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { resolve } from "../../core/node.ts";

/** What a URL of a file says. */
export interface FileAddress {
  /** The absolute path. */
  path: string;
  /** What the names of all its queues begin with. */
  prefix: string;
  /** The same URL with the absolute path. */
  url: string;
  /** What may be shown of it. */
  place: string;
}

/** The host, which must be none; the path; the options. */
const PARTS = /^file:(?:\/\/([^/?]*)(?=\/))?([^?]*)(?:\?(.*))?$/is;
const DRIVE = /^\/[a-z]:/i;
const PREFIX = "sy";

/**
 * Reads a URL of a file.
 *
 * @throws {TypeError} It is none.
 * @throws {Deno.errors.NotCapable} It is relative, and the current folder may not be known.
 */
export function parseFileUrl(url: string): FileAddress {
  const fail = (reason: string) => new TypeError(`Cannot read the URL ${show(url)}: ${reason}`);
  const [, host = "", written, options] = PARTS.exec(url) ?? [];
  if (written === undefined || host !== "" && host.toLowerCase() !== "localhost") {
    throw fail("it must be as file:jobs.db, file:/folder/jobs.db or file:///folder/jobs.db");
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(written);
  } catch {
    throw fail("what follows a % must be two hexadecimal digits; a % itself is %25");
  }
  if (decoded === "" || /[/\\]$/.test(decoded)) throw fail("it must name a file");
  if (decoded.includes("\0")) throw fail("the path must not have a zero in it");
  const prefix = prefixOf(options, fail);
  const isDrive = Deno.build.os === "windows" && DRIVE.test(decoded);
  const path = resolve(isDrive ? decoded.slice(1) : decoded);
  const slashed = path.replaceAll("\\", "/").replace(/^(?!\/)/, "/");
  const more = prefix === PREFIX ? "" : `?prefix=${encodeURIComponent(prefix)}`;
  return {
    path,
    prefix,
    url: `file://${slashed.split("/").map(encodeURIComponent).join("/")}${more}`,
    place: `file:${path}`,
  };
}

function prefixOf(options: string | undefined, fail: (reason: string) => TypeError): string {
  const all = new URLSearchParams(options);
  for (const name of all.keys()) {
    if (name !== "prefix") throw fail(`its option is prefix, received ${show(name)}`);
  }
  const prefix = all.get("prefix") ?? PREFIX;
  if (prefix === "") throw fail("prefix must not be empty");
  return prefix;
}
