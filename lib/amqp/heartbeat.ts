/**
 * Signs of life. Each side sends something at least every `seconds`: any frame counts, so a
 * heartbeat is sent only where nothing else was for half that time. A side that is not heard for
 * twice that time is gone.
 *
 * A thread that was itself held up (a long computation, a computer that slept) has heard nothing
 * either, though the bytes lie in its socket. So a tick that comes late judges nobody: by the next
 * one the socket has been read.
 *
 * @module
 */

/** What is known of a socket. */
interface Signs {
  readonly lastRead: number;
  readonly lastWritten: number;
  readonly isWriting: boolean;
}

/** What a heartbeat does. */
interface HeartbeatActions {
  /** Sends one. */
  beat(): void;
  /** The other side has not been heard for so many ms. */
  silent(ms: number): void;
}

/** How many ticks a heartbeat has. */
const TICKS = 4;

/** Sends heartbeats and listens for them, until it is stopped. It keeps no program alive. */
export class Heartbeat {
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Starts it.
   *
   * @param seconds The time that both sides have agreed to, over 0.
   */
  constructor(seconds: number, signs: Signs, { beat, silent }: HeartbeatActions) {
    const tick = seconds * 1000 / TICKS;
    let last = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const isLate = now - last > 2 * tick;
      last = now;
      const quiet = now - signs.lastRead;
      if (!isLate && quiet > seconds * 2000) return silent(quiet);
      // Bytes that wait for the other side to take them are a sign of life to come.
      if (!signs.isWriting && now - signs.lastWritten >= seconds * 500) beat();
    }, tick);
    this.#timer.unref();
  }

  /** Stops it. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
