/**
 * A started child process, as its parent sees it: the link to it, its exit code and its outcome.
 *
 * It is spawned with its boot waiting at the rendezvous -> takes that and connects -> sends its
 * reports and its end -> exits, and Deno reaps it. Who dies when:
 *
 * - the child, at any point: its status arrives, the link ends; without an end message it is lost;
 * - the parent, at any point: the link's end makes the child exit; one that never pauses is killed,
 *   by the kernel where it may use FFI, else by a watchdog; a child that finds no parent at the
 *   rendezvous removes it.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { WorkerLostError } from "../../core/errors.ts";
import { recorder } from "../../core/hooks.ts";
import { reachedUnheld } from "../../core/promises.ts";
import { exitcodeOf, signalName, statusOf } from "../../core/signals.ts";
import { type Link, MOST_FROM_BELOW } from "../../channel/socket/link.ts";
import { mayMap, platform } from "../../memory/platform/mod.ts";
import { checkCancelled } from "../../sync/steps.ts";
import { modulesOf } from "../../transfer/codec/codec.ts";
import { loseAll, type Lost } from "../../transfer/flight.ts";
import type { TrustLevel } from "../../transfer/reduction.ts";
import { admit } from "../../transfer/task.ts";
import { adopt, type Adopted } from "../ended_children.ts";
import type { End } from "../job.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import { spawn, type Spawned, type SpawnOptions } from "./host.ts";
import { fromBytes, type FromProcess, type ProcessBoot, readWord, toBytes } from "./protocol.ts";

/** The time that the last words of an ended child may take to arrive, in ms. */
const LAST_WORDS = 1000;
/** The interval at which a blocked thread looks whether a child has ended, in ms. */
const LOOK = 2;

/** How a child is started. */
export interface Launch {
  /** What it is told, but where it leaves its end. */
  boot: Omit<ProcessBoot, "box">;
  /** The modules that it imports. */
  modules: string[];
  /** What the caller has chosen. */
  options: SpawnOptions;
  /** Told of its end: what it has not unpacked by then, it never will. */
  flights: Lost[];
  /** Called with each report. */
  onReport: ((value: unknown) => void) | undefined;
  /** Whether the toolkit runs it for itself: then `os.wait()` does not know it. */
  isService: boolean;
  /** Called when it has been reaped and has said all. */
  onGone: () => void;
}

/** A child process that this thread has started. */
export class StartedProcess {
  /** Deno's handle of it. */
  readonly child: Deno.ChildProcess;
  /** Settles with the end message, or when it can no longer come. */
  readonly told: Promise<void>;
  /** Settles when the child has been reaped and has said all. */
  readonly gone: Promise<void>;
  readonly #title: string;
  /** Where a trace has it, while one is on. */
  readonly #seat: unknown;
  /** What the target is called. */
  readonly #target: string;
  /** The child's relation to this process, and so from whom its words are. */
  readonly #level: TrustLevel;
  readonly #flights: Lost[];
  readonly #onReport: Launch["onReport"];
  readonly #onGone: () => void;
  /** Where `os.wait()` learns of its end. */
  readonly #adopted: Adopted | undefined;
  /** Where the child leaves its end, when FFI is granted. */
  #box: number | undefined;
  #link: Link | undefined;
  #exitcode: number | null = null;
  /** True if it was sent a signal from here. */
  #isKilled = false;
  #end: End<Uint8Array> | undefined;
  #outcome: Outcome | undefined;
  readonly #told = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();

  /**
   * Starts it.
   *
   * @throws {Error} It cannot be started; nothing is left of it.
   */
  constructor(launch: Launch) {
    const { me, target } = launch.boot;
    this.#title = `process ${show(me.name)}`;
    this.#target = target.name;
    this.#level = launch.options.level;
    this.#flights = launch.flights;
    this.#onReport = launch.onReport;
    this.#onGone = launch.onGone;
    this.told = this.#told.promise;
    this.gone = this.#gone.promise;
    const { child, rendezvous, watchdog } = this.#spawn(launch);
    this.child = child;
    this.#seat = launch.boot.trace;
    recorder?.began(this.#seat, child.pid);
    const status = statusOf(child.status);
    if (!launch.isService) this.#adopted = adopt(child.pid, status);
    // Where a report may wake up the program's own code it is to be waited for as that is.
    const keepsAlive = !me.daemon && launch.onReport !== undefined;
    if (!keepsAlive) {
      child.unref();
      rendezvous.unref();
    }
    const heard = this.#listen(rendezvous, keepsAlive);
    this.#reap(status, { rendezvous, watchdog }, heard);
  }

  /** How it ended, once that is known. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Its exit code: null while it runs, -SIG when killed by a signal. */
  get exitcode(): number | null {
    if (this.#exitcode === null && mayMap()) {
      // Blocked code cannot be told by the event loop: look.
      const ended = platform().ended(this.child.pid);
      if (ended !== undefined) this.#exitcode = ended.signal === 0 ? ended.code : -ended.signal;
    }
    return this.#exitcode;
  }

  /** Sends it a signal, if it has not ended. */
  kill(signal: Deno.Signal): void {
    try {
      if (this.exitcode !== null) return;
      this.child.kill(signal);
      this.#isKilled = true;
    } catch (cause) {
      // It has ended meanwhile.
      if (!(cause instanceof TypeError || cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }

  /** Notes that its end has been told: `os.wait()` does not give it any more. */
  collect(): void {
    this.#adopted?.collect();
  }

  /**
   * Blocks until it has ended; false when the timeout ended first.
   *
   * @throws {Deno.errors.NotCapable} It runs, and only the event loop could tell of its end.
   */
  waitSync(timeout: number): boolean {
    const deadline = performance.now() + timeout;
    const idle = new Int32Array(new SharedArrayBuffer(4));
    while (this.exitcode === null) {
      checkCancelled();
      const left = deadline - performance.now();
      if (left <= 0) return false;
      if (!mayMap()) throw needsFfi("join", "join()");
      if (platform().isReaped(this.child.pid)) throw this.#reapedError();
      Atomics.wait(idle, 0, 0, Math.min(LOOK, left));
    }
    this.collect();
    return true;
  }

  /**
   * Gives its outcome, after it has ended, from what it has left in memory.
   *
   * @throws {Deno.errors.NotCapable} It had no memory to leave it in.
   */
  outcomeSync(): Outcome {
    if (this.#outcome === undefined) {
      const end = this.#openBox();
      if (end === undefined && this.#exitcode === 0) {
        throw needsFfi("get the result of", "result()");
      }
      if (end !== undefined) this.#end = end;
      this.#outcome = this.#outcomeOf(end);
    }
    return this.#outcome;
  }

  #spawn({ boot, modules, options, flights }: Launch): Spawned {
    const sockets = flights.flatMap(({ socket }) => socket ?? []);
    try {
      if (mayMap()) this.#box = platform().createBox();
      const box = this.#box === undefined ? undefined : platform().path(this.#box);
      const bytes = toBytes({ ...boot, box } satisfies ProcessBoot, "boot");
      return spawn(bytes, modules, options, sockets);
    } catch (cause) {
      loseAll(flights);
      this.#closeBox();
      throw cause;
    }
  }

  /** Meets the child, and hears what it says until its end of the link closes. */
  async #listen(rendezvous: Spawned["rendezvous"], keepsAlive: boolean): Promise<void> {
    const link = await rendezvous.meet();
    if (link === undefined) return;
    this.#link = link;
    if (this.#level === "below") link.longest = MOST_FROM_BELOW;
    if (!keepsAlive) link.unref();
    try {
      for await (const frame of link.frames()) await this.#receive(readWord(frame));
    } catch (error) {
      // No words of ours: whoever it is, it is no longer listened to.
      this.#outcome ??= { ok: false, error };
      if (this.#level === "below") this.kill("SIGKILL");
    }
  }

  async #receive(message: FromProcess): Promise<void> {
    if (message.type === "report") {
      const onReport = this.#onReport;
      if (onReport === undefined) return;
      await admit(modulesOf(message.value), this.#level);
      onReport(fromBytes(message.value, this.#level));
      return;
    }
    const end = message.type === "boxed" ? this.#openBox() : message;
    if (this.#outcome === undefined && end !== undefined) {
      this.#end = end;
      if (end.type !== "exit") {
        // A module that cannot be imported here costs an error its class, and a value its
        // unpacking.
        const bytes = end.type === "done" ? end.value : end.error;
        await admit(modulesOf(bytes), this.#level).catch(() => {});
        this.#outcome ??= this.#outcomeOf(end);
      }
    }
    this.#told.resolve();
  }

  /** Waits for the end of the child and of what it said. */
  async #reap(
    status: Promise<Deno.CommandStatus>,
    { rendezvous, watchdog }: Omit<Spawned, "child">,
    heard: Promise<void>,
  ): Promise<void> {
    this.#exitcode = exitcodeOf(await status, this.#isKilled);
    recorder?.reaped(this.#seat, this.#exitcode);
    const unwatched = watchdog?.end();
    // While this thread was blocked the child may have come, spoken and gone: then it is still to
    // be met.
    if (!rendezvous.isVisited) rendezvous.end();
    await reachedUnheld(heard, LAST_WORDS);
    rendezvous.end();
    this.#link?.close();
    if (this.#outcome === undefined && this.#box !== undefined) {
      await this.#receive({ type: "boxed" }).catch((error) => {
        this.#outcome ??= { ok: false, error };
      });
    }
    this.#outcome ??= { ok: false, error: this.#lostError() };
    await Promise.all(this.#flights.map((lost) => lost()));
    this.#closeBox();
    await unwatched;
    this.#onGone();
    this.#told.resolve();
    this.#gone.resolve();
  }

  #closeBox(): void {
    if (this.#box !== undefined) platform().close(this.#box);
    this.#box = undefined;
  }

  /** The box that the child has left, if it has. */
  #openBox(): End<Uint8Array> | undefined {
    if (this.#box === undefined) return undefined;
    const bytes = platform().readBox(this.#box);
    return bytes.length === 0 ? undefined : readWord(bytes) as End<Uint8Array>;
  }

  #outcomeOf(end: End<Uint8Array> | undefined): Outcome {
    return outcomeOf(end, (bytes) => fromBytes(bytes, this.#level)) ??
      { ok: false, error: this.#lostError() };
  }

  #lostError(): WorkerLostError {
    const exitcode = this.#exitcode!;
    const signal = exitcode < 0 ? signalName(-exitcode) : null;
    const how = signal !== null
      ? `was killed by ${signal}`
      : this.#end?.type === "exit"
      ? `ended by exit(${exitcode})`
      : `ended with exit code ${exitcode}`;
    const title = `${this.#title} (pid ${this.child.pid})`;
    return new WorkerLostError(
      `${title} ${how} before it gave the result of ${show(this.#target)}`,
      { exitcode, signal },
    );
  }

  /** The event loop has reaped the child, and had no time yet to say so. */
  #reapedError(): Error {
    return new Error(
      `Cannot join ${this.#title} and block: it has just ended, and how it did is known once ` +
        "the event loop goes on; use await join()",
    );
  }
}

function needsFfi(action: string, form: string): Error {
  const flag = Deno.build.os === "linux" ? "run again with --allow-ffi, or " : "";
  return new Deno.errors.NotCapable(
    `Cannot ${action} a process and block: Deno reaps children on the event loop; ` +
      `${flag}use await ${form}`,
  );
}
