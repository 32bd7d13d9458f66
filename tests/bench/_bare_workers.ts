/**
 * What bare Web Workers do of what `pools.ts` measures, without the toolkit: what this Deno has to
 * give. The module is the workers' program too.
 *
 * @module
 */
import { median } from "./_figures.ts";

/** How a payload goes to a bare worker and back. */
export type Way = "rings" | "copied" | "moved";

const PAYLOADS = 200;
const MIB = 1 << 20;
/** The payloads that fit in a ring. */
const PLACES = 2;
/** The words of a ring: how many were put, and how many taken. */
const PUT = 0;
const TAKEN = 16;
const WORDS = 32;

/** A ring for payloads of 1 MiB each: who waits for one parks. */
class BareRing {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;

  constructor(
    readonly memory: SharedArrayBuffer = new SharedArrayBuffer(4 * WORDS + PLACES * MIB),
  ) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#bytes = new Uint8Array(memory, 4 * WORDS);
  }

  tryPut(payload: Uint8Array): boolean {
    const put = this.#words[PUT];
    if (put - Atomics.load(this.#words, TAKEN) === PLACES) return false;
    this.#bytes.set(payload, put % PLACES * MIB);
    Atomics.store(this.#words, PUT, put + 1);
    Atomics.notify(this.#words, PUT);
    return true;
  }

  tryTake(): Uint8Array | undefined {
    const taken = this.#words[TAKEN];
    if (Atomics.load(this.#words, PUT) === taken) return undefined;
    const at = taken % PLACES * MIB;
    const payload = new Uint8Array(this.#bytes.subarray(at, at + MIB));
    Atomics.store(this.#words, TAKEN, taken + 1);
    Atomics.notify(this.#words, TAKEN);
    return payload;
  }

  putSync(payload: Uint8Array): void {
    while (!this.tryPut(payload)) {
      Atomics.wait(this.#words, TAKEN, this.#words[PUT] - PLACES);
    }
  }

  takeSync(): Uint8Array {
    for (;;) {
      const payload = this.tryTake();
      if (payload !== undefined) return payload;
      Atomics.wait(this.#words, PUT, this.#words[TAKEN]);
    }
  }
}

async function startWorkers(count: number): Promise<Worker[]> {
  const workers = Array.from(
    { length: count },
    () => new Worker(import.meta.url, { type: "module" }),
  );
  await Promise.all(workers.map((worker) => new Promise((up) => worker.onmessage = up)));
  return workers;
}

/** The first of some figures and their median, after one that does not count. */
async function repeated(repeats: number, run: () => Promise<number>): Promise<number[]> {
  await run();
  const figures: number[] = [];
  for (let k = 0; k < repeats; k++) figures.push(await run());
  return [figures[0], median(figures)];
}

/** 200 × 1 MiB to workers and back, in MB/s. */
export async function barePayload(way: Way, count: number, repeats: number): Promise<number[]> {
  const workers = await startWorkers(count);
  const echo = way === "rings" ? throughRings(workers) : byMessages(workers, way);
  const figures = await repeated(repeats, async () => {
    const began = performance.now();
    const back = await echo();
    const took = performance.now() - began;
    if (back.some(({ length }) => length !== MIB)) throw new Error("not exact");
    return PAYLOADS * MIB / took / 1e3;
  });
  for (const worker of workers) worker.terminate();
  return figures;
}

function throughRings(workers: Worker[]): () => Promise<Uint8Array[]> {
  const payload = new Uint8Array(MIB).fill(1);
  const pairs = workers.map((worker) => {
    const [there, back] = [new BareRing(), new BareRing()];
    worker.postMessage({ there: there.memory, back: back.memory });
    return { there, back };
  });
  return () => {
    const back: Uint8Array[] = [];
    for (let put = 0; back.length < PAYLOADS;) {
      for (const ring of pairs) {
        while (put < PAYLOADS && ring.there.tryPut(payload)) put++;
        for (let one = ring.back.tryTake(); one !== undefined; one = ring.back.tryTake()) {
          back.push(one);
        }
      }
    }
    return Promise.resolve(back);
  };
}

function byMessages(workers: Worker[], way: Way): () => Promise<Uint8Array[]> {
  let payloads = Array.from({ length: PAYLOADS }, () => new Uint8Array(MIB).fill(1));
  return async () => {
    const back: Uint8Array<ArrayBuffer>[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const worker of workers) {
      worker.onmessage = ({ data }) => {
        back.push(data);
        if (back.length === PAYLOADS) resolve();
      };
    }
    for (const [k, payload] of payloads.entries()) {
      const transfer = way === "moved" ? [payload.buffer] : [];
      workers[k % workers.length].postMessage({ payload, way }, transfer);
    }
    await promise;
    return payloads = back;
  };
}

/** One added to each of so many numbers, in 16 chunks made by hand, in µs a number. */
export async function bareMap(numbers: number, count: number, repeats: number): Promise<number[]> {
  const all = Array.from({ length: numbers }, (_, k) => k);
  const workers = await startWorkers(count);
  const size = numbers / 16;
  const figures = await repeated(repeats, async () => {
    const began = performance.now();
    const chunks: number[][] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = 16;
    for (const worker of workers) {
      worker.onmessage = ({ data: { k, sums } }) => {
        chunks[k] = sums;
        if (--left === 0) resolve();
      };
    }
    for (let k = 0; k < 16; k++) {
      const chunk = all.slice(k * size, (k + 1) * size);
      workers[k % workers.length].postMessage({ k, chunk });
    }
    await promise;
    const sums = chunks.flat();
    const took = performance.now() - began;
    if (sums.at(-1) !== numbers || sums.length !== numbers) throw new Error("not exact");
    return took / numbers * 1e3;
  });
  for (const worker of workers) worker.terminate();
  return figures;
}

/** So many numbers by an async iterator that has them all: nothing else is done. */
export async function bareIteration(numbers: number, repeats: number): Promise<number[]> {
  return await repeated(repeats, async () => {
    let next = 0;
    const source = {
      next: () => Promise.resolve({ done: next === numbers, value: next++ }),
      [Symbol.asyncIterator]: () => source,
    };
    const began = performance.now();
    const all: number[] = [];
    for await (const number of source) all.push(number);
    return (performance.now() - began) / numbers * 1e3;
  });
}

interface Message {
  there?: SharedArrayBuffer;
  back?: SharedArrayBuffer;
  chunk?: number[];
  k?: number;
  payload?: Uint8Array<ArrayBuffer>;
  way?: Way;
}

const worker = globalThis as unknown as Worker;

function answer({ there, back, chunk, k, payload, way }: Message): void {
  if (chunk !== undefined) return worker.postMessage({ k, sums: chunk.map((x) => x + 1) });
  if (payload !== undefined) {
    return worker.postMessage(payload, way === "moved" ? [payload.buffer] : []);
  }
  const from = new BareRing(there);
  const to = new BareRing(back);
  for (;;) to.putSync(from.takeSync());
}

if ("WorkerGlobalScope" in globalThis && import.meta.main) {
  worker.onmessage = ({ data }) => answer(data);
  worker.postMessage("up");
}
