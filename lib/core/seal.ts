/**
 * Sealing bytes, so that only who has the key can read them, and nobody can alter them unseen:
 * ChaCha20-Poly1305, as RFC 8439 has it.
 *
 * It is written out here because `start()` must seal before it returns, and WebCrypto only
 * promises. `node:crypto` does not, but loading it takes 25 ms, as long as Deno itself takes to
 * start.
 *
 * @module
 */

/** The bytes of a key. */
export const KEY_BYTES = 32;
/** By how many bytes sealing lengthens. */
export const TAG_BYTES = 16;
/** The bytes of a block of the cipher. */
const BLOCK = 64;
/** Twice as many rounds are made: of columns, and of diagonals. */
const ROUNDS = 10;

// Words of the cipher's state: four that are fixed, eight of the key, then these.
const COUNT = 12;
const SIDE = 13;
const NUMBER = 14;

/**
 * One direction of a talk: what one side closes, the other opens in the same order. A message that
 * was altered, left out, repeated, or sealed by anybody else does not open.
 */
export class Seal {
  readonly #state: Uint32Array;
  /** The key of a message's tag: the cipher's first block. */
  readonly #once = new Uint32Array(16);

  /**
   * The direction from one of the two sides.
   *
   * @param key Made for this talk alone.
   * @param side Which of the two closes.
   */
  constructor(key: Uint8Array, side: 0 | 1) {
    this.#state = stateOf(key, side);
  }

  /** Seals the next message. */
  close(message: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = new Uint8Array(message.length + TAG_BYTES);
    sealed.set(message);
    this.#begin();
    encrypt(this.#state, sealed, message.length);
    writeTag(this.#once, sealed, message.length, sealed.subarray(message.length));
    this.#next();
    return sealed;
  }

  /** Opens the next message; undefined when this is not it. */
  open(sealed: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return undefined;
    const tag = new Uint8Array(TAG_BYTES);
    this.#begin();
    writeTag(this.#once, sealed, length, tag);
    if (!same(tag, sealed.subarray(length))) return undefined;
    const message = sealed.slice(0, length);
    encrypt(this.#state, message, length);
    this.#next();
    return message;
  }

  #begin(): void {
    this.#state[COUNT] = 0;
    mix(this.#state, this.#once);
  }

  #next(): void {
    const state = this.#state;
    state[NUMBER] = state[NUMBER]! + 1;
    if (state[NUMBER] === 0) state[NUMBER + 1] = state[NUMBER + 1]! + 1;
  }
}

/** The cipher's state before its first block. */
function stateOf(key: Uint8Array, side: number): Uint32Array {
  const state = new Uint32Array(16);
  state[0] = 0x61707865;
  state[1] = 0x3320646e;
  state[2] = 0x79622d32;
  state[3] = 0x6b206574;
  const view = new DataView(key.buffer, key.byteOffset, KEY_BYTES);
  for (let k = 0; k < 8; k++) state[4 + k] = view.getUint32(4 * k, true);
  state[SIDE] = side;
  return state;
}

/**
 * Makes a key out of a key: whoever has one makes any number of others, from which nobody finds the
 * one or the others.
 *
 * @param number Which: from 0 to 2^32 - 1.
 * @param use What for, from 2 on: 0 and 1 are the sides of a {@linkcode Seal}.
 */
export function deriveKey(key: Uint8Array, number: number, use: number): Uint8Array<ArrayBuffer> {
  const state = stateOf(key, use);
  state[NUMBER] = number;
  const block = new Uint32Array(16);
  mix(state, block);
  const derived = new Uint8Array(KEY_BYTES);
  const view = new DataView(derived.buffer);
  for (let k = 0; k < 8; k++) view.setUint32(4 * k, block[k]!, true);
  return derived;
}

/** Compares without telling by its time how much is right. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let k = 0; k < a.length; k++) difference |= a[k]! ^ b[k]!;
  return difference === 0;
}

/** Encrypts or decrypts the first `length` bytes in place, with the blocks after the first. */
function encrypt(state: Uint32Array, bytes: Uint8Array, length: number): void {
  const pad = new Uint32Array(16);
  const padBytes = new Uint8Array(pad.buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (; at + BLOCK <= length; at += BLOCK) {
    state[COUNT] = state[COUNT]! + 1;
    mix(state, pad);
    for (let k = 0; k < 16; k++) {
      const word = at + 4 * k;
      view.setInt32(word, view.getInt32(word, true) ^ pad[k]!, true);
    }
  }
  if (at === length) return;
  state[COUNT] = state[COUNT]! + 1;
  mix(state, pad);
  for (let k = 0; at < length; k++, at++) bytes[at] = bytes[at]! ^ padBytes[k]!;
}

/** The block function: mixes the state into 16 words that tell nothing of it. */
// deno-fmt-ignore: a table of quarter rounds; in variables, as in an array they take twice as long
function mix(s: Uint32Array, to: Uint32Array): void {
  let a0 = s[0]! | 0, a1 = s[1]! | 0, a2 = s[2]! | 0, a3 = s[3]! | 0;
  let b0 = s[4]! | 0, b1 = s[5]! | 0, b2 = s[6]! | 0, b3 = s[7]! | 0;
  let c0 = s[8]! | 0, c1 = s[9]! | 0, c2 = s[10]! | 0, c3 = s[11]! | 0;
  let d0 = s[12]! | 0, d1 = s[13]! | 0, d2 = s[14]! | 0, d3 = s[15]! | 0;
  for (let round = 0; round < ROUNDS; round++) {
    a0 = a0 + b0 | 0; d0 ^= a0; d0 = d0 << 16 | d0 >>> 16; c0 = c0 + d0 | 0; b0 ^= c0; b0 = b0 << 12 | b0 >>> 20;
    a0 = a0 + b0 | 0; d0 ^= a0; d0 = d0 << 8 | d0 >>> 24; c0 = c0 + d0 | 0; b0 ^= c0; b0 = b0 << 7 | b0 >>> 25;
    a1 = a1 + b1 | 0; d1 ^= a1; d1 = d1 << 16 | d1 >>> 16; c1 = c1 + d1 | 0; b1 ^= c1; b1 = b1 << 12 | b1 >>> 20;
    a1 = a1 + b1 | 0; d1 ^= a1; d1 = d1 << 8 | d1 >>> 24; c1 = c1 + d1 | 0; b1 ^= c1; b1 = b1 << 7 | b1 >>> 25;
    a2 = a2 + b2 | 0; d2 ^= a2; d2 = d2 << 16 | d2 >>> 16; c2 = c2 + d2 | 0; b2 ^= c2; b2 = b2 << 12 | b2 >>> 20;
    a2 = a2 + b2 | 0; d2 ^= a2; d2 = d2 << 8 | d2 >>> 24; c2 = c2 + d2 | 0; b2 ^= c2; b2 = b2 << 7 | b2 >>> 25;
    a3 = a3 + b3 | 0; d3 ^= a3; d3 = d3 << 16 | d3 >>> 16; c3 = c3 + d3 | 0; b3 ^= c3; b3 = b3 << 12 | b3 >>> 20;
    a3 = a3 + b3 | 0; d3 ^= a3; d3 = d3 << 8 | d3 >>> 24; c3 = c3 + d3 | 0; b3 ^= c3; b3 = b3 << 7 | b3 >>> 25;
    a0 = a0 + b1 | 0; d3 ^= a0; d3 = d3 << 16 | d3 >>> 16; c2 = c2 + d3 | 0; b1 ^= c2; b1 = b1 << 12 | b1 >>> 20;
    a0 = a0 + b1 | 0; d3 ^= a0; d3 = d3 << 8 | d3 >>> 24; c2 = c2 + d3 | 0; b1 ^= c2; b1 = b1 << 7 | b1 >>> 25;
    a1 = a1 + b2 | 0; d0 ^= a1; d0 = d0 << 16 | d0 >>> 16; c3 = c3 + d0 | 0; b2 ^= c3; b2 = b2 << 12 | b2 >>> 20;
    a1 = a1 + b2 | 0; d0 ^= a1; d0 = d0 << 8 | d0 >>> 24; c3 = c3 + d0 | 0; b2 ^= c3; b2 = b2 << 7 | b2 >>> 25;
    a2 = a2 + b3 | 0; d1 ^= a2; d1 = d1 << 16 | d1 >>> 16; c0 = c0 + d1 | 0; b3 ^= c0; b3 = b3 << 12 | b3 >>> 20;
    a2 = a2 + b3 | 0; d1 ^= a2; d1 = d1 << 8 | d1 >>> 24; c0 = c0 + d1 | 0; b3 ^= c0; b3 = b3 << 7 | b3 >>> 25;
    a3 = a3 + b0 | 0; d2 ^= a3; d2 = d2 << 16 | d2 >>> 16; c1 = c1 + d2 | 0; b0 ^= c1; b0 = b0 << 12 | b0 >>> 20;
    a3 = a3 + b0 | 0; d2 ^= a3; d2 = d2 << 8 | d2 >>> 24; c1 = c1 + d2 | 0; b0 ^= c1; b0 = b0 << 7 | b0 >>> 25;
  }
  to[0] = s[0]! + a0; to[1] = s[1]! + a1; to[2] = s[2]! + a2; to[3] = s[3]! + a3;
  to[4] = s[4]! + b0; to[5] = s[5]! + b1; to[6] = s[6]! + b2; to[7] = s[7]! + b3;
  to[8] = s[8]! + c0; to[9] = s[9]! + c1; to[10] = s[10]! + c2; to[11] = s[11]! + c3;
  to[12] = s[12]! + d0; to[13] = s[13]! + d1; to[14] = s[14]! + d2; to[15] = s[15]! + d3;
}

// Poly1305: the message is a polynomial over the prime 2^130 - 5, in six limbs of 22 bits. So sums
// of their products stay below 2^53, up to where numbers are exact.
const LIMB = 22;
const WIDTH = 1 << LIMB;
const MASK = WIDTH - 1;
/** The carry out of the last limb, 2^132, modulo the prime. */
const WRAP = 20;

/** Writes the tag of the first `length` bytes: of them, padded, and then of their number. */
function writeTag(once: Uint32Array, bytes: Uint8Array, length: number, tag: Uint8Array): void {
  const [a, b, c, d] = once;
  const r = new Float64Array(6);
  addWords(r, a! & 0x0fffffff, b! & 0x0ffffffc, c! & 0x0ffffffc, d! & 0x0ffffffc);
  const h = new Float64Array(6);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (; at + 16 <= length; at += 16) absorb(h, r, view, at);
  const last = new DataView(new ArrayBuffer(16));
  if (at < length) {
    for (let k = 0; at < length; k++, at++) last.setUint8(k, bytes[at]!);
    absorb(h, r, last, 0);
  }
  // No further data, and so many bytes.
  last.setBigUint64(0, 0n);
  last.setBigUint64(8, BigInt(length), true);
  absorb(h, r, last, 0);
  let sum = 0n;
  for (let k = 5; k >= 0; k--) sum = (sum << BigInt(LIMB)) + BigInt(h[k]!);
  sum %= (1n << 130n) - 5n;
  for (let k = 0; k < 4; k++) sum += BigInt(once[4 + k]!) << BigInt(32 * k);
  const out = new DataView(tag.buffer, tag.byteOffset, TAG_BYTES);
  out.setBigUint64(0, sum, true);
  out.setBigUint64(8, sum >> 64n, true);
}

function addWords(h: Float64Array, a: number, b: number, c: number, d: number): void {
  h[0] = h[0]! + (a & MASK);
  h[1] = h[1]! + ((a >>> 22 | b << 10) & MASK);
  h[2] = h[2]! + ((b >>> 12 | c << 20) & MASK);
  h[3] = h[3]! + (c >>> 2 & MASK);
  h[4] = h[4]! + ((c >>> 24 | d << 8) & MASK);
  h[5] = h[5]! + (d >>> 14);
}

/** Adds a block of 16 bytes and a 1 above it to `h`, and multiplies by `r`. */
// deno-fmt-ignore: a table of products
function absorb(h: Float64Array, r: Float64Array, view: DataView, at: number): void {
  addWords(
    h,
    view.getInt32(at, true), view.getInt32(at + 4, true), view.getInt32(at + 8, true), view.getInt32(at + 12, true),
  );
  const h0 = h[0]!, h1 = h[1]!, h2 = h[2]!, h3 = h[3]!, h4 = h[4]!, h5 = h[5]! + (1 << 18);
  const r0 = r[0]!, r1 = r[1]!, r2 = r[2]!, r3 = r[3]!, r4 = r[4]!, r5 = r[5]!;
  const w1 = r1 * WRAP, w2 = r2 * WRAP, w3 = r3 * WRAP, w4 = r4 * WRAP, w5 = r5 * WRAP;
  const p0 = h0 * r0 + h1 * w5 + h2 * w4 + h3 * w3 + h4 * w2 + h5 * w1;
  const p1 = h0 * r1 + h1 * r0 + h2 * w5 + h3 * w4 + h4 * w3 + h5 * w2;
  const p2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * w5 + h4 * w4 + h5 * w3;
  const p3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * w5 + h5 * w4;
  const p4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + h5 * w5;
  const p5 = h0 * r5 + h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1 + h5 * r0;
  let up = Math.floor(p0 / WIDTH);
  const n0 = p0 - up * WIDTH;
  const s1 = p1 + up; up = Math.floor(s1 / WIDTH); const n1 = s1 - up * WIDTH;
  const s2 = p2 + up; up = Math.floor(s2 / WIDTH); h[2] = s2 - up * WIDTH;
  const s3 = p3 + up; up = Math.floor(s3 / WIDTH); h[3] = s3 - up * WIDTH;
  const s4 = p4 + up; up = Math.floor(s4 / WIDTH); h[4] = s4 - up * WIDTH;
  const s5 = p5 + up; up = Math.floor(s5 / WIDTH); h[5] = s5 - up * WIDTH;
  const s0 = n0 + up * WRAP; up = Math.floor(s0 / WIDTH); h[0] = s0 - up * WIDTH;
  h[1] = n1 + up;
}
