/**
 * Applying a target to all that an iterable gives: in chunks, so that short calls need no round
 * trip each, and with a bounded look-ahead, so that an endless input will do.
 *
 * Of a chunk whose size the caller does not choose, the first holds one item, and later ones as
 * many as take some
 * {@linkcode CHUNK} ms by what items have taken so far.
 *
 * Everything here runs in callbacks: so a map goes on in a thread that blocks.
 *
 * @module
 */
import { CancelledError, ShareError, TimeoutError } from "../core/errors.ts";
import { Countdown } from "../core/promises.ts";
import { callSafely } from "./async_result.ts";
import type { Call, Caller, CallerMap } from "./call.ts";
import type { MAP, STARMAP } from "./transport/frames.ts";
import type { MapOptions } from "./options.ts";
import { LARGEST, Span } from "./payload.ts";
import { type Progress, ProgressBar } from "./progress.ts";

/** The work of a map. */
export interface MapWork {
  engine: Caller;
  kind: typeof MAP | typeof STARMAP;
  target: unknown;
  source: Iterable<unknown> | AsyncIterable<unknown>;
  /** True if results are given in the order of the input. */
  ordered: boolean;
  /** True if no more is taken from the input than a little more than the consumer has taken. */
  lazy: boolean;
  options: MapOptions;
  /** Takes the results of a chunk. */
  deliver: (results: unknown[]) => void;
  /** Called once, at the end. */
  finish: (failure: MapFailure | undefined) => void;
}

/** Why a map ended early. */
export interface MapFailure {
  error: unknown;
  /** The chunk that failed, if one did. */
  call?: Call;
  /** Settles when who waits is told, where that is not at once. */
  told?: Promise<void>;
}

/** The time that a chunk should take, in µs. */
const CHUNK = 3000;
/** Chunks of so many bytes are quick to send. */
const BYTES = LARGEST * 3 / 4;
/** The most that a chunk may be larger than the one before, as a factor. */
const GROWTH = 16;
/** The number of chunks for each worker that are under way or not yet taken by the consumer. */
const AHEAD = 2;

/** A map under way. */
export class MapRun {
  readonly #work: MapWork;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  /** The source, if it is an array: then chunks are cut out of it. */
  readonly #array: unknown[] | undefined;
  readonly #isAsync: boolean;
  readonly #total: number | undefined;
  readonly #bar: ProgressBar | undefined;
  #timer: Countdown | undefined;
  /** The chunks under way, in the order of the input. */
  #calls: Call[] = [];
  /** The number of chunks that the consumer has not taken. */
  #untaken = 0;
  #size = 1;
  #micros = 0;
  /** The number of bytes that the items took which were taken. */
  #bytes = 0;
  #items = 0;
  #done = 0;
  #taken = 0;
  #given = 0;
  #isExhausted = false;
  #isPulling = false;
  #isOver = false;
  #isInterrupted = false;
  readonly #entry: WeakRef<CallerMap>;
  /**
   * The error that it ends with once all is delivered that is under way, if that is an error; and
   * when that is told.
   */
  #failure: MapFailure | undefined;
  readonly #abort = () => this.#fail(this.#work.options.signal!.reason, true);

  constructor(work: MapWork) {
    const { source, options, engine } = work;
    this.#work = work;
    this.#isAsync = typeof source !== "string" && Symbol.asyncIterator in source;
    this.#iterator = this.#isAsync
      ? (source as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (source as Iterable<unknown>)[Symbol.iterator]();
    this.#array = Array.isArray(source) ? source : undefined;
    this.#total = lengthOf(source);
    this.#bar = options.progress === true ? ProgressBar.onTerminal() : undefined;
    const { timeout, signal } = options;
    if (timeout !== undefined && timeout !== Infinity) {
      const late = () =>
        this.#fail(new TimeoutError(`The map took longer than ${timeout} ms`), true);
      // Who waits for a result keeps the program alive, and nobody else need.
      this.#timer = new Countdown(timeout, late).unref();
    }
    engine.noteMap(this.#entry = new WeakRef<CallerMap>(this));
    if (signal?.aborted) this.#fail(signal.reason, true);
    signal?.addEventListener("abort", this.#abort);
    this.#pump();
  }

  /** The number of chunks that may be under way or not yet taken. */
  get #limit(): number {
    return AHEAD * this.#work.engine.maxWorkers;
  }

  /** Says that the consumer has taken `count` results, the last of a chunk. */
  took(count: number): void {
    this.#untaken--;
    this.#given += count;
    this.#pump();
  }

  /** Ends it: nobody wants the rest. */
  stop(): void {
    this.#fail(new CancelledError("The map was left before its end"), false);
  }

  /**
   * Ends it by an error when what runs has ended, and is delivered. What no worker has begun is
   * cancelled.
   */
  interrupt(error: CancelledError): void {
    const { engine } = this.#work;
    // All that is told when it is over can be told at once.
    this.#endWith({ error, told: engine.idle }, true);
    const calls = this.#calls;
    this.#isInterrupted = true;
    this.#calls = [];
    const isBegun = calls.map((call) => !engine.cancel(call, mapFailed(), false));
    // In order, nothing is given that comes behind what has not run.
    const cut = this.#work.ordered ? isBegun.indexOf(false) : -1;
    this.#calls = calls.filter((_, k) => isBegun[k] && (cut < 0 || k < cut));
    this.#finishIfDone();
  }

  /** Takes no more of the input; what is under way is delivered first, then it ends by an error. */
  #endWith(failure: MapFailure, closes: boolean): void {
    this.#failure ??= failure;
    if (!this.#isExhausted && closes) closeInput(this.#iterator);
    this.#isExhausted = true;
  }

  /** The input has thrown. Who takes results one by one is given first what comes before. */
  #inputThrew(error: unknown): void {
    if (this.#isOver) return;
    // One that has thrown is not closed.
    this.#endWith({ error }, false);
    if (!this.#work.lazy) this.#fail(error, false);
  }

  /** Takes items and submits them, as far as the look-ahead reaches. */
  #pump(): void {
    if (this.#isPulling) return this.#finishIfDone();
    this.#isPulling = true;
    try {
      while (
        !this.#isOver && !this.#isExhausted && this.#calls.length + this.#untaken < this.#limit
      ) {
        if (this.#isAsync) return this.#pull();
        const items = this.#next(this.#chunksize());
        if (items.length > 0 && !this.#isOver) this.#submit(items);
      }
      this.#isPulling = false;
    } catch (error) {
      this.#isPulling = false;
      this.#fail(error, false);
    }
    this.#finishIfDone();
  }

  #next(size: number): unknown[] {
    if (this.#array !== undefined) {
      const end = this.#taken + size;
      this.#isExhausted = end >= this.#array.length;
      return this.#array.slice(this.#taken, end);
    }
    const items: unknown[] = [];
    const iterator = this.#iterator as Iterator<unknown>;
    try {
      while (items.length < size) {
        const step = iterator.next();
        if (step.done) {
          this.#isExhausted = true;
          break;
        }
        items.push(step.value);
      }
    } catch (error) {
      this.#inputThrew(error);
    }
    return items;
  }

  /** Takes the items of a chunk from a source that has to be awaited. */
  #pull(): void {
    const { chunksize = 1 } = this.#work.options;
    const items: unknown[] = [];
    const pull = async () => {
      try {
        while (items.length < chunksize && !this.#isExhausted) {
          const step = await this.#iterator.next();
          // It may have been ended meanwhile.
          if (this.#isExhausted) break;
          if (step.done) this.#isExhausted = true;
          else items.push(step.value);
        }
      } catch (error) {
        this.#inputThrew(error);
      }
      if (items.length > 0 && !this.#isOver && !this.#isInterrupted) this.#submit(items);
    };
    pull().then(() => {
      this.#isPulling = false;
      this.#pump();
    }, (error) => {
      this.#isPulling = false;
      this.#fail(error, false);
    });
  }

  #submit(items: unknown[]): void {
    const { engine, kind, target, options: { retries } } = this.#work;
    const start = this.#taken;
    this.#taken += items.length;
    let call: Call;
    try {
      call = engine.submit(target, items, { retries }, kind);
    } catch (error) {
      if (!(error instanceof ShareError)) throw error;
      const odd = oddItem(items, start, engine);
      if (odd === undefined || !this.#work.lazy) throw odd?.error ?? error;
      this.#taken = start;
      // What comes before it is given first.
      this.#endWith({ error: odd.error }, true);
      if (odd.at > 0) this.#submit(items.slice(0, odd.at));
      return;
    }
    if (call.payload instanceof Span) this.#bytes += call.payload.length;
    this.#calls.push(call);
    call.whenEnded(() => this.#ended(call));
  }

  /** The number of items that the next chunk takes. */
  #chunksize(): number {
    const { engine, lazy, options: { chunksize } } = this.#work;
    if (chunksize !== undefined) return chunksize;
    if (this.#items === 0) return 1;
    const mean = Math.max(this.#micros / this.#items, 0.01);
    const most = Math.ceil(BYTES / Math.max(1, this.#bytes / this.#taken));
    let size = Math.min(most, this.#size * GROWTH, Math.ceil(CHUNK / mean));
    this.#size = Math.max(this.#size, size);
    // The look-ahead grows with what the consumer has taken.
    if (lazy) size = Math.min(size, Math.ceil((this.#limit + this.#given) / this.#limit));
    if (this.#total === undefined) return size;
    // Towards the end they get smaller, so that all workers end at about the same time.
    const left = this.#total - this.#taken;
    return Math.max(1, Math.min(size, Math.ceil(left / (this.#limit + engine.maxWorkers))));
  }

  #ended(call: Call): void {
    if (this.#isOver || this.#isInterrupted && !this.#calls.includes(call)) return;
    const outcome = call.outcome!;
    if (!outcome.ok) return this.#failed(call, outcome.error);
    this.#micros += call.micros;
    this.#items += call.items;
    this.#done += (outcome.value as unknown[]).length;
    this.#tell();
    if (this.#work.ordered) this.#deliverInOrder();
    else {
      this.#calls.splice(this.#calls.indexOf(call), 1);
      this.#deliver(call);
    }
    this.#pump();
  }

  #deliverInOrder(): void {
    while (this.#calls[0]?.outcome?.ok) this.#deliver(this.#calls.shift()!);
    const { outcome } = this.#calls[0] ?? {};
    if (outcome?.ok === false) this.#fail(outcome.error, false, this.#calls.shift());
  }

  /** A chunk has failed. Who iterates in order is given first what comes before it. */
  #failed(call: Call, error: unknown): void {
    if (!this.#work.lazy || !this.#work.ordered) return this.#fail(error, false, call);
    if (!this.#isExhausted) closeInput(this.#iterator);
    this.#isExhausted = true;
    const at = this.#calls.indexOf(call);
    if (at < 0) return; // cancelled here
    const behind = this.#calls.splice(at + 1);
    for (const other of behind) this.#work.engine.cancel(other, mapFailed(), false);
    this.#deliverInOrder();
  }

  #deliver({ outcome }: Call): void {
    this.#untaken++;
    this.#work.deliver((outcome as { value: unknown[] }).value);
  }

  #tell(): void {
    const progress = this.#progress();
    this.#bar?.update(progress);
    const { onProgress } = this.#work.options;
    if (onProgress !== undefined) callSafely(() => onProgress(progress));
  }

  #progress(): Progress {
    return { done: this.#done, ...(this.#total === undefined ? {} : { total: this.#total }) };
  }

  #finishIfDone(): void {
    if (this.#isOver || !this.#isExhausted || this.#calls.length > 0) return;
    // The input may never give what it was asked for.
    if (this.#isPulling && !this.#isInterrupted) return;
    this.#end();
    this.#work.finish(this.#failure);
  }

  /**
   * Ends it by an error: what no worker has begun is cancelled, and what runs too if it must be.
   */
  #fail(error: unknown, running: boolean, call?: Call): void {
    if (this.#isOver) return;
    this.#end();
    const reason = running ? error : mapFailed();
    for (const other of this.#calls) this.#work.engine.cancel(other, reason, running);
    this.#calls = [];
    if (!this.#isExhausted) closeInput(this.#iterator);
    this.#work.finish({ error, ...(call === undefined ? {} : { call }) });
  }

  #end(): void {
    this.#isOver = true;
    this.#work.engine.forgetMap(this.#entry);
    this.#timer?.cancel();
    this.#work.options.signal?.removeEventListener("abort", this.#abort);
    this.#bar?.end(this.#progress());
  }
}

function mapFailed(): CancelledError {
  return new CancelledError("The call was cancelled: its map has failed");
}

/** Tells the source that nobody takes the rest of it. */
function closeInput(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  try {
    // What it gives may be a promise, of whatever class.
    Promise.resolve(iterator.return?.()).catch(() => {});
  } catch {
    // The map has failed already, and says why.
  }
}

function lengthOf(source: Iterable<unknown> | AsyncIterable<unknown>): number | undefined {
  if (Array.isArray(source)) return source.length;
  if (source instanceof Set || source instanceof Map) return source.size;
  return ArrayBuffer.isView(source) && !(source instanceof DataView)
    ? (source as Uint8Array).length
    : undefined;
}

/** The item that cannot cross, and what is said of it: by its number in the input. */
function oddItem(
  items: unknown[],
  start: number,
  engine: Caller,
): { at: number; error: unknown } | undefined {
  for (const [at, item] of items.entries()) {
    try {
      engine.check(item, `iterable[${start + at}]`);
    } catch (error) {
      return { at, error };
    }
  }
  return undefined;
}
