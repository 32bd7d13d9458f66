/**
 * What the benches share: figures by name, their medians, CPython beside them.
 *
 * @module
 */

/** The middle one. */
export function median(figures: number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1]!;
}

/** A clock, in ms, that all threads and processes of this computer share. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Runs a script of Python's, and gives the numbers that it prints.
 *
 * @returns None where python3 is not there.
 * @throws {Error} The script fails.
 */
export function python(code: string, ...args: (string | number)[]): number[] {
  return figuresOf("python3", ["-c", code, ...args.map(String)]);
}

/** As {@linkcode python}, for any program; `cwd` is where it runs. */
export function figuresOf(program: string, args: string[], cwd?: string): number[] {
  const decoder = new TextDecoder();
  try {
    const { stdout, stderr, success } = new Deno.Command(program, { args, cwd }).outputSync();
    if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout).trim().split(/\s+/).map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** How {@linkcode Figures.show} prints a line. */
export interface ShowOptions {
  /** What the figures are in. Default: `"µs"`. */
  unit?: string;
  /** Digits after the point. Default: 2. */
  digits?: number;
  /** The name of the figures to compare with, where there are any. */
  beside?: string;
  /** Whose they are. Default: `"CPython"`. */
  whose?: string;
  /** How wide the name is. Default: 20. */
  width?: number;
}

/** What has been measured, by name, over all rounds. */
export class Figures {
  readonly #seen = new Map<string, number[]>();

  /** Adds a figure; undefined is one that could not be had. */
  note(name: string, figure: number | undefined): void {
    if (figure !== undefined) this.#seen.set(name, [...this.#seen.get(name) ?? [], figure]);
  }

  /** The median of a name, or undefined if it has no figures. */
  median(name: string): number | undefined {
    const figures = this.#seen.get(name);
    return figures && median(figures);
  }

  /**
   * How many times the other's median the first one's is, or undefined if either has no figures.
   */
  ratio(name: string, other: string): number | undefined {
    const [a, b] = [this.median(name), this.median(other)];
    return a === undefined || b === undefined ? undefined : a / b;
  }

  /** Prints the median of a name, and its ratio to another's. */
  show(name: string, options: ShowOptions = {}): void {
    const { unit = "µs", digits = 2, beside = "", whose = "CPython", width = 20 } = options;
    const figure = this.median(name);
    if (figure === undefined) return;
    const ratio = this.ratio(name, beside);
    const behind = ratio === undefined ? "" : `  ${ratio.toFixed(2)} x ${whose}`;
    console.log(`${name.padEnd(width)} ${figure.toFixed(digits).padStart(7)} ${unit}${behind}`);
  }
}
