/**
 * Cells of shared memory, in blocks, in which frames lie as nodes of a tree (`pile.ts`).
 *
 * They are used by changes that count as a whole or not at all: a {@linkcode Change} takes free
 * cells and says which will be free after it, and only its owner's store makes that true. Whether a
 * cell is free is said by a word in it that is used for nothing else, and what a cell in use holds
 * is left as it is. So one who is killed in the midst of a change has changed nothing; blocks that
 * it had just taken are lost to the family.
 *
 * | | words |
 * | --- | --- |
 * | a node | `NEXT NEXT_FREE LEFT RIGHT RANK NUMBER LENGTH KEY`, and the first bytes of its frame |
 * | a cell behind it | `NEXT NEXT_FREE`, and further bytes |
 * | a block of cells | the block that was taken before it, and 15 words of nothing; cells |
 * | a block of a long frame | the next such block, and a word of nothing; bytes |
 *
 * @module
 */
import { BLOCK_WORDS, type Blocks } from "../../memory/blocks.ts";

/** The words of a cell. */
const CELL = 16;
/** The next cell of a frame, or 0; in the node of a long frame its first block, negative. */
const NEXT = 0;
/** The next free cell; nothing else is ever written here. */
const NEXT_FREE = 1;
const CELL_HEAD = 2;
/** The node below a node on either side, or 0. */
export const LEFT = 2;
export const RIGHT = 3;
/** The length of a node's way to the right, in nodes. */
export const RANK = 4;
/** The number of a node's put. */
export const NUMBER = 5;
/** The length of a node's frame, in bytes. */
export const LENGTH = 6;
/** The number of bytes, from the frame's beginning on, that its key is read from. */
export const KEY = 7;
const NODE_HEAD = 8;
/** A frame of more bytes is in blocks of its own. */
const LONG = 1 << 16;
/** The words of a block before the bytes in it, which are aligned so: they are copied faster. */
const BLOCK_HEAD = 2;
/** The bytes of a frame that fit in a block. */
const BLOCK_ROOM = BLOCK_WORDS - BLOCK_HEAD << 2;

/** Thrown where memory is short. */
export const NO_MEMORY: unique symbol = Symbol("no memory");

/** A change that is being made. */
export class Change {
  /** The first word that was never used, in the newest block; 0 where there is no block. */
  unused: number;
  readonly #blocks: Blocks;
  readonly #cells: Int32Array<ArrayBufferLike>;
  #free: number;
  /** The nodes that were made for it. */
  readonly #fresh = new Set<number>();
  /** The cells and the blocks that are free after it. */
  #freed: number[] = [];
  readonly #freedBlocks: number[] = [];
  /** The blocks that were taken for it. */
  readonly #taken: number[] = [];

  /** Begins a change; `free` is the first free cell, or 0. */
  constructor(blocks: Blocks, free: number, unused: number) {
    this.#blocks = blocks;
    this.#cells = blocks.words;
    this.#free = free;
    this.unused = unused;
  }

  /**
   * Writes the first `length` bytes of a frame into a new node.
   *
   * @throws {typeof NO_MEMORY}
   */
  lay(frame: Uint8Array, length: number): number {
    const node = this.#take();
    this.#fresh.add(node);
    if (length > LONG) this.#layBlocks(node, frame, length);
    else this.#layCells(node, frame, length);
    this.#cells[node + LENGTH] = length;
    return node;
  }

  /** A node that may be changed: one of this change's own, or a copy. */
  own(node: number): number {
    if (this.#fresh.has(node)) return node;
    const cells = this.#cells;
    const copy = this.#take();
    for (let k = 0; k < CELL; k++) if (k !== NEXT_FREE) cells[copy + k] = cells[node + k]!;
    this.#fresh.add(copy);
    this.#freed.push(node);
    return copy;
  }

  /** Has a node be free after this, and what is behind it. */
  release(node: number): void {
    const cells = this.#cells;
    for (let cell = node; cell > 0; cell = cells[cell + NEXT]!) this.#freed.push(cell);
    for (let block = -cells[node + NEXT]!; block > 0; block = cells[block]!) {
      this.#freedBlocks.push(block);
    }
  }

  /** Has all cells be free after this; their blocks are given back, but for the oldest. */
  clear(): void {
    const cells = this.#cells;
    let block = this.unused - 1 & ~(BLOCK_WORDS - 1);
    for (let older = cells[block]!; older !== 0; older = cells[block]!) {
      this.#freedBlocks.push(block);
      block = older;
    }
    this.unused = block + CELL;
    this.#free = 0;
    this.#freed = [];
  }

  /** Links the cells that will be free; gives the first of them. */
  linkFree(): number {
    const cells = this.#cells;
    let free = this.#free;
    for (const cell of this.#freed) {
      cells[cell + NEXT_FREE] = free;
      free = cell;
    }
    return free;
  }

  /** To be called when it counts. */
  done(): void {
    for (const block of this.#freedBlocks) this.#blocks.give(block);
  }

  /** To be called when it does not. */
  undo(): void {
    for (const block of this.#taken) this.#blocks.give(block);
  }

  #take(): number {
    const cells = this.#cells;
    const free = this.#free;
    if (free !== 0) {
      this.#free = cells[free + NEXT_FREE]!;
      return free;
    }
    if ((this.unused & BLOCK_WORDS - 1) === 0) {
      const block = this.#takeBlock();
      cells[block] = this.unused === 0 ? 0 : this.unused - BLOCK_WORDS;
      this.unused = block + CELL;
    }
    const cell = this.unused;
    this.unused += CELL;
    return cell;
  }

  #takeBlock(): number {
    const block = this.#blocks.take();
    if (block === 0) throw NO_MEMORY;
    this.#taken.push(block);
    return block;
  }

  #layCells(node: number, frame: Uint8Array, length: number): void {
    const cells = this.#cells;
    const { bytes } = this.#blocks;
    let cell = node;
    let head = NODE_HEAD;
    for (let done = 0;;) {
      const part = Math.min(CELL - head << 2, length - done);
      const at = cell + head << 2;
      for (let k = 0; k < part; k++) bytes[at + k] = frame[done + k]!;
      done += part;
      if (done === length) break;
      const next = this.#take();
      cells[cell + NEXT] = next;
      cell = next;
      head = CELL_HEAD;
    }
    cells[cell + NEXT] = 0;
  }

  #layBlocks(node: number, frame: Uint8Array, length: number): void {
    const cells = this.#cells;
    let last = 0;
    for (let done = 0; done < length; done += BLOCK_ROOM) {
      const block = this.#takeBlock();
      const part = frame.subarray(done, Math.min(done + BLOCK_ROOM, length));
      this.#blocks.bytes.set(part, block + BLOCK_HEAD << 2);
      if (last === 0) cells[node + NEXT] = -block;
      else cells[last] = block;
      last = block;
    }
    cells[last] = 0;
  }
}

/** The first `length` bytes of a node's frame. */
export function readNode(
  { words: cells, bytes }: Blocks,
  node: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  if (cells[node + NEXT]! < 0) {
    let block = -cells[node + NEXT]!;
    for (let done = 0; done < length; done += BLOCK_ROOM) {
      const from = block + BLOCK_HEAD << 2;
      whole.set(bytes.subarray(from, from + Math.min(BLOCK_ROOM, length - done)), done);
      block = cells[block]!;
    }
    return whole;
  }
  let cell = node;
  let head = NODE_HEAD;
  for (let done = 0;;) {
    const part = Math.min(CELL - head << 2, length - done);
    const at = cell + head << 2;
    for (let k = 0; k < part; k++) whole[done + k] = bytes[at + k]!;
    done += part;
    if (done === length) return whole;
    cell = cells[cell + NEXT]!;
    head = CELL_HEAD;
  }
}
