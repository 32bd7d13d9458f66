import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import * as errors from "../../lib/errors.ts";
import { KeyboardInterrupt } from "../../lib/core/errors.ts";

const bytes = new Uint8Array([1]);

/** One of each, with what it says beside its message. */
const CASES: [error: Error, fields: Record<string, unknown>, base?: abstract new () => Error][] = [
  [new errors.TimeoutError("m"), {}],
  [new errors.DeadlockError("m"), {}],
  [new errors.BrokenBarrierError("m"), {}],
  [new errors.Empty("m"), {}],
  [new errors.Full("m"), {}],
  [new errors.ShutDown("m"), {}],
  [new errors.EOFError("m"), {}],
  [new errors.ShareError("m", "args[0].lock"), { place: "args[0].lock" }, TypeError],
  [new errors.BootstrapError("m"), {}],
  [new errors.ThreadTerminated("m"), {}],
  [new errors.CancelledError("m"), {}],
  [new errors.BrokenExecutor("m"), {}],
  [
    new errors.BrokerLostError("m", { host: "a", attempts: 3, cause: bytes }),
    { host: "a", attempts: 3, cause: bytes },
  ],
  [new errors.WorkerLostError("m"), { exitcode: null, signal: null }],
  [
    new errors.WorkerLostError("m", { exitcode: -9, signal: "SIGKILL" }),
    { exitcode: -9, signal: "SIGKILL" },
  ],
  [
    new errors.TaskRefusedError("m", { reason: "it has no such target", here: "a", there: "b" }),
    { reason: "it has no such target", here: "a", there: "b" },
  ],
  [new errors.SystemExit(3), { message: "exit(3)", code: 3 }],
  [new errors.SystemExit(), { message: "exit(0)", code: 0 }],
  [new KeyboardInterrupt("SIGINT"), { message: "SIGINT has come", signal: "SIGINT" }],
  [
    new errors.SubprocessError("m", ["ls"], { stdout: "out" }),
    { cmd: ["ls"], stdout: "out", output: "out", stderr: null },
  ],
  [
    new errors.CalledProcessError("m", "ls", 2, { stderr: bytes }),
    { cmd: "ls", returncode: 2, stdout: null, output: null, stderr: bytes },
    errors.SubprocessError as never,
  ],
  [
    new errors.TimeoutExpired("m", ["ls"], 50, { stdout: bytes, stderr: "err" }),
    { cmd: ["ls"], timeout: 50, stdout: bytes, output: bytes, stderr: "err" },
    errors.SubprocessError as never,
  ],
  [new errors.ChildProcessError("m"), { code: "ECHILD" }],
];

Deno.test("each error has its class's name, its message and its facts", () => {
  for (const [error, fields, base = Error] of CASES) {
    assertInstanceOf(error, base);
    assertEquals(error.name, error.constructor.name);
    assert(String(error).startsWith(`${error.name}: `), String(error));
    const expected = { message: "m", ...fields };
    for (const [name, value] of Object.entries(expected)) {
      assertEquals(error[name as keyof Error], value as never, `${error.name}.${name}`);
    }
  }
});

Deno.test("every public error class is tried", () => {
  const tried = new Set(CASES.map(([error]) => error.name));
  const missing = Object.keys(errors).filter((name) => !tried.has(name));
  assertEquals(missing, []);
});
