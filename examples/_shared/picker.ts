/**
 * Picking a line of a list in a terminal: by arrow keys, by its number, by a part of its name.
 *
 * `Picker` knows what keys do and what is seen, `Keyboard` which keys are pressed; `pick()` has the
 * terminal. Who leaves by Esc leaves a read of the terminal under way: end the program by
 * `Deno.exit()`.
 *
 * @module
 */
import { columnsOf } from "./language.ts";

/** A line of the list. */
export interface Row {
  text: string;
  /** What is typed to get here: a number, or a part of a name; none: a title, never picked. */
  keys?: { number: number; name: string };
}

/** What the user wants. */
export type Wish = "pick" | "leave" | "interrupt";

/** A list of which one line is marked. */
export class Picker {
  /** What was typed so far. */
  typed = "";
  #marked: number;
  #top = 0;

  constructor(readonly rows: Row[]) {
    this.#marked = rows.findIndex(({ keys }) => keys);
  }

  /** The line that is marked. */
  get marked(): Row {
    return this.rows[this.#marked];
  }

  /** Takes one key, as a terminal in raw mode sends it; says if that was a wish. */
  press(key: string): Wish | undefined {
    switch (key) {
      case "\x03": // Ctrl-C: in raw mode it is a key as any other
        return "interrupt";
      case "\x04": // Ctrl-D
        return "leave";
      case "\r":
      case "\n":
        return "pick";
      case "\x1b": // Esc
        if (this.typed === "") return "leave";
        this.typed = "";
        return undefined;
      case "\x1b[A":
      case "\x1bOA":
        return this.#move(-1);
      case "\x1b[B":
      case "\x1bOB":
        return this.#move(1);
      case "\x7f": // Backspace
      case "\b":
        return this.#look(this.typed.slice(0, -1));
    }
    if (key === "q" && this.typed === "") return "leave";
    return /^[\w/. -]$/.test(key) ? this.#look(this.typed + key) : undefined;
  }

  /** Marks the next line that is no title. */
  #move(by: 1 | -1): undefined {
    this.typed = "";
    let next = this.#marked + by;
    while (this.rows[next] !== undefined && !this.rows[next].keys) next += by;
    if (this.rows[next] !== undefined) this.#marked = next;
    return undefined;
  }

  /** Marks the line that is meant; what means none is not taken. */
  #look(typed: string): undefined {
    const found = typed === "" ? this.#marked : this.rows.findIndex(({ keys }) => {
      if (!keys) return false;
      return /^\d+$/.test(typed) ? keys.number === Number(typed) : keys.name.includes(typed);
    });
    if (found === -1) return undefined;
    this.typed = typed;
    this.#marked = found;
    return undefined;
  }

  /** The lines to show in so many rows and columns, the marked one among them. */
  draw(rows: number, columns: number): string[] {
    const last = Math.max(0, this.rows.length - rows);
    // A line above the marked one shows its chapter's title, at the chapter's beginning.
    this.#top = Math.min(this.#top, Math.max(0, this.#marked - 1), last);
    this.#top = Math.max(this.#top, this.#marked - rows + 1);
    return this.rows.slice(this.#top, this.#top + rows).map((row) => {
      const isMarked = row === this.marked;
      const text = cut(`${isMarked ? ">" : " "} ${row.text}`, columns);
      if (isMarked) return `\x1b[7m${text}\x1b[0m`;
      return row.keys ? text : `\x1b[1m${text}\x1b[0m`;
    });
  }
}

/** The beginning of a text that fits in so many columns. */
export function cut(text: string, columns: number): string {
  let end = text;
  while (columnsOf(end) > columns) end = [...end].slice(0, -1).join("");
  return end;
}

/** Takes apart what a terminal sent: several keys may come at once. */
export function keysOf(text: string): string[] {
  // deno-lint-ignore no-control-regex -- keys are control characters
  return text.match(/\x1b[[O][0-9;]*[A-Za-z~]|[^]/gu) ?? [];
}

/** How long the rest of a key may take, in ms: a slow line cuts an arrow key in two. */
const REST = 50;

/** What may be the beginning of a longer key, at the end of a text. */
// deno-lint-ignore no-control-regex -- keys are control characters
const BEGUN = /\x1b(?:[[O][0-9;]*)?$/;

/** The keys that are pressed, each whole, even where its parts come one after the other. */
export class Keyboard {
  readonly #source: { read(buffer: Uint8Array): Promise<number | null> };
  readonly #buffer = new Uint8Array(256);
  readonly #decoder = new TextDecoder();
  /** The read that is under way: it outlasts the wait for the rest of a key. */
  #reading: Promise<number | null> | undefined;
  /** The beginning of a key. */
  #begun = "";

  constructor(source: { read(buffer: Uint8Array): Promise<number | null> }) {
    this.#source = source;
  }

  /** The next keys; undefined: there will be no more. */
  async next(): Promise<string[] | undefined> {
    for (;;) {
      this.#reading ??= this.#source.read(this.#buffer);
      const count = await this.#inTime(this.#reading);
      let text = this.#begun;
      this.#begun = "";
      if (count === null && text === "") return undefined;
      if (count === "late" || count === null) return keysOf(text);
      this.#reading = undefined;
      text += this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true });
      const end = text.search(BEGUN);
      if (end !== -1) [text, this.#begun] = [text.slice(0, end), text.slice(end)];
      if (text !== "") return keysOf(text);
    }
  }

  /** What a read gives; "late": there is but the beginning of a key, and its rest does not come. */
  async #inTime(reading: Promise<number | null>): Promise<number | null | "late"> {
    if (this.#begun === "") return await reading;
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), REST);
    return await Promise.race([reading, late.promise]).finally(() => clearTimeout(timer));
  }
}

/** One for all lists: a read that is under way when a list is left is the next one's. */
const keyboard = new Keyboard(Deno.stdin);

/** The size of a terminal that does not tell its own. */
const USUAL = { rows: 24, columns: 80 };

/**
 * Lets the user pick a line; undefined: none.
 *
 * @param hint What the keys do: shown below the list.
 * @param typedHint What stands before what was typed.
 */
export async function pick(
  picker: Picker,
  hint: string,
  typedHint: string,
): Promise<Row | "interrupt" | undefined> {
  const write = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text));
  const restore = () => {
    // The usual screen, with the cursor; then what was typed is seen again.
    write("\x1b[?25h\x1b[?1049l");
    Deno.stdin.setRaw(false);
  };
  const end = () => {
    restore();
    Deno.exit(130);
  };
  Deno.stdin.setRaw(true);
  write("\x1b[?1049h\x1b[?25l");
  Deno.addSignalListener("SIGINT", end);
  try {
    for (;;) {
      const { rows, columns } = sizeOfTerminal();
      const below = picker.typed === "" ? hint : `${typedHint} ${picker.typed}`;
      const lines = [
        ...picker.draw(Math.max(1, rows - 2), columns - 1),
        "",
        cut(below, columns - 1),
      ];
      write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
      const keys = await keyboard.next();
      if (keys === undefined) return undefined;
      for (const key of keys) {
        const wish = picker.press(key);
        if (wish === "pick") return picker.marked;
        if (wish === "interrupt") return wish;
        if (wish === "leave") return undefined;
      }
    }
  } finally {
    Deno.removeSignalListener("SIGINT", end);
    restore();
  }
}

function sizeOfTerminal(): { rows: number; columns: number } {
  try {
    const { rows, columns } = Deno.consoleSize();
    return rows > 0 && columns > 0 ? { rows, columns } : USUAL;
  } catch {
    return USUAL;
  }
}
