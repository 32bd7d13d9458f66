/**
 * run() and its short forms.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
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
  run,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { pattern, same, sh, test } from "./_limit.ts";

const MIB = 1 << 20;

test("run() gives the return code, and null for what it does not capture", async () => {
  const args = sh("exit 3");
  const result = await run(args);
  assertInstanceOf(result, CompletedProcess);
  assertEquals(result.returncode, 3);
  assertEquals(result.args, args);
  assertEquals(result.stdout, null);
  assertEquals(result.stderr, null);
});

test("run() gives -SIG for a program that was killed", async () => {
  assertEquals((await run(sh("kill -9 $$"))).returncode, -9);
});

test("run() tells many that end at once apart, whoever else listens for SIGCHLD", async () => {
  const heard = Promise.withResolvers<void>();
  const listen = () => heard.resolve();
  Deno.addSignalListener("SIGCHLD", listen);
  try {
    const ends = Array.from({ length: 64 }, (_, k) => k % 4 === 0 ? -9 : k);
    const all = ends.map((end) => run(sh(end === -9 ? "kill -KILL $$" : `exit ${end}`)));
    assertEquals((await Promise.all(all)).map(({ returncode }) => returncode), ends);
    await heard.promise;
  } finally {
    Deno.removeSignalListener("SIGCHLD", listen);
  }
});

test("run() is waited for by a program that has nothing else to do", async () => {
  const face = new URL("../../lib/subprocess.ts", import.meta.url).href;
  const program = `import { run } from ${JSON.stringify(face)};
    console.log((await run(["sh", "-c", "sleep 0.2; exit 7"])).returncode);`;
  const args = [Deno.execPath(), "eval", "--no-config", program];
  assertEquals(await checkOutput(args, { text: true }), "7\n");
});

test("run() captures bytes", async () => {
  const { stdout, stderr } = await run(sh("printf 'a\\377'; echo e >&2"), { captureOutput: true });
  assertEquals(stdout, new Uint8Array([97, 255]));
  assertEquals(stderr, new Uint8Array([101, 10]));
});

test("run() captures text, with one kind of newline", async () => {
  const result = await run(sh("printf 'a\\r\\nb\\rc\\n'"), { captureOutput: true, text: true });
  assertEquals(result.stdout, "a\nb\nc\n");
  assertEquals(result.stderr, "");
});

test("run() decodes as asked", async () => {
  const latin = await run(sh("printf '\\351'"), { stdout: PIPE, encoding: "iso-8859-1" });
  assertEquals(latin.stdout, "é");
  const bad = sh("printf '\\351'");
  assertEquals((await run(bad, { stdout: PIPE, text: true })).stdout, "\ufffd");
  await assertRejects(() => run(bad, { stdout: PIPE, text: true, errors: "strict" }), TypeError);
});

test("run() keeps characters whole that are split between two writes", async () => {
  const script = "printf 'h\\303'; sleep 0.05; printf '\\251!'";
  for (const timeout of [undefined, 10_000]) {
    const options = { stdout: PIPE, text: true, ...(timeout ? { timeout } : {}) } as const;
    assertEquals((await run(sh(script), options)).stdout, "hé!");
  }
});

test("run() gives input: text, bytes, an ArrayBuffer, a stream, a file", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "ä");
    using file = await Deno.open(path);
    const inputs = [
      "ä",
      new TextEncoder().encode("ä"),
      new TextEncoder().encode("ä").buffer,
      new Blob(["ä"]).stream(),
      ReadableStream.from(["ä"]),
      file,
    ];
    for (const input of inputs) {
      assertEquals((await run(["cat"], { input, captureOutput: true, text: true })).stdout, "ä");
    }
  } finally {
    await Deno.remove(path);
  }
});

test("run() moves 8 MiB both ways without a deadlock", async () => {
  const input = pattern(8 * MIB);
  for (const timeout of [undefined, 10_000]) {
    const limit = timeout ? { timeout } : {};
    const { stdout } = await run(["cat"], { input, captureOutput: true, ...limit });
    assert(same(stdout, input));
  }
});

test("run() moves 8 MiB on stdout and stderr at once", async () => {
  const script = `head -c ${8 * MIB} /dev/zero & head -c ${8 * MIB} /dev/zero >&2; wait`;
  const { stdout, stderr } = await run(sh(script), { captureOutput: true });
  assertEquals([stdout.length, stderr.length], [8 * MIB, 8 * MIB]);
});

test("run() ends when the program does not read its 8 MiB", async () => {
  const input = new Uint8Array(8 * MIB);
  assertEquals((await run(["true"], { input })).returncode, 0);
  const { stdout } = await run(sh("exec <&-; echo closed; sleep 0.1"), {
    input,
    captureOutput: true,
    text: true,
  });
  assertEquals(stdout, "closed\n");
});

test("run() ends when the program ends before a stream of input does", async () => {
  let isCancelled = false;
  const input = new ReadableStream<string>({
    start: (controller) => controller.enqueue("abc"),
    cancel: () => void (isCancelled = true),
  });
  const { stdout } = await run(["head", "-c", "1"], { input, stdout: PIPE, text: true });
  assertEquals(stdout, "a");
  await until(() => isCancelled);
});

test("run() throws what the stream of its input throws, and leaves no program", async () => {
  const input = new ReadableStream<string>({
    pull: (controller) => controller.error(new RangeError("boom")),
  });
  await assertRejects(() => run(["sleep", "60"], { input }), RangeError, "boom");
});

test("run({ stderr: STDOUT }) keeps the order of the writes", async () => {
  const script = "for k in 1 2 3 4 5 6 7 8 9; do echo o$k; echo e$k >&2; done";
  const { stdout, stderr } = await run(sh(script), { stdout: PIPE, stderr: STDOUT, text: true });
  assertEquals(stdout, "123456789".replaceAll(/./g, "o$&\ne$&\n"));
  assertEquals(stderr, null);
});

test("run({ stderr: STDOUT }) hands every argument over as it is", async () => {
  const odd = ["", " ", "$HOME", "`id`", "a'b\"c", "*", "-n", "\n", "ü", ";exit 9"];
  const args = ["printf", "<%s>", ...odd];
  const { stdout } = await run(args, { stdout: PIPE, stderr: STDOUT, text: true });
  assertEquals(stdout, odd.map((word) => `<${word}>`).join(""));
});

test("run({ stderr: STDOUT }) says when there is no such program", async () => {
  const options = { stdout: PIPE, stderr: STDOUT };
  await assertRejects(() => run(["no-such-program"], options), Deno.errors.NotFound, "PATH");
  await assertRejects(() => run(["/no/such"], options), Deno.errors.NotFound, "no such file");
  await assertRejects(() => run(["exit"], options), Deno.errors.NotFound, '"exit"');
  await assertRejects(() => run(["/etc/passwd"], options), Deno.errors.PermissionDenied);
});

test("run() hands every argument over as it is", async () => {
  const odd = ["", " ", "$HOME", "`id`", "a'b\"c", "*", "-n", "\n", "ü", ";exit 9"];
  const { stdout } = await run(["printf", "<%s>", ...odd], { stdout: PIPE, text: true });
  assertEquals(stdout, odd.map((word) => `<${word}>`).join(""));
});

test("run({ shell: true }) runs a string untouched, and an array as script and arguments", async () => {
  const options = { shell: true, stdout: PIPE, text: true } as const;
  assertEquals((await run("echo $((1 + 2)) | tr 3 4", options)).stdout, "4\n");
  const { stdout } = await run(['echo "$0:$1"', "name", "a  b; exit 9"], options);
  assertEquals(stdout, "name:a  b; exit 9\n");
});

test("run() takes a string without shell for the name of a program", async () => {
  await assertRejects(() => run("echo hello"), Deno.errors.NotFound, '"echo hello"');
});

test("run({ env }) is the whole environment", async () => {
  const { stdout } = await run(["env"], { env: { FRUIT: "orange" }, stdout: PIPE, text: true });
  assertEquals(stdout, "FRUIT=orange\n");
});

test("run({ cwd }) takes a path or a URL", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const cwd of [folder, new URL(`file://${folder}`)]) {
      assertEquals((await run(["pwd"], { cwd, stdout: PIPE, text: true })).stdout, `${folder}\n`);
    }
  } finally {
    await Deno.remove(folder);
  }
});

test("run({ check }) throws CalledProcessError with the end of stderr", async () => {
  const error = await assertRejects(
    () =>
      run(sh("echo out; echo why >&2; exit 7"), { captureOutput: true, text: true, check: true }),
    CalledProcessError,
  );
  assertEquals([error.name, error.returncode], ["CalledProcessError", 7]);
  assertEquals([error.stdout, error.output, error.stderr], ["out\n", "out\n", "why\n"]);
  assertStringIncludes(error.message, "ended with exit code 7: why");
  const long = await assertRejects(
    () =>
      run(sh("head -c 100000 /dev/zero | tr '\\0' x >&2; echo END >&2; kill -9 $$"), {
        captureOutput: true,
        check: true,
      }),
    CalledProcessError,
    "was killed by SIGKILL",
  );
  assert(long.message.length < 1000 && long.message.endsWith("xEND"));
});

test("checkReturncode() throws unless it is 0", async () => {
  (await run(["true"])).checkReturncode();
  const { checkReturncode } = CompletedProcess.prototype;
  const failed = await run(["false"]);
  await assertRejects(async () => await checkReturncode.call(failed), CalledProcessError);
});

test("run({ timeout }) kills the program and gives what it had written", async () => {
  const error = await assertRejects(
    () =>
      run(sh("echo pid $$; echo oops >&2; exec sleep 60"), {
        captureOutput: true,
        text: true,
        timeout: 200,
      }),
    TimeoutExpired,
    "took over 200 ms",
  );
  assertEquals([error.timeout, error.stderr], [200, "oops\n"]);
  const pid = Number(/pid (\d+)/.exec(String(error.stdout))![1]);
  assert(!isAlive(pid));
});

test("run({ timeout }) does not wait for descendants that keep the pipe", async () => {
  const error = await assertRejects(
    () => run(sh("sleep 60 & echo pid $!; wait"), { stdout: PIPE, text: true, timeout: 200 }),
    TimeoutExpired,
  );
  const pid = Number(/pid (\d+)/.exec(String(error.output))![1]);
  assert(isAlive(pid));
  Deno.kill(pid, "SIGKILL");
  await until(() => !isAlive(pid));
});

test("run({ timeout, tree }) kills descendants too", async () => {
  const error = await assertRejects(
    () =>
      run(sh("sh -c 'sleep 60 & echo $!; wait' & sleep 60 & echo $!; wait"), {
        stdout: PIPE,
        text: true,
        timeout: 300,
        tree: true,
      }),
    TimeoutExpired,
  );
  const pids = String(error.stdout).trim().split("\n").map(Number);
  assertEquals(pids.length, 2);
  await until(() => !pids.some(isAlive));
});

test("run({ signal }) kills the program and throws the reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const promise = run(["sleep", "60"], { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await promise.catch((error) => error), reason);
  assertEquals(await run(["true"], { signal: controller.signal }).catch((error) => error), reason);
});

test("call(), checkCall() and checkOutput() are short forms", async () => {
  assertEquals(await call(sh("exit 4")), 4);
  assertEquals(await checkCall(["true"]), 0);
  await assertRejects(() => checkCall(sh("exit 4")), CalledProcessError, "exit code 4");
  assertEquals(await checkOutput(["echo", "x"], { text: true }), "x\n");
  assertEquals(await checkOutput(["echo", "x"]), new Uint8Array([120, 10]));
  const error = await assertRejects(
    () => checkOutput(sh("echo part; exit 1"), { text: true }),
    CalledProcessError,
  );
  assertEquals(error.output, "part\n");
  assertEquals(await checkOutput(sh("echo x >&2"), { text: true, stderr: STDOUT }), "x\n");
});

test("getoutput() and getstatusoutput() run a line of shell", async () => {
  assertEquals(await getoutput("printf 'a\\n\\n'; echo e >&2"), "a\n\ne");
  assertEquals(await getstatusoutput("echo a; exit 5"), [5, "a"]);
  assertEquals(await getstatusoutput("kill -15 $$"), [-15, ""]);
  const [status, output] = await getstatusoutput("/no/such/program");
  assertEquals(status, 127);
  assertStringIncludes(output, "not found");
});

test("run() throws NotFound with the program's name, or the folder's", async () => {
  await assertRejects(
    () => run(["no-such-program", "x"]),
    Deno.errors.NotFound,
    '"no-such-program"',
  );
  await assertRejects(() => run(["/no/such/program"]), Deno.errors.NotFound, '"/no/such/program"');
  await assertRejects(() => run(["true"], { cwd: "/no/such" }), Deno.errors.NotFound, '"/no/such"');
  await assertRejects(() => run(["/etc/passwd"]), Deno.errors.PermissionDenied, '"/etc/passwd"');
  const env = { A: "1" };
  await assertRejects(() => run(["no-such-program"], { env }), Deno.errors.NotFound, "PATH");
});

test("run() refuses bad arguments at the call", async () => {
  // deno-lint-ignore no-explicit-any -- they are wrong
  const cases: [args: any, options: any, message: string][] = [
    [[], {}, "args must name a program"],
    ["", {}, "args must name a program"],
    [["echo", 1], {}, "args[1] must be a string"],
    [["echo", "a\0b"], {}, "args[1] must be a string without NUL"],
    [7, {}, "args must be a string or an array"],
    [["true"], { timeout: "1" }, "timeout must be a number"],
    [["true"], { env: { "A=B": "x" } }, "env must not be empty or have"],
    [["true"], { env: { A: 1 } }, "env.A must be a string"],
    [["true"], { cwd: 1 }, "cwd must be"],
    [["true"], { input: "x", stdin: PIPE }, "stdin must not be given too"],
    [["true"], { captureOutput: true, stdout: PIPE }, "must not be given too"],
    [["true"], { input: {} }, "input must be"],
    [["true"], { stdout: STDOUT }, "STDOUT is for stderr"],
    [["true"], { stdin: -7 }, "stdin must be PIPE"],
    [["true"], { shell: 1 }, "shell must be a boolean"],
    [["true"], { errors: "ignore" }, "errors must be"],
    [["true"], { signal: 1 }, "signal must be"],
  ];
  for (const [args, options, message] of cases) {
    await assertRejects(() => run(args, options), TypeError, message);
  }
  await assertRejects(() => run(["true"], { timeout: -1 }), RangeError, "timeout must be >= 0");
  await assertRejects(() => run(["true"], { encoding: "klingon" }), RangeError, "encoding");
});

test("run() throws away what goes to DEVNULL, and gives nothing to read from it", async () => {
  const { stdout } = await run(["cat"], { stdin: DEVNULL, stdout: PIPE, stderr: DEVNULL });
  assertEquals(stdout, new Uint8Array());
  assertEquals(await call(sh("echo x; echo y >&2"), { stdout: DEVNULL, stderr: STDOUT }), 0);
});
