/**
 * Sessions that a broken or evil broker might play: whatever comes, the client has a result or an
 * error, soon and in little memory. `SWITCHYARD_SEED` repeats a run, `SWITCHYARD_FUZZ_AMQP` sets
 * how many sessions are played.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { randoms } from "../_help/random.ts";
import { within } from "../_help/within.ts";
import { pieces, play, SEEN } from "./_played.ts";
import { joined } from "./_script.ts";
import { cut, PlayedStream, turns } from "./_stream.ts";

const SEED = Number(Deno.env.get("SWITCHYARD_SEED") ?? Date.now() % 1_000_000);
const TIMES = Number(Deno.env.get("SWITCHYARD_FUZZ_AMQP") ?? 2_000);
/** How long one session may take, in ms: far more than any does. */
const PATIENCE = 2_000;
/** The buffers that a session may make beside twice its bytes: the client's own, and the test's. */
const OWN = 1 << 20;
/** Lengths, kinds of frames and values that matter. */
const BYTES = [0, 1, 2, 3, 8, 0x7f, 0x80, 0xff, 0xce, 10, 20, 60, 85];

/** What all buffers take, in bytes; those that nobody has may count, so that it is never too low. */
function buffers(): number {
  return Deno.memoryUsage().external;
}

/** Changes, cuts, doubles, moves or joins some bytes of some pieces. */
function mutated(random: (below: number) => number): Uint8Array[] {
  const session = pieces();
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const which = random(session.length);
    const piece = session[which]!;
    const at = random(Math.min(piece.length + 1, random(4) === 0 ? Infinity : 120));
    const [before, after] = [piece.subarray(0, at), piece.subarray(at)];
    switch (random(7)) {
      case 0:
        session[which] = before;
        break;
      case 1:
        session[which] = joined(before, Uint8Array.of(random(256)), after);
        break;
      case 2:
        session[which] = joined(before, after.subarray(1 + random(8)));
        break;
      case 3: {
        // A length that claims more than there is.
        const claim = Uint8Array.of(random(2) === 0 ? 0xff : 0x7f, 0xff, 0xff, 0xff);
        session[which] = joined(before, claim, after.subarray(4));
        break;
      }
      case 4:
        session[which] = joined(
          before,
          Uint8Array.of(BYTES[random(BYTES.length)]!),
          after.subarray(1),
        );
        break;
      case 5:
        session.splice(random(session.length), 0, session[random(session.length)]!);
        break;
      default: {
        const other = session[random(session.length)]!;
        session[which] = joined(before, other.subarray(random(other.length)));
      }
    }
  }
  const length = session.reduce((sum, piece) => sum + piece.length, 0);
  const places = Array.from({ length: random(4) }, () => random(length + 1));
  return cut(session, places.sort((a, b) => a - b));
}

Deno.test(`amqp: ${TIMES} mutated sessions end with a result or an error [seed ${SEED}]`, async () => {
  assertEquals(await play(new PlayedStream(pieces())), SEEN);
  const random = randoms(SEED);
  const ends = { whole: 0, error: 0 };
  for (let k = 0; k < TIMES; k++) {
    const session = mutated(random);
    const bytes = session.reduce((sum, piece) => sum + piece.length, 0);
    const before = buffers();
    const stream = new PlayedStream(session);
    const what = `session ${k} of seed ${SEED}`;
    const seen = await within(PATIENCE, play(stream), what);
    // What ends the session is answered before.
    await turns();
    const made = buffers() - before;
    assert(made < OWN + 2 * bytes, `${what}: ${made} bytes of buffers for ${bytes}`);
    const last = seen.at(-1)!;
    if (last.startsWith("ended")) ends.whole++;
    else ends.error++;
    assert(/^ended|AmqpError|^RangeError/.test(last), `${what}: ${seen.join("; ")}`);
    assert(stream.isClosed, `${what}: the socket is open`);
    assert(!seen.join().includes("secret"), what);
  }
  assert(ends.error > 0);
});
