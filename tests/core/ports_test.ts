/**
 * Messages that a blocked thread takes.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { post, take } from "../../lib/core/ports.ts";

const BYTES = 4_000_000;

/** The least time of a few calls, in ms. */
function quickest(fn: () => void): number {
  return Math.min(...Array.from({ length: 3 }, () => {
    const began = performance.now();
    fn();
    return performance.now() - began;
  }));
}

Deno.test("take() gives what post() has sent, and undefined when nothing is there", () => {
  const { port1, port2 } = new MessageChannel();
  try {
    const other = new MessageChannel();
    post(port1, { list: [1, "two"] });
    post(port1, other.port1, [other.port1]);
    post(port1, undefined);
    assertEquals(take(port2), { list: [1, "two"] });
    const port = take(port2);
    assert(port instanceof MessagePort);
    port.close();
    other.port2.close();
    assertEquals(take(port2), undefined);
    assertEquals(take(port2), undefined);
  } finally {
    port1.close();
    port2.close();
  }
});

Deno.test("take() refuses an object that post() has not sent", () => {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage({ bytes: new Uint8Array(1) });
    assertThrows(() => take(port2), Error, "post()");
    port1.postMessage(true);
    assertEquals(take(port2), true);
  } finally {
    port1.close();
  }
});

for (
  const [what, value] of Object.entries({
    "a typed array": new Uint8Array(BYTES),
    "a typed array within": { parts: [{ bytes: new Float64Array(BYTES / 8) }] },
    "a buffer": new ArrayBuffer(BYTES),
    "text": "x".repeat(BYTES),
  })
) {
  // Without its Set a typed array would take 200 times as long.
  Deno.test(`take() gives ${what} of 4 MB in the time that copies take`, () => {
    const { port1, port2 } = new MessageChannel();
    try {
      const copies = quickest(() => structuredClone(value));
      let taken = Infinity;
      // On a busy machine one of many is quick, and of what is slow none.
      for (let round = 0; round < 10 && taken >= 20 * copies + 20; round++) {
        taken = Math.min(taken, quickest(() => (post(port1, value), take(port2))));
      }
      assert(taken < 20 * copies + 20, `${taken} ms, where a copy takes ${copies}`);
    } finally {
      port1.close();
    }
  });
}
