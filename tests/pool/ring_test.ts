/**
 * The ring through which threads of a pool speak: nothing is lost, changed or reordered, whatever the sizes of records
 * and wherever its positions are.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { HEAD } from "../../lib/pool/frames.ts";
import { Span } from "../../lib/pool/payload.ts";
import { Ring, RING_WORDS } from "../../lib/pool/ring.ts";

const CAPACITY = 1 << 10;
/** Where the words of its two positions are. */
const TAIL = 0;
const FRONT = 16;

function makeRing(position: number): Ring {
  const memory = new SharedArrayBuffer(RING_WORDS * 4 + CAPACITY);
  const words = new Int32Array(memory);
  words[TAIL] = words[FRONT] = position;
  return new Ring(memory, 0, RING_WORDS * 4, CAPACITY);
}

/** A value of `length` bytes, each `k`, in the midst of others. */
function valueOf(k: number, length: number): Span {
  const bytes = new Uint8Array(length + 8).fill(k & 0xff);
  return new Span(bytes, 4, length);
}

for (const [where, position] of Object.entries({ "0": 0, "2^31": 2 ** 31 - 96, "2^32": -96 })) {
  Deno.test(`Ring keeps records of every size in order, its positions near ${where} [pool]`, () => {
    const ring = makeRing(position);
    const into = new Uint8Array(CAPACITY);
    const heads = new Int32Array(into.buffer);
    let pushed = 0;
    let shifted = 0;
    let full = 0;
    while (shifted < 5000) {
      const length = pushed * 37 % 300;
      if (
        pushed - shifted < 7 && ring.push(9, pushed, 2 ** 32 - 1, -pushed, valueOf(pushed, length))
      ) {
        pushed++;
        continue;
      }
      if (pushed - shifted < 7) full++;
      const size = ring.shift(into);
      const expected = shifted * 37 % 300;
      assertEquals(size, HEAD + expected);
      assertEquals([heads[0], heads[1], heads[2]! >>> 0, heads[3]], [
        9,
        shifted,
        2 ** 32 - 1,
        -shifted,
      ]);
      assertEquals(heads[4], expected);
      assert(into.subarray(HEAD, size).every((byte) => byte === (shifted & 0xff)));
      shifted++;
    }
    assert(full > 0, "it was never full");
    while (ring.shift(into) >= 0) shifted++;
    assertEquals(shifted, pushed);
  });
}

Deno.test("Ring takes nothing that is larger than itself [pool]", () => {
  const ring = makeRing(0);
  assertEquals(ring.push(1, 1, 1, 1, valueOf(1, CAPACITY)), false);
  assertEquals(ring.shift(new Uint8Array(CAPACITY)), -1);
});
