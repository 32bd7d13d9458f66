/**
 * The office, in the main thread, where parcels lie until they are fetched (`parcel.ts`). It reads
 * what the threads send, whether its event loop runs or a wait of the toolkit blocks it.
 *
 * Nobody listens on the ports: an event loop that had taken a message could not give it to a thread
 * that blocks. Threads ring the office's `BELL` in the roster after they have sent something, and
 * the office rings theirs.
 *
 * What a thread has left is here as long as anybody may fetch it, whatever becomes of that thread.
 *
 * @module
 */
import { services } from "../../core/hooks.ts";
import { post, take } from "../../core/ports.ts";
import { BELL } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";
import { bells, ring } from "./bell.ts";
import { type FromOffice, lines, type NewLine, type ToOffice } from "./lines.ts";
import { forsake, Parcel } from "./parcel.ts";

/** The number of messages of a line that are read in one go. */
const MOST_AT_A_TIME = 256;

/** A thread's line. */
interface Line {
  port: MessagePort;
  /** The first word of the thread's slot. */
  slot: number;
}

const open = new Map<number, Line>();
const parcels = new Map<string, { queue: number; parcel: Parcel }>();
let isListening = false;
let isReading = false;

/** Keeps a parcel that is this thread's own. */
export function keep(id: string, queue: number, parcel: Parcel): void {
  parcels.set(id, { queue, parcel });
}

/** Gives a parcel up. */
export function drop(id: string): void {
  parcels.delete(id);
}

/** Gives up all parcels of a queue. */
export function clear(queue: number): void {
  for (const [id, { queue: its, parcel }] of parcels) {
    if (its !== queue) continue;
    parcels.delete(id);
    forsake(parcel);
  }
}

/** Finds a parcel; one that is unique is given away. */
export function find(id: string): Parcel | undefined {
  if (!parcels.has(id) && !isReading) readLines();
  if (!parcels.has(id)) {
    // Who left it may have announced its line and not been heard so far.
    const wasReading = isReading;
    isReading = true;
    for (const serve of services) if (serve !== readLines) serve();
    for (const line of open.values()) readLine(line, Infinity);
    isReading = wasReading;
  }
  const parcel = parcels.get(id)?.parcel;
  if (parcel?.isUnique) parcels.delete(id);
  return parcel;
}

function receive(line: Line, message: ToOffice): void {
  switch (message.type) {
    case "leave":
      return keep(
        message.id,
        message.queue,
        new Parcel(message.parcel, message.parcel.transfer),
      );
    case "drop":
      return drop(message.id);
    case "clear":
      return clear(message.queue);
    case "fetch": {
      const parcel = find(message.id);
      const answer: FromOffice = {
        question: message.question,
        parcel: parcel && { ...parcel } as FromOffice["parcel"],
      };
      post(line.port, answer, parcel?.unique);
      ring(line.slot);
    }
  }
}

/** Reads a line; whether there was something. */
function readLine(line: Line, most: number): boolean {
  for (let k = 0; k < most; k++) {
    const message = take(line.port);
    if (message === undefined) return k > 0;
    receive(line, message as ToOffice);
  }
  return true;
}

/** Reads what is there; whether there was something. */
function readLines(): boolean {
  if (isReading || open.size === 0) return false;
  isReading = true;
  let any = false;
  try {
    for (const line of open.values()) any = readLine(line, MOST_AT_A_TIME) || any;
  } finally {
    isReading = false;
  }
  return any;
}

const pauser = new Int32Array(new SharedArrayBuffer(4));

/** Calls a function after the events that are due. */
function later(fn: () => void): void {
  // An immediate that is set while nothing else is pending may never come.
  const parked = Atomics.waitAsync(pauser, 0, 0);
  if (parked.async) parked.value.then(fn);
  Atomics.notify(pauser, 0);
}

/** Reads the lines whenever a thread rings. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  const { words } = bells();
  const bell = self().slot + BELL;
  const turn = () => {
    if (open.size === 0) {
      isListening = false;
      return;
    }
    const heard = Atomics.load(words, bell);
    const isMore = readLines();
    const parked = Atomics.waitAsync(words, bell, heard);
    if (!parked.async) return later(turn);
    parked.value.then(turn);
    // While there is something to read, other events have their turn in between.
    if (isMore) Atomics.notify(words, bell);
  };
  turn();
}

lines.accept = ({ ident, slot, port }: NewLine) => {
  open.set(ident, { port, slot });
  services.add(readLines);
  listen();
  if (self().roster.hasEnded(slot, ident)) return lines.ended!(ident);
  // What it has sent already was rung for before anybody read it.
  ring(self().slot);
};

lines.ended = (ident) => {
  const line = open.get(ident);
  if (line === undefined) return;
  open.delete(ident);
  readLine(line, Infinity);
  line.port.close();
  if (open.size === 0) services.delete(readLines);
};
