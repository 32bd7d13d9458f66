/**
 * Making pipes in the family's memory, and opening their ends elsewhere. `ring_connection.ts` explains
 * them.
 *
 * @module
 */
import { theArena } from "../memory/arena.ts";
import type { Placement } from "../memory/placement.ts";
import { checkState, shareable } from "../transfer/shareable.ts";
import { Chain, CHAIN_WORDS, NOTHING } from "./chain.ts";
import { isEntry } from "./holders.ts";
import {
  BELOW,
  CHAINS,
  GENERATION,
  holdersOf,
  markBelow,
  PIPE_WORDS,
  RingConnection,
  type SentEnd,
} from "./ring_connection.ts";

/** How many bytes one direction holds; a longer message goes alone. */
const ROOM = 1 << 20;

function chainsOf(placement: Placement, duplex: boolean): (Chain | undefined)[] {
  const { blocks } = theArena();
  return [0, 1].map((end) => {
    if (end === 1 && !duplex) return undefined;
    const base = placement.base + CHAINS + end * CHAIN_WORDS;
    return new Chain({ ...placement, base }, blocks, { kind: "Pipe", bytes: ROOM });
  });
}

/** The pipes that this thread has made: the words of a spent one serve again. */
const made: Placement[] = [];

/** Looks for a spent pipe among the oldest, and empties it. */
function spent(): Placement | undefined {
  for (let k = 0; k < Math.min(made.length, 4); k++) {
    const placement = made.shift()!;
    made.push(placement);
    const ends = [holdersOf(placement, 0), holdersOf(placement, 1)];
    if (ends.some((end) => end.areHeld)) continue;
    const { region, base } = placement;
    Atomics.add(region.words, base + GENERATION, 1);
    region.words.fill(0, base + BELOW, base + BELOW + 2);
    for (const end of ends) end.renew();
    // One that has landed just now sees the new generation, and leaves.
    if (ends.some((end) => end.seemHeld)) continue;
    if (!chainsOf(placement, true).every((chain) => isEmptied(chain!))) continue;
    made.pop();
    return placement;
  }
  return undefined;
}

function isEmptied(chain: Chain): boolean {
  while (chain.tryGet(() => true) !== NOTHING);
  return chain.frames === 0;
}

/**
 * Makes a pipe.
 *
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 */
export function ringPipe<T>(duplex: boolean): [RingConnection<T>, RingConnection<T>] {
  const old = spent();
  const placement = old ?? theArena().allocate(PIPE_WORDS);
  // A one-way pipe leads from the second end to the first. Both chains are laid out in any case.
  const chains = chainsOf(placement, true);
  if (!duplex) chains[1] = undefined;
  made.push({ ...placement, fresh: false });
  return [
    new RingConnection<T>(placement, { end: 0, duplex }, chains),
    new RingConnection<T>(placement, { end: 1, duplex }, chains),
  ];
}

const STATE = {
  at: "any",
  end: "number",
  duplex: "boolean",
  generation: "number",
  entry: "number",
} as const;

shareable(import.meta, "RingConnection", RingConnection, (sent, source) => {
  const { at, end, duplex, generation, entry } = checkState<SentEnd>(sent, "a connection", STATE);
  if (end !== 0 && end !== 1 || !isEntry(entry)) {
    throw new TypeError(`Cannot decode a connection: it has no end ${end} or entry ${entry}`);
  }
  const placement = theArena().place(at, PIPE_WORDS);
  const chains = chainsOf(placement, duplex);
  // Who sent it had this end, and may have made the pipe.
  if (source === "below") markBelow(placement, 0), markBelow(placement, 1);
  return new RingConnection(placement, { end, duplex }, chains, { generation, entry });
});
