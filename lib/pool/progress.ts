/**
 * The progress of a map: told to the caller, and drawn as a bar on standard error where that is a
 * terminal.
 *
 * @module
 */

/** The progress of a map. */
export interface Progress {
  /** The number of items that are done. */
  done: number;
  /** Their number, if that is known. */
  total?: number;
}

/** The least time between two drawings, in ms. */
const EVERY = 100;
const WIDTH = 24;

/** A bar that is drawn over itself. */
export class ProgressBar {
  readonly #began = performance.now();
  readonly #write: (text: string) => void;
  #drawn = -Infinity;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** A bar on standard error; undefined where that is no terminal. */
  static onTerminal(): ProgressBar | undefined {
    if (!Deno.stderr.isTerminal()) return undefined;
    const encoder = new TextEncoder();
    return new ProgressBar((text) => Deno.stderr.writeSync(encoder.encode(text)));
  }

  /** Draws it, unless it was drawn just now. */
  update(progress: Progress): void {
    const now = performance.now();
    if (now - this.#drawn < EVERY) return;
    this.#drawn = now;
    this.#write(`\r${this.#text(progress, now)}\x1b[K`);
  }

  /** Draws it for the last time, and ends its line. */
  end(progress: Progress): void {
    this.#write(`\r${this.#text(progress, performance.now())}\x1b[K\n`);
  }

  #text({ done, total }: Progress, now: number): string {
    const seconds = Math.max((now - this.#began) / 1000, 1e-3);
    const rate = done / seconds;
    const speed = `${rate >= 10 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1)}/s`;
    if (total === undefined) return `${done.toLocaleString("en")}  ${speed}`;
    const part = total === 0 ? 1 : done / total;
    const full = Math.floor(part * WIDTH);
    const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
    const left = done === 0 ? "?" : timeText((total - done) / rate);
    const end = done >= total ? timeText(seconds) : `ETA ${left}`;
    const percent = `${Math.floor(part * 100)}`.padStart(3);
    return `${bar} ${percent} %  ${done.toLocaleString("en")}/${
      total.toLocaleString("en")
    }  ${speed}  ${end}`;
  }
}

function timeText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${`${Math.floor(seconds % 60)}`.padStart(2, "0")} min`;
}
