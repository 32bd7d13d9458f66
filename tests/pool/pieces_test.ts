/**
 * Large values: in pieces between processes, whole between threads; and what is no piece of one.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Bulk, Deferred, readPayload, Span, writePayload } from "../../lib/pool/payload.ts";
import {
  BadFrame,
  BUFFERS_BESIDE,
  FrameWriter,
  NOTHING_BESIDE,
  OBJECT_BESIDE,
  readFrames,
  ReplyHead,
} from "../../lib/pool/transport/frames.ts";
import { Beside, piecesOf, type ReadPiece } from "../../lib/pool/transport/pieces.ts";
import { randoms } from "../_help/random.ts";
import { echo, sleep } from "./_targets.ts";
import { test } from "./_world.ts";

const MIB = 2 ** 20;

/** Bytes of which no two pieces are the same. */
function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, k) => k * 31 + (k >> 11));
}

function reader(piece: Uint8Array): ReadPiece {
  return (into) => {
    into.set(piece);
    return piece.length;
  };
}

/** What comes of a value that is sent as it would be to a process. */
function sent(value: Span | Bulk): unknown {
  const writer = new FrameWriter();
  writer.add(new ReplyHead({ kind: 10, id: 7 }), value);
  let result: unknown;
  readFrames(writer.take(), new ReplyHead(), ({ id }, inFrame, beside) => {
    assertEquals(id, 7);
    if (beside === NOTHING_BESIDE) {
      result = readPayload(inFrame!);
      return;
    }
    const whole = Beside.of(inFrame, beside, 1 << 30);
    const pieces = [...piecesOf(value)];
    for (const [k, piece] of pieces.entries()) {
      const taken = whole.take(reader(piece));
      assertEquals(taken === undefined, k < pieces.length - 1);
      if (taken !== undefined) result = readPayload(taken);
    }
  });
  return result;
}

Deno.test("piecesOf() and Beside carry values of every length around a piece's [pool]", () => {
  const PIECE = [...piecesOf(new Span(new Uint8Array(MIB), 0, MIB))][0]!.length;
  for (const length of [1, 32_768, 32_769, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, MIB + 3]) {
    const text = "é".repeat(length / 2);
    const span = writePayload([text, 1], "process", "value") as Span;
    assertEquals(sent(span), [text, 1], `${length}`);
    if (length < 32_768) continue;
    const args = [1, bytesOf(length), "two", bytesOf(length).buffer, null];
    assertEquals(sent(new Deferred(args).ready("process", false) as Bulk), args, `${length}`);
  }
});

Deno.test("Beside takes no more and nothing else than was announced [pool]", () => {
  const plain = (value: unknown) => (writePayload(value, "process", "value") as Span).view;
  const { rest } = new Deferred([bytesOf(MIB), 1]).ready("process", false) as Bulk;
  for (
    const [value, beside, most] of [
      [undefined, OBJECT_BESIDE, MIB],
      [undefined, MIB, MIB - 1],
      [rest.view, BUFFERS_BESIDE, MIB - 1],
      [plain([[null], [[0, MIB, true], [0, MIB, true]]]), BUFFERS_BESIDE, 2 * MIB - 1],
      ...[
        7,
        [],
        [[null], []],
        [[null], [[1, 10, true]]],
        [[null], [[-1, 10, true]]],
        [[null], [[0.5, 10, true]]],
        [[null], [["0", 10, true]]],
        [[null], [[0, -10, true]]],
        [[null], [[0, 0, true]]],
        [[null], [[0, 2 ** 60, true]]],
        [[null], [[0, NaN, true]]],
        [[null], [[0, 10, 1]]],
        [[null], [{ 0: 0, 1: 10, 2: true }]],
        [null, [[0, 10, true]]],
        [null, [[-1, 10, true], [-1, 10, true]]],
        [{ length: 1 }, [[0, 10, true]]],
      ].map((value) => [plain(value), BUFFERS_BESIDE, MIB] as const),
    ] as const
  ) assertThrows(() => Beside.of(value, beside, most), BadFrame);
  for (const whole of [Beside.of(undefined, 40_000, MIB), Beside.of(rest.view, -2, MIB)]) {
    assertEquals(whole.take(reader(new Uint8Array(39_990))), undefined);
    assertThrows(() => whole.take(reader(new Uint8Array(MIB))), RangeError);
  }
});

Deno.test("Beside gives a BadFrame or makes no more than it may of 20,000 forgeries [pool]", () => {
  const random = randoms(Date.now() % 1_000_000);
  const { rest } = new Deferred([bytesOf(40_000), 1, bytesOf(50_000)])
    .ready("process", false) as Bulk;
  let bad = 0;
  for (let k = 0; k < 20_000; k++) {
    const forged = rest.view.slice(0, rest.length - (random(4) === 0 ? random(rest.length) : 0));
    for (let n = random(3); n > 0; n--) forged[random(forged.length)] = random(256);
    let whole: Beside;
    try {
      whole = Beside.of(forged, BUFFERS_BESIDE, MIB);
    } catch (error) {
      assert(error instanceof BadFrame, `${error}`);
      bad++;
      continue;
    }
    const taken = whole.take((into) => {
      assert(into.length <= MIB);
      return into.length;
    });
    if (taken !== undefined) assert(!(taken instanceof Uint8Array));
  }
  assert(bad > 2_000 && bad < 20_000, `${bad}`);
});

test("submit() carries large buffers, parts of them and the same one twice", async (world) => {
  const executor = world.executor(2);
  const bytes = bytesOf(MIB + 5);
  const part = bytes.subarray(3, 300_003);
  for (const value of [bytes, bytes.buffer, part]) {
    const back = await executor.submit(echo, value).result() as typeof value;
    assertEquals(back, value instanceof ArrayBuffer ? value : value.slice());
    assertEquals(bytes.length, MIB + 5);
    if (back instanceof Uint8Array) assertEquals(back.buffer.byteLength, back.length);
  }
  const many = Array.from({ length: 20 }, (_, k) => executor.submit(echo, k % 2 ? bytes : part));
  for (const [k, future] of many.entries()) {
    assertEquals((await future.result() as Uint8Array).length, k % 2 ? MIB + 5 : 300_000);
  }
  const nested = { deep: [bytes, { part }], text: "x".repeat(200_000) };
  const back = await executor.submit(echo, nested).result() as typeof nested;
  assertEquals([back.deep, back.text.length], [nested.deep, 200_000]);
});

test("submit() of a buffer that goes away before it is sent fails its own call", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const busy = await world.occupy(executor, gate);
  const others = Array.from({ length: 3 }, () => executor.submit(sleep, 0));
  const bytes = bytesOf(MIB);
  const lost = Array.from({ length: 5 }, () => executor.submit(echo, bytes));
  bytes.buffer.transfer();
  gate.set();
  await busy.result();
  for (const other of others) await other.result();
  const ends = await Promise.allSettled(lost.map((future) => future.result()));
  assertEquals(ends.at(-1)!.status, "rejected");
  await assertRejects(() => lost.at(-1)!.result(), Error, "transferred away before a worker");
  assertEquals(await executor.submit(echo, 1).result(), 1);
});
