/**
 * The stream of frames over blocks: frames of all lengths, at all places of a block.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { FrameStream, type Read, WHOLE } from "../../lib/channel/memory/frames.ts";
import { BLOCK_WORDS, Blocks } from "../../lib/memory/blocks.ts";
import { randoms } from "../_help/random.ts";

const BLOCK = BLOCK_WORDS * 4;

function streams(): [writer: FrameStream, reader: FrameStream, blocks: Blocks] {
  const header = new Int32Array(3);
  const blocks = new Blocks(new ArrayBuffer(32 * BLOCK), header, 0);
  return [new FrameStream(blocks, header, 2), new FrameStream(blocks, header, 2), blocks];
}

/** Puts a frame through; it comes as it was, aligned, and the reader is where the writer is. */
function pass(
  writer: FrameStream,
  reader: FrameStream,
  length: number,
  fill: boolean,
): void {
  const bytes = new Uint8Array(length).map((_, k) => k * 13 + length);
  const frame = fill
    ? (into: Uint8Array, start: number) => (into.set(bytes, start), length)
    : bytes;
  // Who writes in place may say more than it needs.
  const most = fill ? Math.min(WHOLE, length + 8) : length;
  assert(writer.write(writer.position, frame, most));
  const read: Read<Uint8Array> = (all, start, count) => {
    assertEquals([start % 8, count], [0, length]);
    return all.slice(start, start + count);
  };
  const before = reader.position;
  const got = reader.read(before, read);
  assert(got.every((byte, k) => byte === bytes[k]));
  assertEquals(reader.position, writer.position);
  assert(reader.position % 2 === 1 || reader.position % BLOCK_WORDS === 0);
  reader.free(before, reader.position);
}

Deno.test("FrameStream brings frames over that end near a block's end", () => {
  for (let gap = 0; gap < 40; gap++) {
    for (const next of [0, 1, 8, 100, WHOLE, WHOLE + 1, BLOCK, 3 * BLOCK + 5]) {
      const [writer, reader] = streams();
      // Too long for one block's first half: it begins where it stands.
      pass(writer, reader, BLOCK - 4 - gap, false);
      pass(writer, reader, next, false);
      pass(writer, reader, 5, true);
    }
  }
});

Deno.test("FrameStream brings frames over that fill a block exactly, and go on", () => {
  for (let gap = 0; gap < 40; gap += 4) {
    const [writer, reader] = streams();
    pass(writer, reader, 2 * BLOCK - 16 - gap, false);
    for (let k = 0; k < 4; k++) pass(writer, reader, 3 * BLOCK - 24 + k * 4, false);
    pass(writer, reader, 60_000, true);
  }
});

Deno.test("FrameStream brings random frames over, and gives its blocks back", () => {
  const random = randoms(5);
  const [writer, reader] = streams();
  for (let k = 0; k < 1_000; k++) {
    const length = random(4) === 0 ? random(2 * BLOCK) : random(300);
    pass(writer, reader, length, length + 8 < WHOLE && k % 2 === 0);
  }
});
