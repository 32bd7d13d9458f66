import { assertEquals, assertRejects } from "@std/assert";
import { heldStream, takeUntil } from "../../lib/core/promises.ts";

function bytesOf(...chunks: number[][]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(chunks.map((chunk) => new Uint8Array(chunk)));
}

Deno.test("heldStream() gives the same bytes, to readers of either kind", async () => {
  const stream = heldStream(bytesOf([1, 2], [3]));
  assertEquals((await Array.fromAsync(stream)).map((chunk) => [...chunk]), [[1, 2], [3]]);
  const reader = heldStream(bytesOf([1, 2, 3])).getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(2));
  assertEquals([...first.value!], [1, 2]);
  const second = await reader.read(new Uint8Array(2));
  assertEquals([...second.value!], [3]);
  assertEquals((await reader.read(new Uint8Array(2))).done, true);
});

Deno.test("heldStream() that is cancelled cancels where its bytes come from, with the reason", async () => {
  let reason: unknown;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    cancel: (why) => void (reason = why),
  });
  await heldStream(source).cancel("enough");
  assertEquals(reason, "enough");
});

Deno.test("takeUntil() gives what comes, ends at an End, and passes other errors on", async () => {
  class End extends Error {}
  const taking = (last: Error) => {
    let k = 0;
    return takeUntil(() => ++k < 4 ? Promise.resolve(k) : Promise.reject(last), End);
  };
  assertEquals(await Array.fromAsync(taking(new End())), [1, 2, 3]);
  await assertRejects(() => Array.fromAsync(taking(new RangeError("no"))), RangeError, "no");
});
