/**
 * The forms that block the thread.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import {
  CalledProcessError,
  DEVNULL,
  PIPE,
  Popen,
  runSync,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { pattern, same, sh, test } from "./_limit.ts";

const MIB = 1 << 20;

/** Lets the event loop see what happened while the thread was blocked. */
const turn = () => delay(10);

test("runSync() gives what run() gives", () => {
  const args = sh("echo out; echo err >&2; exit 3");
  for (const timeout of [undefined, 5000]) {
    const limit = timeout ? { timeout } : {};
    const text = runSync(args, { captureOutput: true, text: true, ...limit });
    assertEquals([text.returncode, text.stdout, text.stderr], [3, "out\n", "err\n"]);
    const none = runSync(args.with(2, "exit 4"), limit);
    assertEquals([none.returncode, none.stdout, none.stderr] as unknown[], [4, null, null]);
    assertEquals(runSync(sh("kill -9 $$"), limit).returncode, -9);
    const joined = runSync(sh("echo 1; echo 2 >&2"), {
      stdout: PIPE,
      stderr: STDOUT,
      text: true,
      ...limit,
    });
    assertEquals(joined.stdout, "1\n2\n");
  }
});

test("runSync() without pipes hands over arguments, environment and signals as run() does", () => {
  const check = (script: string, ...args: string[]) =>
    runSync(sh(script, ...args), { stdin: DEVNULL, stdout: DEVNULL, stderr: DEVNULL }).returncode;
  assertEquals(check('[ "$#:$1:$2:$3" = "3::ü a:$HOME" ]', "", "ü a", "$HOME"), 1);
  assertEquals(check('[ "$#:$1:$2:$3" = "3::ü a:\\$HOME" ]', "", "ü a", "$HOME"), 0);
  Deno.env.set("SWITCHYARD_FRUIT", "pear");
  assertEquals(check('[ "$SWITCHYARD_FRUIT" = pear ]'), 0);
  Deno.env.delete("SWITCHYARD_FRUIT");
  assertEquals(check('[ -z "$SWITCHYARD_FRUIT" ] && read x'), 1);
  assertEquals(check("kill -PIPE $$; exit 3"), -13);
  assertEquals(check("exit 255"), 255);
});

test("runSync() gives input: text, bytes, a file", async () => {
  const options = { captureOutput: true, text: true } as const;
  assertEquals(runSync(["cat"], { input: "ä", ...options }).stdout, "ä");
  assertEquals(runSync(["cat"], { input: "", ...options }).stdout, "");
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, pattern(MIB));
  {
    using file = await Deno.open(path);
    assert(same(runSync(["cat"], { input: file, captureOutput: true }).stdout, pattern(MIB)));
  }
  await Deno.remove(path);
  const input = new ReadableStream<string>();
  assertThrows(() => runSync(["cat"], { input }), TypeError, "input must be text, bytes or a file");
});

test("runSync() moves 8 MiB both ways without a deadlock", () => {
  const input = pattern(8 * MIB);
  assert(same(runSync(["cat"], { input, captureOutput: true }).stdout, input));
  assertEquals(runSync(["true"], { input }).returncode, 0);
  const { stdout } = runSync(sh("exec <&-; echo x; sleep 0.1"), {
    input,
    stdout: PIPE,
    text: true,
  });
  assertEquals(stdout, "x\n");
});

test("runSync({ check }) and bad input throw as run() does", () => {
  assertThrows(
    () => runSync(sh("echo why >&2; exit 7"), { captureOutput: true, check: true }),
    CalledProcessError,
    "exit code 7: why",
  );
  assertThrows(() => runSync(["no-such-program"]), Deno.errors.NotFound, "PATH");
  assertThrows(() => runSync(["no-such-program"], { input: "" }), Deno.errors.NotFound, "PATH");
  assertThrows(() => runSync([]), TypeError, "must name a program");
});

test("runSync({ timeout, tree }) kills the program and its descendants", async () => {
  const error = assertThrows(
    () =>
      runSync(sh("sleep 60 & echo $$ $!; wait"), {
        captureOutput: true,
        text: true,
        timeout: 300,
        tree: true,
      }),
    TimeoutExpired,
  );
  const pids = String(error.stdout).trim().split(" ").map(Number);
  await until(() => !pids.some(isAlive));
});

test("Popen.waitSync() gives the return code, or throws TimeoutExpired", async () => {
  const child = new Popen(sh("read line; exit 9"), { stdin: PIPE });
  assertThrows(() => child.waitSync({ timeout: 20 }), TimeoutExpired, "over 20 ms");
  assertThrows(() => child.waitSync({ timeout: 0 }), TimeoutExpired);
  await child.stdin.write("\n");
  assertEquals(child.waitSync(), 9);
  assertEquals([child.returncode, child.poll(), child.waitSync(), await child.wait()], [
    9,
    9,
    9,
    9,
  ]);
});

test("Popen.poll() learns of an end while the thread does not pause", async () => {
  const child = new Popen(["true"]);
  while (child.poll() === null);
  assertEquals([child.poll(), await child.wait()], [0, 0]);
});

test("Popen.communicateSync() moves 8 MiB both ways", async () => {
  const input = pattern(8 * MIB);
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  const [stdout, stderr] = child.communicateSync(input);
  assert(same(stdout, input));
  assertEquals([stderr, child.returncode], [null, 0]);
  await turn();
  assertEquals(await child.communicate(), [stdout, null]);
});

test("Popen.communicateSync() finds what the event loop has read before", async () => {
  const child = new Popen(sh("echo one; read x; echo two"), {
    stdin: PIPE,
    stdout: PIPE,
    text: true,
  });
  await turn();
  assertEquals(child.communicateSync("\n"), ["one\ntwo\n", null]);
  await turn();
});

test("Popen.communicateSync() and communicate() go on from each other", async () => {
  const start = () =>
    new Popen(sh("echo one; read x < $1; echo two", fifo), { stdout: PIPE, text: true });
  const folder = await Deno.makeTempDir();
  const fifo = `${folder}/fifo`;
  assertEquals(runSync(["mkfifo", fifo]).returncode, 0);
  const release = () => runSync(sh("echo > $1", fifo));
  try {
    const first = start();
    const error = assertThrows(
      () => first.communicateSync(undefined, { timeout: 200 }),
      TimeoutExpired,
    );
    assertEquals(error.stdout, "one\n");
    release();
    assertEquals(await first.communicate(), ["one\ntwo\n", null]);

    const second = start();
    await second.communicate(undefined, { timeout: 200 }).catch(() => {});
    release();
    assertEquals(second.communicateSync(), ["one\ntwo\n", null]);
    await turn();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("Popen.communicateSync() refuses a stream, and input twice", async () => {
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, text: true });
  assertThrows(
    () => child.communicateSync(new ReadableStream() as never),
    TypeError,
    "text or bytes",
  );
  assertEquals(child.communicateSync("x"), ["x", null]);
  assertThrows(() => child.communicateSync("y"), Error, "given already");
  await turn();
});

test("using closes the pipes and waits", async () => {
  let pid;
  {
    using child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
    pid = child.pid;
  }
  assert(!isAlive(pid));
  await turn();
});
