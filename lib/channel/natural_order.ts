/**
 * The order of items in a priority queue that is given no other.
 *
 * @module
 */

/** Compares two items: negative when `a` is to be given out first. */
export type Compare = (a: never, b: never) => number;

/**
 * Checks that an item has a place in the natural order.
 *
 * @throws {TypeError} It has none.
 */
export function checkComparable(value: unknown): void {
  compareNaturally(value, Array.isArray(value) ? [] : value);
}

/**
 * The order of numbers and bigints, strings, Dates, and arrays of them, element by element.
 *
 * @throws {TypeError} The two cannot be compared.
 */
export function compareNaturally(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    const shared = Math.min(a.length, b.length);
    for (let k = 0; k < shared; k++) {
      // As in Python: what is the same needs no order.
      const order = a[k] === b[k] ? 0 : compareNaturally(a[k], b[k]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  const [x, y] = [rank(a), rank(b)];
  if (x !== undefined && typeof x === typeof y || isNumeric(x) && isNumeric(y)) {
    return x! < y! ? -1 : x! > y! ? 1 : 0;
  }
  throw new TypeError(
    `Cannot put the item in the priority queue: ${kindOf(a)} and ${kindOf(b)} have no order; ` +
      "give compare, or put [priority, number, item]",
  );
}

function isNumeric(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

function rank(value: unknown): number | string | bigint | undefined {
  if (value instanceof Date) value = value.getTime();
  if (typeof value === "number") return Number.isNaN(value) ? undefined : value;
  return typeof value === "string" || typeof value === "bigint" ? value : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Number.isNaN(value)) return "NaN";
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value)
    ? "an array"
    : value instanceof Date
    ? "an invalid Date"
    : "an object";
}
