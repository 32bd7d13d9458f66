import { assertEquals } from "@std/assert";
import { createCipheriv } from "node:crypto";
import { deriveKey, KEY_BYTES, Seal, TAG_BYTES } from "../../lib/core/seal.ts";

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** The same message sealed by another implementation. */
function sealedByNode(key: Uint8Array, side: number, number: number, message: Uint8Array) {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, side, true);
  view.setUint32(4, number, true);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  const body = [...cipher.update(message), ...cipher.final()];
  return new Uint8Array([...body, ...cipher.getAuthTag()]);
}

Deno.test("Seal is ChaCha20-Poly1305: it seals as another implementation does, at every length", () => {
  for (let length = 0; length < 400; length++) {
    const key = random(32);
    const side = (length & 1) as 0 | 1;
    const seal = new Seal(key, side);
    for (let number = 0; number < 3; number++) {
      // Extreme words find a carry that random ones seldom make.
      const message = number === 2 ? new Uint8Array(length).fill(0xff) : random(length);
      assertEquals(seal.close(message), sealedByNode(key, side, number, message));
    }
  }
  const message = Uint8Array.from({ length: 200_001 }, (_, k) => k * k >>> 3);
  const key = random(32);
  assertEquals(new Seal(key, 1).close(message), sealedByNode(key, 1, 0, message));
});

Deno.test("Seal seals a key and message of ones, where every carry runs through", () => {
  const key = new Uint8Array(32).fill(0xff);
  for (const length of [16, 32, 63, 64, 65, 1024]) {
    const message = new Uint8Array(length).fill(0xff);
    assertEquals(new Seal(key, 0).close(message), sealedByNode(key, 0, 0, message));
  }
});

Deno.test("Seal opens what the other side closed, in its order", () => {
  const key = random(32);
  const [mine, theirs] = [new Seal(key, 0), new Seal(key, 0)];
  for (let length = 0; length < 200; length++) {
    const message = random(length);
    assertEquals(theirs.open(mine.close(message)), message);
  }
});

Deno.test("Seal does not open what was altered, left out, repeated, turned round or sealed by others", () => {
  const key = random(32);
  const messages = [random(40), random(40)];
  const closing = new Seal(key, 0);
  const [first, second] = messages.map((message) => closing.close(message));
  const opening = new Seal(key, 0);
  for (let at = 0; at < first!.length; at++) {
    const altered = first!.slice();
    altered[at] = altered[at]! ^ 1 << at % 8;
    assertEquals(opening.open(altered), undefined);
  }
  assertEquals(opening.open(first!.subarray(1)), undefined);
  assertEquals(opening.open(new Uint8Array(0)), undefined);
  assertEquals(opening.open(second!), undefined);
  assertEquals(new Seal(key, 1).open(first!), undefined);
  assertEquals(new Seal(random(32), 0).open(first!), undefined);
  assertEquals(opening.open(first!), messages[0]);
  assertEquals(opening.open(first!), undefined);
  assertEquals(opening.open(second!), messages[1]);
});

Deno.test("deriveKey() gives the cipher's first block, another for each number and use", () => {
  // RFC 8439, A.1, test vector 1.
  assertEquals(
    deriveKey(new Uint8Array(KEY_BYTES), 0, 0).toHex(),
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7",
  );
  const key = new Uint8Array(KEY_BYTES).fill(7);
  const keys = [2, 3].flatMap((use) =>
    [1, 2, 3, 2 ** 31, 2 ** 32 - 1].map((number) => deriveKey(key, number, use).toHex())
  );
  assertEquals(new Set(keys).size, 10);
});

Deno.test("Seal opens none of 100,000 messages that were altered, and the true one after each", () => {
  const key = random(KEY_BYTES);
  const opening = new Seal(key, 0);
  const message = random(40);
  const sealed = new Seal(key, 0).close(message);
  for (let k = 0; k < 100_000; k++) {
    // One to three bits, a cut, or an end of its own.
    const [a, b, c] = crypto.getRandomValues(new Uint32Array(3)) as unknown as [
      number,
      number,
      number,
    ];
    let altered = sealed.slice(0, k % 4 === 0 ? a % sealed.length : sealed.length);
    if (k % 4 === 1) altered = new Uint8Array([...sealed, ...random(1 + a % 20)]);
    if (k % 4 >= 2) altered[a % sealed.length]! ^= 1 << b % 8;
    if (k % 4 === 3) altered[c % sealed.length]! ^= 1 << a % 7;
    if (altered.length === sealed.length && altered.every((byte, n) => byte === sealed[n])) {
      continue;
    }
    assertEquals(opening.open(altered) === undefined, true);
  }
  assertEquals(opening.open(sealed), message);
});
