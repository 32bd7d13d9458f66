/**
 * The ring through which threads of a pool speak: nothing is lost, changed or reordered, whatever
 * the sizes of records and wherever its positions are.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  BadFrame,
  FrameWriter,
  HEAD,
  readFrames,
  ReplyHead,
} from "../../lib/pool/transport/frames.ts";
import { Span } from "../../lib/pool/payload.ts";
import { Ring, RING_WORDS } from "../../lib/pool/transport/ring.ts";
import { randoms } from "../_help/random.ts";
import { withoutStacks } from "../_help/stacks.ts";

const CAPACITY = 1 << 10;
/** Where the words of its two positions are. */
const TAIL = 0;
const FRONT = 16;

function makeRing(position: number): Ring {
  const memory = new SharedArrayBuffer(RING_WORDS * 4 + CAPACITY);
  const words = new Int32Array(memory);
  words[TAIL] = words[FRONT] = position;
  return new Ring(new Int32Array(memory), 0, RING_WORDS, CAPACITY);
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
      const head = new ReplyHead({ kind: 9, id: pushed, micros: 2 ** 32 - 1, items: -pushed });
      if (pushed - shifted < 7 && ring.push(head, valueOf(pushed, length))) {
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
  const head = new ReplyHead({ kind: 1, id: 1, micros: 1, items: 1 });
  assertEquals(ring.push(head, valueOf(1, CAPACITY)), false);
  assertEquals(ring.shift(new Uint8Array(CAPACITY)), -1);
});

const FORGED = [-(2 ** 31), -77, -2, -1, 0, 1, 19, 20, 21, CAPACITY, 1 << 20, 2 ** 31 - 1];

Deno.test("Ring gives a record or a BadFrame for 100,000 spoilt memories [pool]", async () => {
  const random = randoms(Date.now() % 1_000_000);
  const memory = new SharedArrayBuffer(RING_WORDS * 4 + CAPACITY);
  const words = new Int32Array(memory);
  const into = new Uint8Array(CAPACITY);
  let bad = 0;
  await withoutStacks(() => {
    for (let k = 0; k < 100_000; k++) {
      words[TAIL] = words[FRONT] = random(CAPACITY) & ~3;
      const ring = new Ring(new Int32Array(memory), 0, RING_WORDS, CAPACITY);
      ring.push(new ReplyHead({ kind: 9, id: k }), valueOf(k, random(300)));
      // What a thread's code can reach: lengths, and both positions.
      const at = RING_WORDS + random(CAPACITY >> 2);
      words[random(2) === 0 ? at : RING_WORDS + ((words[FRONT]! & CAPACITY - 1) >> 2)] =
        FORGED[random(12)]!;
      if (random(4) === 0) words[[TAIL, FRONT][random(2)]!] = FORGED[random(12)]! & ~3;
      try {
        const length = ring.shift(into);
        assert(length === -1 || length >= HEAD && length <= CAPACITY, `${length}`);
      } catch (error) {
        if (!(error instanceof BadFrame)) throw error;
        bad++;
      }
    }
  });
  assert(bad > 10_000 && bad < 100_000, `${bad}`);
});

Deno.test("readFrames() gives frames or a BadFrame for 100,000 forged messages [pool]", async () => {
  const random = randoms(Date.now() % 1_000_000);
  let bad = 0;
  let good = 0;
  await withoutStacks(() => {
    for (let k = 0; k < 100_000; k++) {
      const writer = new FrameWriter();
      for (let n = random(4); n >= 0; n--) {
        const value = random(4) === 0 ? undefined : valueOf(n, random(90));
        const kind = 1 + random(12);
        writer.add(
          new ReplyHead({ kind, id: k, micros: random(2 ** 31), items: random(100) }),
          value,
        );
      }
      let message: Uint8Array = writer.take();
      const words = new Int32Array(message.buffer, 0, message.length >> 2);
      if (random(2) === 0) words[random(words.length)] = FORGED[random(12)]!;
      if (random(4) === 0) message = message.subarray(random(8), message.length - random(30));
      let size = 0;
      try {
        readFrames(message, new ReplyHead(), ({ micros }, value) => {
          size += HEAD + (value?.length ?? 0);
          assert(micros >= 0 && (value === undefined || value.buffer.byteLength <= 1 << 13));
        });
        good++;
      } catch (error) {
        if (!(error instanceof BadFrame)) throw error;
        bad++;
      }
      assert(size <= message.length, `${size} of ${message.length}`);
    }
  });
  assert(bad > 10_000 && good > 10_000, `${bad} and ${good}`);
});
