/**
 * Threads or processes, as the user likes: the part of the examples that makes the choice.
 *
 * @module
 */
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { context } from "../../lib/task.ts";
import * as threading from "../../lib/threading.ts";

/** What the workers of a crew are. */
export type Workers = "processes" | "threads";

/** The words for `--workers`. */
export const WORKERS: readonly Workers[] = ["processes", "threads"];

/** What they are when nobody says it: processes, where these can share a lock. */
export const USUAL: Workers = Deno.build.os === "linux" ? "processes" : "threads";

/** Waits until everybody it is for has come: see {@linkcode Crew.gate}. */
export interface Gate {
  lock: threading.Lock;
  /** What a worker reports when it stands before the gate. */
  id: string;
}

/** Says that this worker stands before the gate, and waits until it opens. */
export async function pass(gate: Gate): Promise<void> {
  context().report(gate.id);
  using _ = await gate.lock.acquire();
}

/** Workers of one kind, and the locks between them. */
export class Crew implements AsyncDisposable {
  readonly #workers: Workers;
  readonly #hired: (threading.Thread | multiprocessing.Process)[] = [];
  readonly #gates = new Map<string, () => void>();

  constructor(workers: Workers) {
    this.#workers = workers;
  }

  /** A lock that this crew's workers can be given. */
  lock(): threading.Lock {
    return this.#workers === "processes" ? new multiprocessing.Lock() : new threading.Lock();
  }

  /** A gate that opens once `parties` workers have reported that they stand before it. */
  async gate(parties: number, onOpen: () => void = () => {}): Promise<Gate> {
    const gate = { lock: this.lock(), id: `gate ${this.#gates.size + 1}` };
    const shut = await gate.lock.acquire();
    let here = 0;
    this.#gates.set(gate.id, () => {
      if (++here < parties) return;
      shut.release();
      onOpen();
    });
    return gate;
  }

  /** Starts a worker; `target` is an exported function of the main module. */
  hire<R, T>(
    target: (arg: T) => R | PromiseLike<R>,
    arg: T,
    name: string,
  ): threading.Thread<R, [T]> | multiprocessing.Process<R, [T]> {
    const args: [T] = [arg];
    const onReport = (gate: string) => this.#gates.get(gate)?.();
    const worker = this.#workers === "processes"
      ? new multiprocessing.Process<R, [T]>(target, { args, name, onReport })
      : new threading.Thread<R, [T]>(target, { args, name, onReport });
    worker.start();
    this.#hired.push(worker);
    return worker;
  }

  /** Stops whoever still works. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#hired) if (worker.isAlive()) stop(worker);
    // Also those that have ended: what belonged to them is gone once they are joined.
    await Promise.all(this.#hired.map((worker) => worker.join({ timeout: 2_000 })));
  }
}

/** Ends a worker at once: a process by SIGKILL, a thread as far as that can be done. */
export function stop(worker: { terminate(): void; kill?(): void }): void {
  if (worker.kill) worker.kill();
  else worker.terminate();
}
