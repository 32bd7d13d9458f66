/**
 * Pipes between threads: a pipe in shared memory (`memory/connection.ts`), in a SharedArrayBuffer
 * of its own. What bytes cannot carry goes beside it, as a parcel (`parcels/parcel.ts`).
 *
 * An end that is given to another thread moves there: it is held by the sender, then by nobody but
 * the message that it is in, or by the new thread, then by who has it.
 *
 * Who dies when: a thread that ends, however it does, has its ends no more: the other side finds it
 * gone, at the latest after a slice, and gets EOFError once all is received. An end given to a new
 * thread is that thread's as soon as it is started, so it is over with it even if the thread never
 * came to unpack it. An end on a queue stays open as long as it is there.
 *
 * @module
 */
import { checkArray, checkBoolean, checkOptions } from "../core/checks.ts";
import { ShareError } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { foundHeapSpace, makeHeapSpace, type Space } from "../memory/heap_space.ts";
import { noteMadeIn } from "../sync/traps.ts";
import { type Destination, inFlight } from "../transfer/flight.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import type { Connection, PipeOptions } from "./connection.ts";
import { Chain, CHAIN_WORDS } from "./memory/chain.ts";
import { MemoryConnection } from "./memory/connection.ts";
import { CHAINS, type SentMemoryEnd, type Side } from "./memory/pipe_words.ts";
import { threadDialect } from "./thread_dialect.ts";

/** One end of a pipe between threads. */
export class ThreadConnection<T = unknown> extends MemoryConnection<T> {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Connection" });
  }

  #isMoved = false;
  /** How often it was packed: in what is sent through itself it must not be. */
  #packed = 0;

  /** `pipe()` makes connections. */
  constructor(space: Space, side: Side, sent?: SentMemoryEnd) {
    const { placement } = space;
    let packed = 0;
    const dialect = threadDialect({
      action: "receive the value",
      remedy: "recv",
      root: "value",
      id: () => placement.region.words[placement.base + CHAINS]!,
      check: () => {
        if (this.#packed === packed) return;
        throw new ShareError(
          "Cannot send the value: a pipe's end cannot go through itself",
          "value",
        );
      },
    });
    super({
      placement,
      side,
      chains: chainsOf(space, side.duplex),
      dialect: {
        ...dialect,
        write: (value, transfer) => {
          packed = this.#packed;
          return dialect.write(value, transfer);
        },
        checkTransfer: (transfer, action) => checkArray(transfer, "transfer", action),
      },
      sent,
    });
  }

  /** @ignore */
  override [INSPECT](): string {
    return shown(this, () => [this.#isMoved ? "moved" : this.closed ? "closed" : "open"]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): SentMemoryEnd {
    if (world !== "thread") {
      throw new ShareError(
        `Cannot share ${place()} with a process: a connection of threading.pipe() lives in one ` +
          "process; use multiprocessing.pipe()",
        place(),
      );
    }
    if (this.closed) {
      const why = this.#isMoved ? "was given to another thread" : "is closed";
      throw new ShareError(`Cannot share ${place()}: this end of the pipe ${why}`, place());
    }
    this.#packed++;
    const entry = this.holders.move();
    const handOver = (to: Destination | undefined) => {
      this.holders.moveTo(entry, to?.ident ?? 0);
      this.#isMoved = true;
      this.close();
    };
    inFlight(() => this.lose(entry), { handOver });
    return this.sentEnd(this.placement.share(world, place, "pipe"), entry);
  }

  protected override get why(): string {
    return this.#isMoved ? "this end was given to another thread" : "the connection is closed";
  }
}

function chainsOf({ placement, blocks }: Space, duplex: boolean): (Chain | undefined)[] {
  return [0, 1].map((end) => {
    if (end === 1 && !duplex) return undefined;
    const base = placement.base + CHAINS + end * CHAIN_WORDS;
    return new Chain({ ...placement, base }, blocks, { kind: "Pipe" });
  });
}

/** Makes the handle of an end that another thread has sent. */
export function receivedEnd(sent: unknown): ThreadConnection {
  const { at, end, duplex, ...rest } = sent as SentMemoryEnd;
  return new ThreadConnection(foundHeapSpace(at), { end, duplex }, { at, end, duplex, ...rest });
}

/**
 * Makes a pipe between threads: what is sent at one end is received at the other.
 *
 * Reach for it where two threads talk. Giving an end to another thread, as an argument or through a
 * queue or pipe, moves it there: here it is closed then. Sending never waits: what is not received
 * yet is kept, up to nearly a gigabyte. Values are copied; `send(value, { transfer })` moves
 * buffers instead.
 *
 * When an end is closed, or the thread that has it ends in whatever way, the other one receives
 * what was sent, and then `EOFError`.
 *
 * *Memory*: what was written before `send()` is seen after the `recv()`. *Cancellation*: an abort
 * or the end of a timeout receives nothing.
 *
 * @typeParam T What is sent.
 * @returns The two ends. With `duplex: false` the first receives and the second sends.
 * @throws {TypeError} Bad options.
 *
 * @example Ask and answer
 * ```ts
 * import { pipe } from "@switchyard/switchyard/threading";
 *
 * const [here, there] = pipe<string>();
 * await here.send("How are you?");
 * await there.recv(); // "How are you?"
 * here.close();
 * there.close();
 * ```
 */
export function pipe<T = unknown>(options?: PipeOptions): [Connection<T>, Connection<T>];
export function pipe<T = unknown>(options: PipeOptions = {}): [Connection<T>, Connection<T>] {
  checkOptions(options, "make a pipe");
  checkBoolean(options.duplex, "duplex", "make a pipe");
  const duplex = options.duplex ?? true;
  const space = makeHeapSpace();
  const end = (end: 0 | 1) => {
    // Only the first to lay out the words sets their ids.
    const { placement } = space;
    const mine = end === 0 ? space : { ...space, placement: { ...placement, fresh: false } };
    const connection = new ThreadConnection<T>(mine, { end, duplex });
    noteMadeIn(connection, "thread");
    return connection;
  };
  return [end(0), end(1)];
}
