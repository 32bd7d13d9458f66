/**
 * The language that a script speaks: English, or Chinese with `--lang zh`.
 *
 * @module
 */
/** The languages that the scripts speak. */
export const LANGUAGES = ["en", "zh"] as const;
/** One of them. */
export type Language = (typeof LANGUAGES)[number];

/**
 * The language that was asked for. Every thread and process sees the script's arguments, so nobody
 * has to be told it. A wrong one is refused by `readFlags()`.
 */
export const language: Language = findLanguage(Deno.args);

/** Finds the last `--lang` in a command line. Default: English. */
export function findLanguage(args: readonly string[]): Language {
  const [word] = args.flatMap((arg, k) => {
    if (arg === "--lang") return args.slice(k + 1, k + 2);
    return arg.startsWith("--lang=") ? [arg.slice("--lang=".length)] : [];
  }).slice(-1);
  return word === "zh" ? "zh" : "en";
}

/** Picks what is said in the script's language. */
export function inLanguage<T>(words: Record<Language, T>): T {
  return words[language];
}

/** The characters of the scripts' texts that take two columns: Chinese ones, and its punctuation. */
const WIDE = /[\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/g;

/** The number of a terminal's columns that a text takes. */
export function columnsOf(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

/** Fills a text up with spaces to a number of columns. */
export function fill(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}
