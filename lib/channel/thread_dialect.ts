/**
 * Values between threads as messages: bytes, as between processes, or a parcel
 * (`parcels/parcel.ts`) for what bytes cannot carry.
 *
 * @module
 */
import { ShareError } from "../core/errors.ts";
import { loseAll } from "../transfer/flight.ts";
import { reducer } from "../transfer/reduce.ts";
import type { PipeDialect } from "./memory/dialect.ts";
import {
  type Message,
  readBytes,
  readerInto,
  readLoaded,
  readValue,
  roomFor,
  write,
} from "./message.ts";
import { messageOfParcel, ParcelReader } from "./parcels/desk.ts";
import { type Parcel, parcelOf } from "./parcels/parcel.ts";

const reduce = reducer("thread");

/** The way of one handle. */
export interface ThreadDialectOptions {
  /** What is done with a message, for errors. */
  action: string;
  /** The call that loads modules, for errors. */
  remedy: string;
  /** What errors call a value. */
  root: string;
  /** Gives the id of what carries the messages. */
  id: () => number;
  /** True if whole messages are compared. Default: false. */
  compares?: boolean;
  /** Checks a parcel before it is sent. */
  check?: (parcel: Parcel) => void;
}

/** The dialect of a handle between threads. */
export type ThreadDialect = Omit<PipeDialect, "board" | "checkTransfer">;

/** Gives the dialect of a handle. */
export function threadDialect(
  { action, remedy, root, id, compares = false, check }: ThreadDialectOptions,
): ThreadDialect {
  const parcels = new ParcelReader(action, remedy);
  const readPlainNow = readLoaded(action, "it", remedy);
  const isParcel = (bytes: Uint8Array, start: number) => parcels.isParcel(bytes, start);
  return {
    write(value, transfer) {
      if (transfer === undefined || transfer.length === 0) {
        const message = plainMessage(value, root);
        if (message !== undefined) return message;
      }
      const parcel = parcelOf(value, transfer, root);
      try {
        if (compares) throw notCompared(root);
        check?.(parcel);
        return messageOfParcel(parcel, id());
      } catch (error) {
        loseAll(parcel.flights);
        throw error;
      }
    },
    read: (bytes, start, length) =>
      isParcel(bytes, start)
        ? parcels.read(bytes, start, length, false)
        : readValue(bytes, start, length),
    readNow: (bytes, start, length) =>
      isParcel(bytes, start)
        ? parcels.read(bytes, start, length, true)
        : readPlainNow(bytes, start, length),
    readBytes: (bytes, start, length) =>
      isParcel(bytes, start)
        ? parcels.readBytes(bytes, start, length, (found) => found)
        : readBytes(bytes, start, length),
    readerInto(room) {
      const readInto = readerInto(room);
      return (bytes, start, length) =>
        isParcel(bytes, start)
          ? parcels.readBytes(bytes, start, length, (found) => roomFor(found, room))
          : readInto(bytes, start, length);
    },
  };
}

/** The message of what bytes can carry; undefined for other values. */
function plainMessage(value: unknown, root: string): Message | undefined {
  try {
    return write(value, root, reduce);
  } catch {
    // What it is that cannot be carried at all is said when it is packed.
    return undefined;
  }
}

function notCompared(root: string): ShareError {
  return new ShareError(
    `Cannot share ${root}: compare is given what bytes can carry, and in it are parts that must be ` +
      "moved or shared; put [priority, number, item], without compare",
    root,
  );
}
