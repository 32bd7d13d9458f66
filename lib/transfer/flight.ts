/**
 * Objects that are on their way: what was packed for a child but has not been unpacked there.
 * Should the child end before it does that, whoever counts the copies of such an object must hear
 * of it. Where an object is reached over a socket, the child must be allowed to use that.
 *
 * What is packed for a receiver with fewer permissions knows that too: {@linkcode packedFor} says
 * it to whoever keeps a table of receivers, or marks what they write.
 *
 * @module
 */
import type { TrustLevel } from "./reduction.ts";

/** Called when the receiver has ended: what it has not unpacked by then, it never will. */
export interface Lost extends Flight {
  (): void | Promise<void>;
}

/** The further facts about an object on its way. */
export interface Flight {
  /** The folder of the socket by which the object is reached over there, if it is. */
  socket?: string;
  /** Where that is, in full: whoever keeps the message can go there in the receiver's stead. */
  address?: unknown;
  /**
   * Says who can receive the message that the object is in, which is in shared memory: the table of
   * those (`channel/holders.ts`). Called before the message can be seen.
   */
  board?: (carrier: number) => void;
  /** Says that its sender knows the receiver, and will call {@linkcode Lost} should that end. */
  attend?: () => void;
  /** Says that it was sent, to whom if that is known: of an object that moves when it is. */
  handOver?: (to: Destination | undefined) => void;
}

/** A thread that something is sent to. */
export interface Destination {
  /** The first word of its slot. */
  slot: number;
  /** Its ident. */
  ident: number;
}

let gathering: Lost[] | undefined;

/**
 * Says that an object was packed. Whoever packs it for a child that it knows calls `lost` when that
 * ends.
 */
export function inFlight(lost: () => void | Promise<void>, flight: Flight = {}): void {
  gathering?.push(Object.assign(lost, flight));
}

/**
 * Has flights be gathered in `next` from now on, or nowhere; gives where they were gathered before.
 */
export function gatherIn(next: Lost[] | undefined): Lost[] | undefined {
  const before = gathering;
  gathering = next;
  return before;
}

/** Says of what was gathered who can receive it. */
export function boardAll(flights: Lost[], carrier: number): void {
  for (const lost of flights) lost.board?.(carrier);
}

/** Says of what was gathered that it goes to a child, whose end will be told. */
export function attendAll(flights: Lost[]): void {
  for (const lost of flights) lost.attend?.();
}

/** Calls what was gathered, and forgets it. */
export function loseAll(flights: Lost[]): void {
  for (const lost of flights.splice(0)) lost();
}

/** Packs, and gathers what is to be called when the receiver has ended. */
export function gatherFlights<T>(pack: () => T): { packed: T; flights: Lost[] } {
  const flights: Lost[] = [];
  const before = gatherIn(flights);
  try {
    const packed = pack();
    attendAll(flights);
    return { packed, flights };
  } catch (cause) {
    // It does not start at all.
    loseAll(flights);
    throw cause;
  } finally {
    gatherIn(before);
  }
}

let maps = true;

/** True if who will receive what is being packed now may use memory between processes. */
export function receiverMaps(): boolean {
  return maps;
}

let receiver: TrustLevel = "equal";

/** Who will receive what is being packed now. */
export function packedFor(): TrustLevel {
  return receiver;
}

/**
 * Packs for a receiver, of which {@linkcode packedFor} and {@linkcode receiverMaps} tell meanwhile.
 *
 * @param mayMap True if it may use memory between processes. Default: as it is said already.
 */
export function packFor<T>(to: TrustLevel, pack: () => T, mayMap: boolean = maps): T {
  const before = { receiver, maps };
  receiver = to;
  maps = mayMap;
  try {
    return pack();
  } finally {
    ({ receiver, maps } = before);
  }
}
