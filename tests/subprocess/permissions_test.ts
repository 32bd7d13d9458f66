/**
 * What works with few permissions, and what the errors name where it does not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { DEVNULL, run } from "../../lib/subprocess.ts";
import { test } from "./_limit.ts";

const PROGRAM = fileURLToPath(new URL("./_permissions_program.ts", import.meta.url));

/** Runs the program with flags, and gives what it prints. */
async function withFlags(...flags: string[]): Promise<Record<string, string>> {
  const { stdout } = await run([Deno.execPath(), "run", "--no-prompt", ...flags, PROGRAM], {
    stdin: DEVNULL,
    captureOutput: true,
    text: true,
    check: true,
    env: { PATH: "/bin:/usr/bin", HOME: Deno.env.get("HOME") ?? "/", NO_COLOR: "1" },
  });
  return JSON.parse(stdout);
}

test("--allow-run=cat,true is enough for all but STDOUT, descriptors, trees and blocking", async () => {
  const said = await withFlags("--allow-run=cat,true");
  assertEquals(said, {
    "run": "ok: 0",
    "run, input": "ok: x",
    "run, timeout": 'TimeoutExpired: Command [ "cat" ] took over 50 ms',
    "runSync": "ok: 0",
    "Popen": "ok: x",
    "Popen, joined": "ok: x",
    "pipeline": "ok: x",
    "env without PATH": "ok: x",
    "env without PATH, runSync": "ok: 0",
    "env without PATH, another":
      'NotCapable: Cannot run "sh": it needs --allow-run=/bin/sh or --allow-run=/usr/bin/sh',
    "onLine, maxOutput": "ok: x,y",
    "stop": "ok: -15",
    "stop, tree": "NotCapable: Cannot stop the program: signalling its descendants needs " +
      "--allow-run without a list",
    "another": 'NotCapable: Cannot run "sh": it needs --allow-run=sh',
    "missing": 'NotFound: Cannot run "no-such-program": there is no program of that name in PATH',
    "STDOUT": 'NotCapable: Cannot run "cat": it needs --allow-run=/bin/sh',
    "descriptor": 'NotCapable: Cannot run "cat": giving it a file descriptor needs --allow-env, ' +
      "and --allow-run without a list",
    "tree": "NotCapable: Cannot run a program: signalling its descendants needs --allow-run " +
      "without a list",
    "waitSync":
      "NotCapable: Cannot wait for a program and block: Deno reaps and reads on its event " +
      "loop; run again with --allow-ffi, --allow-env and --allow-run without a list, or use the awaiting form",
    "communicateSync": "NotCapable: Cannot communicate with a program and block: Deno reaps and " +
      "reads on its event loop; run again with --allow-ffi, --allow-env and --allow-run without a list, or use the awaiting form",
  });
});

test("without --allow-run the errors name it", async () => {
  const said = await withFlags();
  assertEquals(said.run, 'NotCapable: Cannot run "true": it needs --allow-run=true');
  assertEquals(said.Popen, 'NotCapable: Cannot run "cat": it needs --allow-run=cat');
});

test("--allow-run, --allow-env and --allow-ffi are enough for everything", async () => {
  const said = await withFlags("--allow-run", "--allow-env", "--allow-ffi");
  assertEquals(Object.entries(said).filter(([, line]) => line.startsWith("NotCapable")), []);
  assertEquals([said.waitSync, said.communicateSync, said.STDOUT], ["ok: 0", "ok: x", "ok: x"]);
});
