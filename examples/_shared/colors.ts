/**
 * Colours, for those who see them: in a terminal, unless `NO_COLOR` asks for none.
 *
 * @module
 */
const isColored = Deno.stdout.isTerminal() && !Deno.noColor;

/** Black on a magenta ground. */
export function onMagenta(text: string): string {
  return isColored ? `\x1b[30;45m${text}\x1b[0m` : text;
}

/** Black on a yellow ground. */
export function onYellow(text: string): string {
  return isColored ? `\x1b[30;43m${text}\x1b[0m` : text;
}
