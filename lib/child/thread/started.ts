/**
 * A started thread, as its handle sees it: whether it lives, how it is stopped, and its outcome.
 *
 * Who dies when:
 *
 * - the task throws, or the worker ends itself: its entry reports that as its end, and leaves as
 *   dead;
 * - it is terminated in a wait, or idle: the same, with ThreadTerminated;
 * - it is terminated and never pauses: after {@linkcode GRACE} the starter takes it out of the
 *   roster (its slot is not used again) and ends its worker; nothing it does is noticed any more;
 * - its starter ends first: it runs on; an uncaught error is then printed by itself.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { ThreadTerminated, WorkerLostError } from "../../core/errors.ts";
import { flushes, services } from "../../core/hooks.ts";
import { messageIn, take, unref, whenLoaded } from "../../core/ports.ts";
import { held, reached } from "../../core/promises.ts";
import { HeapRegion } from "../../memory/heap_region.ts";
import { CANCEL, CUT, type Listed, STATE, STOP } from "../../memory/roster.ts";
import { leave, self } from "../../memory/this_thread.ts";
import { endOf } from "../../memory/wait_notes.ts";
import type { Park, Steps } from "../../sync/steps.ts";
import type { Lost } from "../../transfer/flight.ts";
import { modulesOfPacked, type Packed, unpack } from "../../transfer/pack.ts";
import { revive } from "../../transfer/reduce.ts";
import { load } from "../../transfer/task.ts";
import type { End } from "../job.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import { endWorker } from "./host.ts";
import type { FromThread, ThreadPorts } from "./protocol.ts";

/** The time that a terminated thread has to end by itself, in ms. */
const GRACE = 500;
/** The interval at which it is looked for a thread that has said nothing at its end, in ms. */
const LOOK = 250;

let rosterRegion: HeapRegion | undefined;

/** The ports of threads that are to be told to stop. */
const stopping = new Set<MessagePort>();

/**
 * Has a thread told to stop at the end of this turn, or before this thread waits: of several that
 * are terminated in one turn, none takes what another one leaves.
 */
function tellToStop(port: MessagePort): void {
  if (stopping.size === 0) {
    queueMicrotask(stopAll);
    flushes.add(stopAll);
  }
  stopping.add(port);
}

function stopAll(): void {
  for (const port of stopping) port.postMessage({ type: "stop" });
  stopping.clear();
  flushes.delete(stopAll);
}

/** What the starter of a thread has of it, and others have not. */
export interface Starter {
  /** Its ends of the thread's ports. */
  ports: ThreadPorts;
  /** True if what the thread says keeps no program alive. */
  daemon: boolean;
  /** Told of its end: what it has not unpacked by then, it never will. */
  flights: Lost[];
  /** Gives its name, as errors tell it. */
  name: () => string;
  /** Called with each report. */
  onReport: ((value: unknown) => void) | undefined;
  /** Called once when it has ended. */
  onEnd: () => void;
  /** Called with the error that has ended it. */
  onUncaught: (error: unknown) => void;
}

/** A thread that has been started, by this thread or by another one. */
export class StartedThread {
  /** Its entry in the roster. */
  readonly me: Listed;
  readonly #starter: Starter | undefined;
  /** Until the port is closed. */
  #port: MessagePort | undefined;
  /** Settles when the thread has said its last word on its port. */
  readonly #told = Promise.withResolvers<void>();
  #landed: (void | Promise<void>)[] = [];
  #ended = false;
  #end: End<Packed> | undefined;
  #outcome: Outcome | undefined;
  #stopped = false;
  #cutAt = Infinity;
  #cutTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #cutService = (): boolean => {
    this.#cutIfOverdue();
    return false;
  };

  /** A thread in the roster; with `starter`, one that this thread has started. */
  constructor(me: Listed, starter?: Starter) {
    this.me = me;
    this.#starter = starter;
    if (starter === undefined) return;
    const { port } = starter.ports;
    this.#port = port;
    whenLoaded(() => {
      if (this.#port !== port) return;
      port.onmessage = ({ data }) => this.#receive(messageIn(data) as FromThread);
      if (starter.daemon) unref(port);
    });
  }

  /** How it ended; known once it has been collected. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Settles when it has said its last word; keeps no program alive. */
  get told(): Promise<void> {
    const timer = setInterval(() => {
      if (this.hasEnded()) this.#told.resolve();
    }, LOOK);
    timer.unref();
    return this.#told.promise.finally(() => clearInterval(timer));
  }

  /** Whether it counts as ended. */
  hasEnded(): boolean {
    this.#cutIfOverdue();
    return this.#ended || self().roster.hasEnded(this.me.slot, this.me.ident);
  }

  /** Waits on the word of its state, which its end wakes. */
  *wait(): Steps<true> {
    const { slot, ident } = this.me;
    const { words, memory } = self();
    const region = rosterRegion ??= new HeapRegion(memory);
    const park: Park = {
      region,
      index: slot + STATE,
      value: 0,
      on: endOf(ident),
      holder: ident,
    };
    for (;;) {
      park.value = Atomics.load(words, slot + STATE);
      if (this.hasEnded()) return true;
      yield park;
    }
  }

  /** Has it stopped, by itself or else by being cut off. */
  terminate(): void {
    if (this.hasEnded() || this.#stopped) return;
    this.#stopped = true;
    Atomics.compareExchange(self().words, this.me.slot + CANCEL, 0, STOP);
    if (this.#port !== undefined) tellToStop(this.#port);
    this.#cutAt = performance.now() + GRACE;
    this.#cutTimer = setTimeout(() => this.#cutIfOverdue(), GRACE);
    // Also while this thread is blocked, perhaps waiting for what the other holds.
    services.add(this.#cutService);
  }

  /** Takes all that an ended thread has left; then its outcome is known. */
  async collect(): Promise<void> {
    if (this.#starter === undefined) return;
    this.#finish();
    const end = this.#end;
    // Its reports come first, and what it put on queues: the roster is quicker than the event loop.
    // A worker that fell over may not have said that it ended.
    await reached(this.#told.promise, GRACE);
    this.#close();
    if (this.#landed.length > 0) await held(Promise.all(this.#landed));
    if (this.#outcome === undefined && end !== undefined && end.type !== "exit") {
      const packed = end.type === "done" ? end.value : end.error;
      // A module that cannot be imported here costs an error its class, and a value its unpacking.
      for (const module of modulesOfPacked(packed)) await load(module).catch(() => {});
    }
    this.#conclude();
  }

  /** As {@linkcode collect}, with what is there already. */
  collectSync(): void {
    if (this.#starter === undefined) return;
    for (let port = this.#port; port !== undefined; port = this.#port) {
      const message = take(port);
      if (message === undefined) break;
      this.#receive(message as FromThread);
    }
    this.#finish();
    this.#conclude();
  }

  #cutIfOverdue(): void {
    if (performance.now() < this.#cutAt) return;
    this.#cutAt = Infinity;
    const { slot, ident } = this.me;
    if (self().roster.hasEnded(slot, ident)) return;
    Atomics.store(self().words, slot + CANCEL, CUT);
    leave(slot, ident, true, false);
    this.#finish();
    this.#close();
  }

  #receive(message: FromThread): void {
    if (message.type === "ended") {
      const { slot, ident } = this.me;
      leave(slot, ident, message.dead, true);
      this.#finish();
      this.#close();
      return;
    }
    const { onReport } = this.#starter!;
    if (onReport === undefined) return;
    const modules = modulesOfPacked(message.value);
    if (modules.length === 0) onReport(unpack(message.value, revive));
    else Promise.all(modules.map(load)).then(() => onReport(unpack(message.value, revive)));
  }

  /** Takes the end that the thread left, if it left one. */
  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#cutTimer);
    services.delete(this.#cutService);
    if (this.#starter === undefined) return;
    const { ports, flights, onEnd } = this.#starter;
    onEnd();
    this.#landed = flights.splice(0).map((lost) => lost());
    const end = this.#end = take(ports.ends) as End<Packed> | undefined;
    ports.ends.close();
    // An uncaught error is told even if nobody ever asks.
    if (end?.type === "failed" && !end.terminated) this.collect();
  }

  /** Closes the port: nothing more will come on it. What is left of the worker goes as well. */
  #close(): void {
    if (this.#port === undefined) return;
    this.#port.close();
    endWorker(this.me.ident);
    this.#port = undefined;
    this.#told.resolve();
  }

  #conclude(): void {
    // Threads that this one started have said their last words to the main thread by now.
    for (const serve of services) serve();
    if (this.#outcome !== undefined) return;
    const end = this.#end;
    this.#outcome = outcomeOf(end, (packed) => unpack(packed, revive)) ??
      { ok: false, error: this.#lost() };
    if (end?.type === "failed" && !end.terminated && !this.#outcome.ok) {
      this.#starter!.onUncaught(this.#outcome.error);
    }
  }

  /** The error of one that has left no result. */
  #lost(): Error {
    const name = show(this.#starter!.name());
    if (this.#end?.type === "exit") {
      const { code } = this.#end;
      const message = `thread ${name} ended by exit(${code}) before it gave a result`;
      return new WorkerLostError(message, { exitcode: code, signal: null });
    }
    return this.#stopped
      ? new ThreadTerminated(`Thread ${name} was terminated`)
      : new WorkerLostError(`thread ${name} ended without a result`);
  }
}
