/**
 * What is refused when an executor or a pool is made, and when a task is submitted.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import { ProcessPoolExecutor } from "../../lib/futures.ts";
import { Pool } from "../../lib/multiprocessing.ts";
import { show } from "../../lib/core/checks.ts";
import { square } from "./_targets.ts";
import { test } from "./_world.ts";

type Bad = [name: string, value: unknown, error: typeof TypeError | typeof RangeError];

/** Checks that a call throws for each bad value, with the option's name and the value. */
function refuses(bad: Bad[], call: (options: Record<string, unknown>) => unknown): void {
  for (const [name, value, type] of bad) {
    const error = assertThrows(
      () => call({ [name]: value }),
      type,
      name,
      `${name}: ${show(value)}`,
    );
    assertStringIncludes(error.message, "Cannot");
    assertStringIncludes(error.message, typeof value === "object" ? name : show(value));
  }
}

const COUNT: [unknown, typeof TypeError | typeof RangeError][] = [
  ["2", TypeError],
  [1.5, RangeError],
  [-1, RangeError],
  [NaN, RangeError],
  [0, RangeError],
];
const counts = (name: string, least = 1) =>
  COUNT.slice(0, least === 1 ? 5 : 4).map(([value, type]): Bad => [name, value, type]);
const times = (name: string): Bad[] => [[name, "5", TypeError], [name, -1, RangeError]];
const WORKERS: Bad[] = [
  ["initializer", 5, TypeError],
  ["initializer", () => 1, TypeError],
  ["initArgs", 5, TypeError],
  ["initArgs", "ab", TypeError],
];

test("Executor refuses options of a wrong kind", ({ Executor }) => {
  refuses(counts("maxWorkers"), ({ maxWorkers }) => new Executor(maxWorkers as never));
  refuses([
    ...counts("minWorkers", 0),
    ["minWorkers", 3, RangeError],
    ...times("idleTimeout"),
    ["namePrefix", 5, TypeError],
    ...counts("maxTasksPerWorker"),
    ...counts("maxQueue"),
    ...times("grace"),
  ], (options) => new Executor(2, options));
  for (const [name, value] of WORKERS) {
    assertThrows(() => new Executor(2, { [name]: value }), TypeError, "Cannot");
  }
  for (const bad of [5, "2", [], () => 1]) {
    assertThrows(() => new Executor(2, bad as never), TypeError, "options");
  }
});

test("Pool refuses options of a wrong kind", ({ Pool }) => {
  refuses(counts("processes"), ({ processes }) => new Pool(processes as never));
  refuses(counts("maxTasksPerChild"), (options) => new Pool(2, options));
  for (const [name, value] of WORKERS) {
    assertThrows(() => new Pool(2, { [name]: value }), TypeError, "Cannot");
  }
  for (const bad of [5, "2", []]) {
    assertThrows(() => new Pool(2, bad as never), TypeError, "options");
  }
});

test("Executor.submitWith() refuses options of a wrong kind, and submits nothing", async (world) => {
  const executor = world.executor(1);
  refuses([
    ["signal", {}, TypeError],
    ...times("timeout"),
    ["timeout", NaN, TypeError],
    ["priority", "high", TypeError],
    ["priority", NaN, TypeError],
    ["transfer", 5, TypeError],
    ["retries", -1, RangeError],
    ["retries", 1.5, RangeError],
    ["retries", "1", TypeError],
    ["onReport", 5, TypeError],
  ], (options) => executor.submitWith(options, square, 3));
  for (const bad of [5, null, undefined, square, []]) {
    assertThrows(() => executor.submitWith(bad as never, square, 3), TypeError, "options");
  }
  assertThrows(() => executor.submitWith({}, 5 as never), TypeError, "5");
  const { queued, running, completed } = executor.stats();
  assertEquals([queued, running, completed], [0, 0, 0]);
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("Executor.shutdown() refuses options of a wrong kind", async (world) => {
  const executor = world.executor(1);
  const call = (options: unknown) => executor.shutdown(options as never);
  await assertRejects(() => call({ wait: 5 }), TypeError, "wait");
  await assertRejects(() => call({ cancelFutures: "yes" }), TypeError, "cancelFutures");
  await assertRejects(() => call(5), TypeError, "options");
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("permissions that are none are refused", async () => {
  for (const permissions of [{ nothing: true }, { net: 5 }, 5]) {
    const calls = [
      async () => {
        await using executor = new ProcessPoolExecutor(1, { permissions: permissions as never });
        await executor.submit(square, 1).result();
      },
      async () => {
        await using pool = new Pool(1, { permissions: permissions as never });
        await pool.apply(square, [1]);
      },
    ];
    for (const call of calls) await assertRejects(call, TypeError, "Cannot");
  }
}, { skip: { threads: "threads have the program's permissions" } });

Deno.test("deno doc shows every parameter with a default as optional", async () => {
  for (const face of ["futures", "multiprocessing"]) {
    const path = fileURLToPath(new URL(`../../lib/${face}.ts`, import.meta.url));
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", path],
      env: { NO_COLOR: "1" },
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    const parts = text.split(/^Defined in /m).filter((part) =>
      /\/lib\/(pool|futures)\//.test(part)
    );
    assert(parts.length > 8, `${parts.length} parts`);
    const required = parts.join("\n").split("\n")
      .filter((line) => /\b(options|processes|maxWorkers|callbacks): /.test(line))
      // The bases, which scripts do not make, and what comes first and has no default.
      .filter((line) => !/constructor\(workers:|submitWith\(/.test(line));
    assertEquals(required, []);
  }
});
