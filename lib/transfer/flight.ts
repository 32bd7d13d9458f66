/**
 * Objects that are on their way: what was packed for a child but has not been unpacked there. Should the child
 * end before it does that, whoever counts the copies of such an object must hear of it. Where an
 * object is reached over a socket, the child must be allowed to use that.
 *
 * @module
 */

/** Called when the receiver has ended: what it has not unpacked by then, it never will. */
export interface Lost {
  (): void | Promise<void>;
  /** The folder of the socket by which the object is reached over there, if it is. */
  socket?: string;
}

let gathering: Lost[] | undefined;

/** Says that an object was packed. Whoever packs it for a child that it knows calls `lost` when that ends. */
export function inFlight(lost: () => void | Promise<void>, socket?: string): void {
  gathering?.push(socket === undefined ? lost : Object.assign(lost, { socket }));
}

/** Has flights be gathered in `next` from now on, or nowhere; gives where they were gathered before. */
export function gatherIn(next: Lost[] | undefined): Lost[] | undefined {
  const before = gathering;
  gathering = next;
  return before;
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
    return { packed: pack(), flights };
  } catch (cause) {
    // It does not start at all.
    loseAll(flights);
    throw cause;
  } finally {
    gatherIn(before);
  }
}
