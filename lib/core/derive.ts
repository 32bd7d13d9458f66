/**
 * Keys out of a key: whoever has one makes any number of others, from which nobody finds the one or the others.
 *
 * It is the block function of ChaCha20 (RFC 8439), written out: WebCrypto only promises, and loading `node:crypto`
 * takes as long as a process takes to start.
 *
 * @module
 */

/** The bytes of a key. */
export const KEY_BYTES = 32;

/** Rotates a word to the left. */
function turn(word: number, by: number): number {
  return word << by | word >>> 32 - by;
}

function quarter(s: Int32Array, a: number, b: number, c: number, d: number): void {
  s[a] = s[a]! + s[b]!;
  s[d] = turn(s[d]! ^ s[a]!, 16);
  s[c] = s[c]! + s[d]!;
  s[b] = turn(s[b]! ^ s[c]!, 12);
  s[a] = s[a]! + s[b]!;
  s[d] = turn(s[d]! ^ s[a]!, 8);
  s[c] = s[c]! + s[d]!;
  s[b] = turn(s[b]! ^ s[c]!, 7);
}

/**
 * Makes a key out of a key.
 *
 * @param number Which: from 0 to 2^32 - 1.
 * @param use What for: keys of the same number and another use have nothing in common. From 0 to 2^32 - 1.
 */
export function deriveKey(key: Uint8Array, number: number, use: number): Uint8Array<ArrayBuffer> {
  const state = new Int32Array(16);
  state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  const view = new DataView(key.buffer, key.byteOffset, KEY_BYTES);
  for (let k = 0; k < 8; k++) state[4 + k] = view.getInt32(4 * k, true);
  state[13] = use;
  state[14] = number;
  const mixed = state.slice();
  for (let round = 0; round < 10; round++) {
    for (let k = 0; k < 4; k++) quarter(mixed, k, 4 + k, 8 + k, 12 + k);
    for (let k = 0; k < 4; k++) {
      quarter(mixed, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
    }
  }
  const out = new Uint8Array(KEY_BYTES);
  const words = new DataView(out.buffer);
  for (let k = 0; k < 8; k++) words.setInt32(4 * k, mixed[k]! + state[k]!, true);
  return out;
}

/** Compares without telling by its time how much is right. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let k = 0; k < a.length; k++) difference |= a[k]! ^ b[k]!;
  return difference === 0;
}
