/**
 * The text by which objects show themselves: `console.log()` and `Deno.inspect()` ask each for its
 * text.
 *
 * @module
 */
import { show } from "./checks.ts";

/** The key of the method that Deno asks for an object's text. */
export const INSPECT: unique symbol = Symbol.for("Deno.customInspect");

/**
 * The text of an object: its class, and in parentheses what matters of it, as in `Lock(A, free)`.
 * It is one line, and never throws: a broken or unfinished object shows its class alone.
 *
 * @param of The object, whose own class is named, also a user's subclass; or a name.
 * @param parts Its name and state; what is undefined or empty is left out. It must not wait.
 */
export function shown(of: object | string, parts: () => unknown[]): string {
  let name = "Object";
  try {
    name = typeof of === "string" ? of : of.constructor.name || name;
    const text = parts().filter((part) => part !== undefined && part !== "").join(", ");
    const line = printable(text);
    return line === "" ? name : `${name}(${line})`;
  } catch {
    return name;
  }
}

/**
 * A text in one line, for a terminal: a line break or an escape in what somebody else has written
 * would spoil it, so such characters are shown as in a source.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => {
    const short = JSON.stringify(c).slice(1, -1);
    return short.length > 1 ? short : `\\x${c.charCodeAt(0).toString(16)}`;
  });
}

/** The filling of something, as in `2 of 3`; 0 is no limit. */
export function filled(size: number, most: number): string {
  return most > 0 ? `${size} of ${most}` : `${size}`;
}

/** The number of values of a list that are shown. */
const MOST_LISTED = 8;

/** The first values of a list, as in `[1, 2, 3]`. */
export function listed(length: number, at: (index: number) => unknown): string {
  const texts = Array.from({ length: Math.min(length, MOST_LISTED) }, (_, k) => show(at(k)));
  if (length > MOST_LISTED) texts.push(`${length - MOST_LISTED} more`);
  return `[${texts.join(", ")}]`;
}
