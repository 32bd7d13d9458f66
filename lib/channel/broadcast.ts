/**
 * Announcements to all threads, over a BroadcastChannel.
 *
 * A message arrives by the thread's event loop, is kept in a list, and counted in a word that the
 * iteration parks on: so a thread that is terminated there is woken as in every wait.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { ShareError } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { checkCancelled, type Park, runAsync, type Steps } from "../sync/steps.ts";
import { uncloneable } from "../transfer/pack.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import { open, Parcel, parcelOf, ready } from "./parcels/parcel.ts";

const PREFIX = "switchyard ";

/**
 * A channel on which every thread hears what any other says.
 *
 * Reach for it to tell something to all who listen. Each thread makes its own object of the same
 * name, or is given one, and hears what others publish from then on; nothing is kept for those who
 * come later, and who publishes does not hear itself. An object that is not closed keeps its
 * thread's program alive.
 *
 * @typeParam T What is published.
 *
 * @example Everybody hears
 * ```ts
 * import { Broadcast } from "@switchyard/switchyard/threading";
 *
 * using speaker = new Broadcast<string>("news");
 * using listener = new Broadcast<string>("news");
 * speaker.publish("It works");
 * for await (const news of listener) {
 *   console.log(news); // It works
 *   break;
 * }
 * ```
 */
export class Broadcast<T = unknown> implements AsyncIterable<T>, Disposable, AsyncDisposable {
  /** Its name: all of one name belong together. */
  readonly name: string;
  readonly #channel: BroadcastChannel;
  readonly #region = new HeapRegion(new SharedArrayBuffer(4));
  readonly #heard: Parcel[] = [];
  #isClosed = false;

  /**
   * Opens the channel of that name, and begins to listen.
   *
   * @throws {TypeError} `name` is no string.
   */
  constructor(name: string) {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot open a broadcast: name must be a string, received ${show(name)}`);
    }
    this.name = name;
    this.#channel = new BroadcastChannel(PREFIX + name);
    this.#channel.onmessage = ({ data }) => {
      this.#heard.push(new Parcel(data, []));
      this.#ring();
    };
  }

  #ring(): void {
    Atomics.add(this.#region.words, 0, 1);
    Atomics.notify(this.#region.words, 0);
  }

  /**
   * Says something to all others. Does not wait.
   *
   * @throws {ShareError} The value cannot cross to another thread.
   * @throws {Error} It is closed.
   */
  publish(value: T): void {
    checkCancelled();
    if (this.#isClosed) throw new Error(`Cannot publish on ${show(this.name)}: it is closed`);
    const parcel = parcelOf(value, undefined, "value");
    if (parcel.isMoved) {
      throw new ShareError("Cannot share value: a pipe's end cannot go to all threads", "value");
    }
    const { value: packed, stands } = parcel;
    try {
      this.#channel.postMessage({ value: packed, stands });
    } catch (cause) {
      throw uncloneable(cause, "value");
    }
  }

  /** Ends listening: iterations end once they have given what was heard. Can be called twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
    this.#ring();
  }

  /** True if it is closed. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /**
   * The values that others publish, from when this object was made; several iterations share it
   * out.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      const heard = await runAsync(this.#next());
      if (heard === null || heard === undefined) return;
      await ready(heard);
      yield open(heard) as T;
    }
  }

  *#next(): Steps<Parcel | null> {
    const region = this.#region;
    const park: Park = { region, index: 0, value: 0, on: 0 };
    for (;;) {
      park.value = Atomics.load(region.words, 0);
      const heard = this.#heard.shift();
      if (heard !== undefined) return heard;
      if (this.#isClosed) return null;
      yield park;
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.name, this.#isClosed ? "closed" : "open"]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    if (world === "thread") return this.name;
    throw new ShareError(
      `Cannot share ${place()} with a process: a threading.Broadcast lives in one process; ` +
        "use a multiprocessing.pipe() to each",
      place(),
    );
  }
}
