/**
 * Loaded before an example: presses Ctrl-C when the example's main thread prints a line that begins
 * as `CTRL_C_AT` says. However busy the machine is, the example has not gone on by then.
 *
 * @module
 */
const at = Deno.env.get("CTRL_C_AT")!;
// The terminal sends it to the whole group; one that leads no group is hit alone.
const target = Deno.env.get("CTRL_C_HITS") === "group" ? -Deno.pid : Deno.pid;
const { log } = console;

console.log = (...args: unknown[]) => {
  log(...args);
  if (!String(args[0]).startsWith(at)) return;
  console.log = log;
  Deno.kill(target, "SIGINT");
};
