/**
 * The results of a map, one result after the other, or all at once.
 *
 * @module
 */
import { Completion } from "./completion.ts";
import { holdProgram } from "../core/promises.ts";
import { withLocalStack } from "../transfer/failure.ts";
import { type MapFailure, MapRun, type MapWork } from "./map_run.ts";

/** The request of a map: what is to be mapped, and how. */
export type MapRequest = Omit<MapWork, "lazy" | "deliver" | "finish">;

/** Maps all of it; the value is the array of results. */
export function mapAll(request: Omit<MapRequest, "ordered">): Completion {
  const all = new Completion();
  const results = new Concatenation();
  // deno-lint-ignore prefer-const -- it is used where it is made
  let run: MapRun;
  run = new MapRun({
    ...request,
    ordered: true,
    lazy: false,
    deliver(chunk) {
      results.add(chunk);
      run.took(chunk.length);
    },
    finish(failure) {
      if (failure !== undefined) {
        all.worker = failure.call?.worker ?? "";
        all.isCancelled = failure.call === undefined;
        all.told = failure.told;
      }
      all.end(
        failure === undefined
          ? { ok: true, value: results.whole() }
          : { ok: false, error: failure.error },
      );
    },
  });
  // Its source may be awaited, when no call is under way that would keep the program alive.
  if (all.outcome === undefined) all.whenEnded(holdProgram());
  return all;
}

/** The number of lists that become one at a time: they are arguments on the stack. */
const AT_ONCE = 1024;

/** Lists, one behind the other: the engine copies a list as a whole. */
class Concatenation {
  readonly #done: unknown[][] = [];
  #lists: unknown[][] = [];

  add(list: unknown[]): void {
    this.#lists.push(list);
    if (this.#lists.length < AT_ONCE) return;
    this.#done.push(joined(this.#lists));
    this.#lists = [];
  }

  whole(): unknown[] {
    return joined([...this.#done, ...this.#lists]);
  }
}

function joined(lists: unknown[][]): unknown[] {
  const none: unknown[] = [];
  return none.concat(...lists);
}

/** The results of a map as they come. */
export class MapResults<R> implements AsyncIterableIterator<R> {
  readonly #run: MapRun;
  /** Where the map was asked for. */
  readonly #here = new Error();
  #chunks: unknown[][] = [];
  #at = 0;
  #failure: MapFailure | undefined;
  #isFinished = false;
  #letGo: (() => void) | undefined;
  #asked: { resolve: (step: IteratorResult<R>) => void; reject: (error: unknown) => void }[] = [];

  constructor(request: MapRequest) {
    this.#run = new MapRun({
      ...request,
      lazy: true,
      deliver: (chunk) => {
        this.#chunks.push(chunk);
        this.#answer();
      },
      finish: async (failure) => {
        if (failure?.told !== undefined) await failure.told;
        if (this.#isFinished) return;
        this.#isFinished = true;
        this.#failure = failure;
        this.#answer();
      },
    });
  }

  /** The next result. */
  next(): Promise<IteratorResult<R>> {
    const chunk = this.#chunks[0];
    if (chunk !== undefined && this.#asked.length === 0) {
      return Promise.resolve({ done: false, value: this.#take(chunk) });
    }
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#letGo ??= holdProgram();
      this.#answer();
    });
  }

  /** Ends the map: what no worker has begun is cancelled. */
  return(): Promise<IteratorResult<R>> {
    this.#run.stop();
    this.#chunks = [];
    this.#failure = undefined;
    this.#isFinished = true;
    this.#answer();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The iterator itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the map. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #take(chunk: unknown[]): R {
    const value = chunk[this.#at++] as R;
    if (this.#at === chunk.length) {
      this.#chunks.shift();
      this.#at = 0;
      this.#run.took(chunk.length);
    }
    return value;
  }

  #answer(): void {
    while (this.#asked.length > 0) {
      const chunk = this.#chunks[0];
      if (chunk === undefined && !this.#isFinished) return;
      if (this.#asked.length === 1) {
        this.#letGo?.();
        this.#letGo = undefined;
      }
      const { resolve, reject } = this.#asked.shift()!;
      if (chunk !== undefined) resolve({ done: false, value: this.#take(chunk) });
      else if (this.#failure === undefined) resolve({ done: true, value: undefined });
      else {
        const { error, call } = this.#failure;
        this.#failure = undefined;
        reject(call === undefined ? error : withLocalStack(error, call.worker, this.#here.stack));
      }
    }
  }
}
