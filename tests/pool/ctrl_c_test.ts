/**
 * Ctrl-C, pressed at the terminal of a program whose pools have work.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { unless } from "../_help/lacks.ts";
import { NO_TERMINAL, runOnTerminal, type Session } from "./_terminal.ts";
import type { WorldName } from "./_world.ts";

const PROGRAM = new URL("_ctrl_c_program.ts", import.meta.url);
const WORLDS: WorldName[] = ["threads", "processes"];
const WAITING = "waiting for 2 running calls; Ctrl-C again ends at once";
const CANCELLED = "CancelledError: The call was cancelled by Ctrl-C";
const MAP_CANCELLED = "CancelledError: The map was cancelled by Ctrl-C";

/**
 * What is printed of two calls that ran, and of the others, which were cancelled: any two may be
 * the first to run.
 */
function assertTwoRan(line: string | undefined, cancelled: string, others = 2): void {
  const ends = line!.split(",");
  assertEquals(ends.filter((end) => end === cancelled).length, others, line);
  assertEquals(ends.filter((end) => /^[0-9]$/.test(end)).length, 2, line);
}

function test(
  title: string,
  name: string,
  presses: string[],
  check: (session: Session) => void,
): void {
  for (const world of WORLDS) {
    Deno.test({
      ...unless(NO_TERMINAL, `Ctrl-C ${title} [${world}]`),
      fn: async () => check(await runOnTerminal(PROGRAM, [name, world], presses)),
    });
  }
}

test("stops a map whose calls in flight all run, and lets these end", "map", ["done 2"], (it) => {
  assertEquals(it.lines, ["done 1", "done 2", WAITING, "done 3", "done 4", MAP_CANCELLED]);
  assertEquals(it.code, 130);
});

test("lets a lazy map give what runs, and then ends it", "imap", ["result 1"], (it) => {
  const results = it.lines.filter((line) => line.startsWith("result"));
  // How many are done when it is pressed is up to the machine.
  assertEquals(results, results.map((_, k) => `result ${k}`));
  assertLess(results.length, 10);
  assert(it.lines.includes(WAITING), it.lines.join("\n"));
  assertEquals([it.lines.at(-1), it.code], [MAP_CANCELLED, 130]);
});

test("stops a map that waits for its input", "stuckInput", ["result 4"], (it) => {
  assertEquals([it.lines.at(-1), it.code], [MAP_CANCELLED, 130]);
});

test("cancels calls that wait, once those that run have ended", "submit", ["ready"], (it) => {
  const [ready, waiting, ...results] = it.lines;
  assertEquals([ready, waiting, results.pop()], ["ready", WAITING, CANCELLED]);
  // Those before the first that waits.
  assertEquals(results, results.map((_, k) => `result ${k}`));
  assertEquals(it.code, 130);
});

test("twice ends the program at once", "submit", ["ready", "waiting"], (it) => {
  assertEquals([it.lines, it.code], [["ready", WAITING], 130]);
});

const ALL = ["result 0", "result 1", "result 2", "result 3"];

test("does nothing where SIGINT is ignored", "ignored", ["ready"], (it) => {
  assertEquals([it.lines, it.code], [["ready", ...ALL], 0]);
});

test("is the program's own where signal() has a handler", "handled", ["ready"], (it) => {
  assertEquals([it.lines, it.code], [["ready", "handler of signal()", ...ALL], 0]);
});

test("is the program's own where Deno has a listener", "listened", ["ready"], (it) => {
  assertEquals([it.lines, it.code], [["ready", "handler of Deno", ...ALL], 0]);
});

test("is the program's own where node:process has a listener", "node", ["ready"], (it) => {
  assertEquals([it.lines, it.code], [["ready", "handler of node", ...ALL], 0]);
});

test("is the program's own where abortOn() waits for it", "aborted", ["ready"], (it) => {
  const said = "KeyboardInterrupt";
  assertEquals([it.lines, it.code], [["ready", said, said], 0]);
});

test("is the pool's again when the handler is gone", "restored", ["ready"], (it) => {
  const [ready, waiting, ...results] = it.lines;
  assertEquals([ready, waiting, results.pop()], ["ready", WAITING, CANCELLED]);
  // Those before the first that waits.
  assertEquals(results, results.map((_, k) => `result ${k}`));
  assertEquals(it.code, 130);
});

test("ends one batch, and leaves no mark on the next", "batches", ["batch 0", "batch 1"], (it) => {
  const [first, second] = [it.lines[2], it.lines[5]];
  assertEquals(it.lines, ["batch 0", WAITING, first, "batch 1", WAITING, second, "0,1"]);
  assertTwoRan(first, "CancelledError");
  assertTwoRan(second, "CancelledError");
  assertEquals(it.code, 0);
});

test("ends a loop in which nothing waits", "loop", ["runs 1"], (it) => {
  assertEquals(it.lines, [
    ...["runs 0", "result 0", "runs 1", WAITING.replace("2", "1"), "result 0"],
    "CancelledError: Cannot submit a call: cancelled by Ctrl-C",
  ]);
  assertEquals(it.code, 130);
});

test("leaves 130 behind, and no stack, where its error is caught", "caught", ["ready"], (it) => {
  assertEquals([it.lines.length, it.lines[1], it.code], [3, WAITING, 130]);
  assertTwoRan(it.lines[2], CANCELLED, 1);
});

test("leaves a code behind that the program sets", "ownCode", ["ready"], (it) => {
  assertEquals(it.code, 3);
});

test("costs the workers nothing that are just starting", "starting", ["ready"], (it) => {
  assertMatch(it.lines.join("\n"), /CancelledError\n\[ 1, 4, 9 \]$/);
  assertEquals(it.code, 0);
});
