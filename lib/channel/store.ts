/**
 * The stores that a queue keeps its items in: a deque, a stack or a heap.
 *
 * @module
 */
import { type Item, open } from "./item.ts";
import { checkComparable, type Compare, compareNaturally } from "./natural_order.ts";

/** Items in the order in which they are given out; first in, first out, it is a `Deque`. */
export interface Store {
  /** Their number. */
  readonly length: number;
  /**
   * Puts an item in.
   *
   * @throws {unknown} What comparing it throws; it is not in then.
   */
  push(item: Item): void;
  /** Takes the next item out; there is one. */
  pop(): Item;
  /** The next item; there is one. */
  peek(): Item;
  /** Puts back items that were taken out, in the order in which they were. */
  putBack(items: Item[]): void;
}

/** Last in, first out. */
export class Stack implements Store {
  readonly #items: Item[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  pop(): Item {
    return this.#items.pop();
  }

  peek(): Item {
    return this.#items.at(-1);
  }

  putBack(back: Item[]): void {
    for (let k = back.length - 1; k >= 0; k--) this.#items.push(back[k]);
  }
}

interface Node {
  item: Item;
  value: unknown;
  order: number;
}

/** The least first; equal ones in the order of put. A binary heap. */
export class Heap implements Store {
  readonly #nodes: Node[] = [];
  readonly #compare: Compare;
  #orders = new WeakMap<object, number>();
  #puts = 0;

  constructor(compare: Compare = compareNaturally as Compare) {
    this.#compare = compare;
  }

  get length(): number {
    return this.#nodes.length;
  }

  push(item: Item): void {
    const value = open(item);
    const node = { item, value, order: ++this.#puts };
    if (this.#nodes.length === 0 && this.#compare === compareNaturally) checkComparable(value);
    // Every comparison of the way up is made before anything moves.
    this.#nodes.push(node);
    const path: number[] = [];
    try {
      for (let k = this.#nodes.length - 1; k > 0;) {
        const parent = (k - 1) >> 1;
        const above = this.#nodes[parent]!;
        if (this.#order(value, above.value) >= 0) break;
        path.push(parent);
        k = parent;
      }
    } catch (error) {
      this.#nodes.pop();
      throw error;
    }
    this.#lift(node, path);
  }

  #lift(node: Node, path: number[]): void {
    let k = this.#nodes.length - 1;
    for (const parent of path) {
      this.#nodes[k] = this.#nodes[parent]!;
      k = parent;
    }
    this.#nodes[k] = node;
  }

  pop(): Item {
    const nodes = this.#nodes;
    const first = nodes[0]!;
    const last = nodes.pop()!;
    if (nodes.length > 0) {
      let k = 0;
      for (;;) {
        let child = 2 * k + 1;
        if (child >= nodes.length) break;
        const right = nodes[child + 1];
        if (right !== undefined && this.#isBefore(right, nodes[child]!)) child++;
        if (!this.#isBefore(nodes[child]!, last)) break;
        nodes[k] = nodes[child]!;
        k = child;
      }
      nodes[k] = last;
    }
    if (typeof first.item === "object" && first.item !== null) {
      this.#orders.set(first.item, first.order);
    }
    return first.item;
  }

  peek(): Item {
    return this.#nodes[0]!.item;
  }

  putBack(back: Item[]): void {
    back.forEach((item, k) => {
      const known = typeof item === "object" && item !== null ? this.#orders.get(item) : undefined;
      // What is a primitive is like any other of its value: it only has to come before those.
      const node = { item, value: open(item), order: known ?? k - back.length };
      const path: number[] = [];
      this.#nodes.push(node);
      for (let k = this.#nodes.length - 1; k > 0;) {
        const parent = (k - 1) >> 1;
        if (!this.#isBefore(node, this.#nodes[parent]!)) break;
        path.push(parent);
        k = parent;
      }
      this.#lift(node, path);
    });
  }

  #order(a: unknown, b: unknown): number {
    return this.#compare(a as never, b as never);
  }

  /** In what was put in already, two that cannot be compared are given out in the order of put. */
  #isBefore(a: Node, b: Node): boolean {
    let order = 0;
    try {
      order = this.#order(a.value, b.value);
    } catch {
      // Not comparable.
    }
    return order < 0 || order === 0 && a.order < b.order;
  }
}
