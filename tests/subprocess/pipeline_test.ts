/**
 * pipeline().
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CalledProcessError,
  DEVNULL,
  PIPE,
  pipeline,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { pattern, same, sh, test } from "./_limit.ts";

const MIB = 1 << 20;

test("pipeline() gives the last one's result, and the return codes of all", async () => {
  const result = await pipeline(["printf", "b\\na\\nb\\n"], ["sort"], ["uniq", "-c"], {
    text: true,
  });
  assertEquals(result.stdout.trim().split(/\s+/), ["1", "a", "2", "b"]);
  assertEquals([result.returncode, result.returncodes, result.stderr], [0, [0, 0, 0], null]);
  const failing = await pipeline(sh("exit 3"), sh("cat; exit 4"));
  assertEquals([failing.returncode, failing.returncodes], [4, [3, 4]]);
});

test("pipeline() works with one program", async () => {
  assertEquals((await pipeline(["echo", "x"], { text: true })).stdout, "x\n");
});

test("pipeline() moves 8 MiB through three programs", async () => {
  const input = pattern(8 * MIB);
  const { stdout } = await pipeline(["cat"], ["cat"], ["cat"], { input });
  assert(same(stdout, input));
});

test("pipeline() ends when a reader leaves early", async () => {
  const { stdout, returncodes } = await pipeline(["yes"], ["head", "-n", "1"], { text: true });
  assertEquals([stdout, returncodes], ["y\n", [-13, 0]]);
});

test("pipeline() captures the last stderr when asked, and joins it with STDOUT", async () => {
  const last = sh("cat; echo err >&2");
  const both = await pipeline(["echo", "x"], last, { captureOutput: true, text: true });
  assertEquals([both.stdout, both.stderr], ["x\n", "err\n"]);
  const joined = await pipeline(sh("echo e >&2"), last, { stderr: STDOUT, text: true });
  assertEquals(joined.stdout, "e\nerr\n");
  const none = await pipeline(["echo", "x"], ["cat"], { stdout: DEVNULL });
  assertEquals(none.stdout, null);
  const piped = await pipeline(sh("echo lost >&2"), last, {
    stderr: PIPE,
    text: true,
    shell: false,
  });
  assertEquals(piped.stderr, "err\n");
});

test("pipeline({ check }) looks at the last one", async () => {
  await pipeline(sh("exit 3"), ["cat"], { check: true });
  await assertRejects(
    () => pipeline(["true"], sh("exit 3"), { check: true }),
    CalledProcessError,
    "exit code 3",
  );
});

test("pipeline({ timeout }) kills all of them", async () => {
  const error = await assertRejects(
    () =>
      pipeline(sh("echo $$; exec sleep 60"), sh("echo $$; exec cat"), { timeout: 300, text: true }),
    TimeoutExpired,
    "sleep 60",
  );
  const pids = String(error.stdout).trim().split("\n").map(Number);
  assertEquals(pids.length, 2);
  await until(() => !pids.some(isAlive));
});

test("pipeline({ signal }) kills all of them", async () => {
  const controller = new AbortController();
  const promise = pipeline(["sleep", "60"], ["sleep", "60"], { signal: controller.signal });
  controller.abort("why");
  assertEquals(await promise.catch((reason) => reason), "why");
});

test("pipeline() throws when one cannot be started, and leaves none", async () => {
  await assertRejects(
    () => pipeline(["sleep", "60"], ["no-such"]),
    Deno.errors.NotFound,
    "no-such",
  );
  await assertRejects(() => pipeline(), TypeError, "must have a program");
  await assertRejects(() => pipeline({ text: true }), TypeError, "must have a program");
  await assertRejects(() => pipeline(["cat"], []), TypeError, "must name a program");
});
