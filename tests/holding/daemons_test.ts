/**
 * When daemon processes are stopped: once their parent's own code has ended, and before other
 * processes are waited for.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { run } from "../examples/_example.ts";

const PROGRAM = fileURLToPath(new URL("./_daemons.ts", import.meta.url));

/** @param inOrder Whether the order of its lines is certain. Default: true. */
function test(name: string, which: string, expected: string[], inOrder = true): void {
  Deno.test({
    name,
    async fn() {
      const command = [Deno.execPath(), "run", "-A", "--no-prompt", PROGRAM, which];
      const { code, lines, stderr, leftovers } = await run(which, [], { command });
      if (!inOrder) lines.sort();
      assertEquals([code, lines, stderr, leftovers], [0, expected, "", []]);
    },
  });
}

test("Process that is no daemon is waited for", "plain", ["main", "123", "end123"]);

test("Process that is a daemon ends with the code of main", "daemon", ["main"]);

test("Process that is a daemon ends before others are waited for", "mixed", [
  "main",
  "456",
  "end456",
]);

test(
  "Process that is a daemon lives as long as main has something to do",
  "own",
  ["456", "end456", "main true", "timer true", "unload false"],
  false,
);

test("Process that is a daemon lives while a listener of beforeunload goes on", "listener", [
  "main",
  "more true",
  "plain",
  "plain",
], false);

test("Process that has children ends its daemons, and waits for the others", "child", [
  "child",
  "grandchild",
]);

test("Thread that has started processes ends its daemons, and waits for the others", "thread", [
  "child",
  "grandchild",
  "joined",
]);

test("Thread that is a daemon lives while processes are waited for", "daemonThread", [
  "456",
  "daemon thread",
  "end456",
  "main",
], false);

test("Manager is there for processes that main does not wait for", "manager", [
  "main",
  "counted",
]);

Deno.test("Thread that is a daemon and reports holds no program", async () => {
  const program = fileURLToPath(new URL("./_reporting_daemon.ts", import.meta.url));
  const command = [Deno.execPath(), "run", "--allow-read", "--no-prompt", program];
  const { code, lines, stderr, leftovers } = await run("reports", [], { command });
  assertEquals([code, lines, stderr, leftovers], [0, ["main"], "", []]);
});
