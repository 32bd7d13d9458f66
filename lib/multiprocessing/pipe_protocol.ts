/**
 * The words between a broker of pipes and those who come to it: frames of `channel/socket/link.ts`,
 * of which the first byte says what it is.
 *
 * @module
 */

// What a guest says.
export const HELLO = 1;
export const SEND = 2;
export const WANT = 3;
export const UNWANT = 4;
export const BACK = 5;
export const ASK = 6;
export const ASK_NOW = 7;
export const UNASK = 8;
export const TICKET = 9;
export const REVOKE = 10;
export const BYE = 19;
export const RECEIVED = 20;
export const NEXT = 26;
// What a keeper says.
export const MARK = 21;
export const LOST = 22;
// What the broker says.
export const ITEM = 11;
export const TAKEN = 12;
export const BROKEN = 13;
export const DRAINED = 14;
export const READY = 15;
export const NOT_READY = 16;
export const UNWANTED = 17;
export const KEPT = 18;
export const WELCOME = 23;
export const REFUSED = 24;
export const SETTLED = 25;

const NOTHING = new Uint8Array();

/** A frame of a word and bytes. */
export function frameOf(word: number, bytes: Uint8Array = NOTHING): Uint8Array {
  const frame = new Uint8Array(1 + bytes.length);
  frame[0] = word;
  frame.set(bytes, 1);
  return frame;
}

/** A frame of a word and a number. */
export function numberFrame(word: number, number: number): Uint8Array {
  const frame = new Uint8Array(5);
  frame[0] = word;
  new DataView(frame.buffer).setUint32(1, number);
  return frame;
}

/** A frame of a word and a text. */
export function textFrame(word: number, text: string): Uint8Array {
  return frameOf(word, new TextEncoder().encode(text));
}

/** The number in a frame. */
export function numberIn(frame: Uint8Array): number {
  if (frame.length !== 5) throw new TypeError("Cannot read the pipe: a number must have 4 bytes");
  return new DataView(frame.buffer, frame.byteOffset).getUint32(1);
}

/** The text in a frame. */
export function textIn(frame: Uint8Array): string {
  return new TextDecoder().decode(frame.subarray(1));
}

const ITEM_HEAD = 6;

/** A frame with a message: its number, and whether somebody with fewer permissions has sent it. */
export function itemFrame(number: number, message: Uint8Array, isBelow: boolean): Uint8Array {
  const frame = new Uint8Array(ITEM_HEAD + message.length);
  frame[0] = ITEM;
  frame[1] = Number(isBelow);
  new DataView(frame.buffer).setUint32(2, number);
  frame.set(message, ITEM_HEAD);
  return frame;
}

/** The message in a frame. */
export function itemIn(frame: Uint8Array): [number, message: Uint8Array, isBelow: boolean] {
  if (frame.length < ITEM_HEAD) throw new TypeError("Cannot read the pipe: a message has no end");
  const number = new DataView(frame.buffer, frame.byteOffset).getUint32(2);
  return [number, frame.subarray(ITEM_HEAD), frame[1] !== 0];
}
