/**
 * Takes 12 MB of empty Maps from a child with fewer permissions, with a heap of 512 MB.
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { encode } from "../../lib/transfer/codec/codec.ts";
import { done, LEAST, say } from "./_forge.ts";

if (import.meta.main) {
  const count = 6_000_000;
  // A list of Maps, two bytes each, as the codec would write it.
  const head = encode(new Array(0), () => {
    throw new Error("plain data");
  }).subarray(0, 2);
  const length = [
    count & 0x7f | 0x80,
    count >> 7 & 0x7f | 0x80,
    count >> 14 & 0x7f | 0x80,
    count >> 21,
  ];
  const maps = new Uint8Array(2 * count);
  for (let k = 0; k < count; k++) maps[2 * k] = 0x14;
  const bytes = new Uint8Array([...head, ...length, ...new Uint8Array(0)].length + maps.length);
  bytes.set([...head, ...length]);
  bytes.set(maps, head.length + length.length);
  const child = new Process(say, { args: [[done(bytes)]], permissions: LEAST }).start();
  await child.result().catch((error) => console.log(error.name));
  await child.join();
}
