/**
 * What programs of every system have in common, tried with programs that run on every system. The
 * other suites of this folder have a shell and its tools, and say more.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  call,
  CalledProcessError,
  checkCall,
  checkOutput,
  CompletedProcess,
  DEVNULL,
  getoutput,
  getstatusoutput,
  PIPE,
  pipeline,
  Popen,
  run,
  runSync,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { isWindows } from "../_help/lacks.ts";
import { until } from "../_help/until.ts";
import { everywhere, pattern, same } from "./_limit.ts";

const PROGRAM = fileURLToPath(new URL("./_portable_program.ts", import.meta.url));
const MIB = 1 << 20;
/** A program takes long to start where the system is emulated. */
const LIMIT = 60_000;
/** When a program is ended that has begun by then, in ms. */
const LATE = isWindows ? 8_000 : 1_500;
/** How a program ends that is sent SIGTERM, or SIGKILL: Windows tells of no signal. */
const TERMINATED = isWindows ? 1 : -15;
const KILLED = isWindows ? 1 : -9;
const text = { captureOutput: true, text: true } as const;

function test(name: string, fn: () => Promise<void> | void): void {
  everywhere(`${name} [any system]`, fn, LIMIT);
}

/** One of the programs, with its arguments. */
function program(which: string, ...args: string[]): string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-config", "-A", PROGRAM, which, ...args];
}

test("run() gives the return code, and null for what it does not capture", async () => {
  const args = program("exit", "3");
  const result = await run(args);
  assertInstanceOf(result, CompletedProcess);
  assertEquals([result.returncode, result.stdout, result.stderr], [3, null, null]);
  assertEquals(result.args, args);
});

test("run() captures both streams: bytes, or text with one kind of newline", async () => {
  const args = program("exit", "0", "a\r\nb\rc", "error");
  const { stdout, stderr } = await run(args, { captureOutput: true });
  assertEquals([new TextDecoder().decode(stdout), stderr.length], ["a\r\nb\rc", 5]);
  const said = await run(args, text);
  assertEquals([said.stdout, said.stderr], ["a\nb\nc", "error"]);
});

test("run() gives input, and moves a megabyte each way", async () => {
  const input = pattern(MIB);
  assert(same((await run(program("cat"), { input, captureOutput: true })).stdout, input));
  const { stdout } = await run(program("shout"), { input: "pear\n", ...text });
  assertEquals(stdout, "PEAR\n");
});

test("run() reads a megabyte on each stream at once", async () => {
  const { stdout, stderr } = await run(program("flood", `${MIB}`), { captureOutput: true });
  assertEquals([stdout.length, stderr.length], [MIB, MIB]);
});

test("run() tells lines as they come", async () => {
  const lines: string[] = [];
  const onLine = (line: string, stream: string) => lines.push(`${stream}: ${line}`);
  await run(program("exit", "0", "one\r\ntwo\n", "three\n"), { onLine, text: true });
  assertEquals(lines.sort(), ["stderr: three", "stdout: one", "stdout: two"]);
});

test("run() hands every argument over as it is", async () => {
  const odd = ["", " ", "a b", '"', 'a"b c', "\\", "a\\", "a b\\", '\\"', "%PATH%", "$HOME"];
  odd.push("&", "|", ">", "^", "*", "ü", "--flag", "'", "`id`");
  assertEquals(JSON.parse((await run(program("args", ...odd), text)).stdout), odd);
});

test("run() has an environment as it is given, or extended", async () => {
  const env = { SWITCHYARD_FRUIT: "orange" };
  const names = ["SWITCHYARD_FRUIT", "SWITCHYARD_OTHER"];
  Deno.env.set("SWITCHYARD_OTHER", "x");
  try {
    const extended = await run(program("env", ...names), { env, extendEnv: true, ...text });
    assertEquals(extended.stdout, "orange x");
    // Windows' programs do not start without these.
    const needed = isWindows ? ["SystemRoot", "PATH", "PATHEXT"] : [];
    const root = Object.fromEntries(needed.map((name) => [name, Deno.env.get(name) ?? ""]));
    const whole = await run(program("env", ...names), { env: { ...env, ...root }, ...text });
    assertEquals(whole.stdout, "orange none");
  } finally {
    Deno.env.delete("SWITCHYARD_OTHER");
  }
});

test("run() runs in cwd, a path or a URL", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const cwd of [folder, pathToFileURL(folder)]) {
      const { stdout } = await run(program("cwd"), { cwd, ...text });
      assertEquals(await Deno.realPath(stdout), folder);
    }
  } finally {
    await Deno.remove(folder);
  }
});

test("run({ check }) throws CalledProcessError with the end of stderr", async () => {
  const options = { ...text, check: true } as const;
  const error = await assertRejects(
    () => run(program("exit", "7", "out", "why\n"), options),
    CalledProcessError,
    "ended with exit code 7: why",
  );
  assertEquals([error.returncode, error.stdout, error.stderr], [7, "out", "why\n"]);
});

test("call(), checkCall() and checkOutput() are short forms", async () => {
  assertEquals(await call(program("exit", "4"), { stdout: DEVNULL, stderr: DEVNULL }), 4);
  assertEquals(await checkCall(program("exit", "0")), 0);
  await assertRejects(() => checkCall(program("exit", "4")), CalledProcessError, "exit code 4");
  assertEquals(await checkOutput(program("exit", "0", "x"), { text: true }), "x");
});

test("run({ shell: true }) runs a line of the system's shell", async () => {
  const { stdout, returncode } = await run("echo hello", { shell: true, ...text });
  assertEquals([stdout.trim(), returncode], ["hello", 0]);
  assertEquals((await run("exit 5", { shell: true })).returncode, 5);
  const quoted = await run('echo "a b"', { shell: true, ...text });
  assertStringIncludes(quoted.stdout, "a b");
  if (isWindows) return; // Its programs cannot be given one pipe for both streams.
  assertEquals(await getoutput("echo hi"), "hi");
  assertEquals(await getstatusoutput("exit 3"), [3, ""]);
});

test("run() says which program or folder is not there", async () => {
  const { NotFound } = Deno.errors;
  await assertRejects(() => run(["no-such-program", "x"]), NotFound, '"no-such-program"');
  const cwd = fileURLToPath(new URL("./no-such-folder", import.meta.url));
  await assertRejects(() => run(program("cwd"), { cwd }), NotFound, "no-such-folder");
});

test("run({ timeout }) ends the program, and gives what it had written", async () => {
  const error = await assertRejects(
    () => run(program("live"), { ...text, timeout: LATE }),
    TimeoutExpired,
    `took over ${LATE} ms`,
  );
  const pid = Number(error.stdout);
  assert(pid > 0, `${error.stdout}`);
  await until(() => !isAlive(pid));
});

test("run({ timeout, tree }) ends what the program has started, too", async () => {
  const error = await assertRejects(
    () => run(program("parent"), { ...text, timeout: 2 * LATE, tree: true }),
    TimeoutExpired,
  );
  const pids = String(error.stdout).trim().split(" ").map(Number);
  assertEquals(pids.length, 2, `${error.stdout}`);
  await until(() => !pids.some(isAlive));
});

test("run({ signal }) ends the program, and throws the reason", async () => {
  const controller = new AbortController();
  const promise = run(program("live"), { signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await promise.catch((error) => error), reason);
});

test("Popen talks line by line, and waits", async () => {
  const child = new Popen(program("shout"), { stdin: PIPE, stdout: PIPE, text: true });
  assertEquals([child.poll(), child.returncode, child.stderr], [null, null, null]);
  for (const word of ["one", "two"]) {
    await child.stdin.write(`${word}\n`);
    assertEquals(await child.stdout.readline(), word.toUpperCase());
  }
  await child.stdin.close();
  assertEquals([await child.stdout.read(), await child.wait()], ["", 0]);
  assertEquals([child.poll(), child.returncode], [0, 0]);
});

test("Popen.communicate() gives input, and all that is said", async () => {
  const child = new Popen(program("cat"), { stdin: PIPE, stdout: PIPE, stderr: PIPE });
  const input = pattern(MIB / 4);
  const [stdout, stderr] = await child.communicate(input);
  assert(same(stdout, input));
  assertEquals([stderr.length, child.returncode], [0, 0]);
});

/** A program that lives by now. */
async function living(which: string) {
  const child = new Popen(program(which), { stdout: PIPE, text: true });
  return { child, pids: (await child.stdout.readline())!.split(" ").map(Number) };
}

test("Popen.terminate(), kill() and stop() end it", async () => {
  const ends: [(child: Popen) => unknown, number][] = [
    [(child) => child.terminate(), TERMINATED],
    [(child) => child.kill(), KILLED],
    [(child) => child.stop(), TERMINATED],
  ];
  for (const [end, code] of ends) {
    const { child, pids } = await living("live");
    assertEquals([pids, isAlive(child.pid)], [[child.pid], true]);
    await end(child);
    assertEquals([await child.wait(), isAlive(child.pid)], [code, false]);
    child.kill();
    child.stdout.close();
  }
});

test("Popen.kill({ tree }) ends its descendants, too", async () => {
  const { child, pids } = await living("parent");
  assertEquals(pids.map(isAlive), [true, true]);
  child.kill({ tree: true });
  assertEquals(await child.wait(), KILLED);
  await until(() => !pids.some(isAlive));
  child.stdout.close();
});

test("Popen.stop({ tree }) ends its descendants, too", async () => {
  const { child, pids } = await living("parent");
  await child.stop({ tree: true, grace: 5_000 });
  await until(() => !pids.some(isAlive));
  child.stdout.close();
});

test("Popen reads what another writes", async () => {
  const first = new Popen(program("exit", "0", "pear\n"), { stdout: PIPE });
  const second = new Popen(program("shout"), { stdin: first.stdout, stdout: PIPE, text: true });
  assertEquals(await second.communicate(), ["PEAR\n", null]);
  assertEquals(await first.wait(), 0);
});

test("pipeline() joins programs, and gives all return codes", async () => {
  const input = pattern(MIB / 4);
  const moved = await pipeline(program("cat"), program("cat"), { input });
  assert(same(moved.stdout, input));
  const failing = await pipeline(program("exit", "3", "x"), program("shout"), { text: true });
  assertEquals([failing.stdout, failing.returncode, failing.returncodes], ["X", 0, [3, 0]]);
});

test("runSync() gives what run() gives", () => {
  const said = runSync(program("exit", "3", "a\r\n", "b"), text);
  assertEquals([said.returncode, said.stdout, said.stderr], [3, "a\n", "b"]);
  assertEquals(runSync(program("exit", "5")).returncode, 5);
  assertThrows(() => runSync(["no-such-program"]), Deno.errors.NotFound, '"no-such-program"');
});

test("the calls that only Linux has say so, and those that Windows lacks", async () => {
  const child = new Popen(program("exit", "6"));
  const { NotSupported } = Deno.errors;
  if (Deno.build.os === "linux") assertEquals(child.waitSync(), 6);
  else assertThrows(() => child.waitSync(), NotSupported, "not supported on");
  assertEquals(await child.wait(), 6);
  const joined = () => run(program("exit", "0", "a", "b"), { ...{ stdout: PIPE, stderr: STDOUT } });
  if (isWindows) await assertRejects(joined, NotSupported, "2>&1");
  else assertEquals(new TextDecoder().decode((await joined()).stdout), "ab");
});
