/**
 * A deque in an array: what was taken in front leaves room there, which is given back now and then.
 *
 * @module
 */

/** A deque: filled behind and emptied in front. */
export class Deque<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  /** The number of items. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item behind. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first item; there is one. */
  pop(): T {
    const items = this.#items;
    const item = items[this.#head] as T;
    items[this.#head++] = undefined;
    if (this.#head === items.length) {
      items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The first item; there is one. */
  peek(): T {
    return this.#items[this.#head] as T;
  }

  /** Puts items in front, in their order. */
  putBack(back: readonly T[]): void {
    if (back.length > this.#head) {
      this.#items = [...back, ...this.#items.slice(this.#head)];
      this.#head = 0;
      return;
    }
    // There is room where the last ones were taken.
    for (let k = back.length; k > 0;) this.#items[--this.#head] = back[--k];
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let k = this.#head; k < this.#items.length; k++) yield this.#items[k] as T;
  }
}
