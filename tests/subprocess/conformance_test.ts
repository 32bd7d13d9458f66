/**
 * The checklist of CPython's test_subprocess: what applies on Deno, by the name that the test has
 * there.
 *
 * Left out, as there is nothing of the kind here: buffer sizes, `executable`, `preexec_fn`,
 * `pass_fds`, `close_fds` (all but the three streams are always closed), `user`, `group`, `umask`,
 * Windows' own options, undecodable bytes in names and variables (JavaScript's strings cannot hold
 * them), `repr()`, EINTR. In the other files of this folder: what is about deadlocks, trees, shells
 * and lines.
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
import { closeSync, openSync } from "node:fs";
import {
  call,
  CalledProcessError,
  checkCall,
  checkOutput,
  DEVNULL,
  getoutput,
  getstatusoutput,
  PIPE,
  Popen,
  run,
  runSync,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { descriptors, sh, test } from "./_limit.ts";

/** A temporary file for a test. */
async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Opens a file, as a descriptor, for one use. */
async function withDescriptor(
  path: string,
  flags: string,
  use: (fd: number) => Promise<unknown>,
): Promise<void> {
  const fd = openSync(path, flags);
  try {
    await use(fd);
  } finally {
    closeSync(fd);
  }
}

const text = { text: true } as const;

test("call() gives the return code [test_call_seq]", async () => {
  assertEquals(await call(sh("exit 47")), 47);
});

test("call() kills at its timeout [test_call_timeout]", async () => {
  await assertRejects(() => call(["sleep", "60"], { timeout: 50 }), TimeoutExpired);
});

test("checkCall() gives 0 or throws [test_check_call_zero, test_check_call_nonzero]", async () => {
  assertEquals(await checkCall(sh("exit 0")), 0);
  const error = await assertRejects(() => checkCall(sh("exit 47")), CalledProcessError);
  assertEquals(error.returncode, 47);
});

test("checkOutput() gives the output [test_check_output, test_check_output_nonzero]", async () => {
  assertStringIncludes(await checkOutput(["echo", "BDFL"], text), "BDFL");
  const error = await assertRejects(() => checkOutput(sh("exit 5")), CalledProcessError);
  assertEquals(error.returncode, 5);
});

test("checkOutput() joins stderr when asked [test_check_output_stderr]", async () => {
  assertEquals(await checkOutput(sh("echo BDFL >&2"), { stderr: STDOUT, ...text }), "BDFL\n");
});

test("checkOutput() reads from a descriptor [test_check_output_stdin_arg]", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(path, "pear");
    await withDescriptor(path, "r", async (stdin) => {
      assertEquals(await checkOutput(["tr", "a-z", "A-Z"], { stdin, ...text }), "PEAR");
    });
  });
});

test("checkOutput() takes input [test_check_output_input_arg]", async () => {
  assertEquals(await checkOutput(["tr", "a-z", "A-Z"], { input: "pear", ...text }), "PEAR");
});

test("checkOutput() takes no stdin beside input [test_check_output_stdin_with_input_arg]", async () => {
  await assertRejects(() => checkOutput(["cat"], { stdin: PIPE, input: "x" }), TypeError, "stdin");
});

test("checkOutput() kills at its timeout [test_check_output_timeout]", async () => {
  const error = await assertRejects(
    () => checkOutput(sh("echo BDFL; exec sleep 60"), { timeout: 200, ...text }),
    TimeoutExpired,
  );
  assertEquals(error.output, "BDFL\n");
});

test("call() takes options [test_call_kwargs]", async () => {
  assertEquals(await call(sh("exit ${FRUIT#banana}7"), { env: { FRUIT: "banana4" } }), 47);
});

test("Popen refuses what is no option's value [test_invalid_args]", () => {
  assertThrows(() => new Popen(["true"], { stdout: STDOUT }), TypeError, "STDOUT");
  assertThrows(() => new Popen(["true"], { stdout: 1.5 }), TypeError, "stdout");
  assertThrows(() => new Popen(undefined as never), TypeError, "args");
  assertThrows(() => new Popen(["true"], 7 as never), TypeError, "options");
});

test("Popen has no stream that it was not asked for [test_stdin_none, test_stdout_none]", async () => {
  const child = new Popen(["true"], { stdout: PIPE, stderr: PIPE });
  assertEquals(child.stdin, null);
  await child.communicate();
  const other = new Popen(["true"], { stdin: PIPE, stderr: PIPE });
  assertEquals(other.stdout, null);
  await other.communicate();
});

test("Popen runs in cwd [test_cwd, test_cwd_with_pathlike]", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  for (const cwd of [folder, new URL(`file://${folder}/`)]) {
    assertEquals((await checkOutput(["pwd"], { cwd, ...text })).trim(), folder);
  }
  await Deno.remove(folder);
});

test("Popen looks for a relative program in cwd [test_cwd_with_relative_arg]", async () => {
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(`${cwd}/program`, "#!/bin/sh\necho here\n", { mode: 0o755 });
  assertEquals(await checkOutput(["./program"], { cwd, ...text }), "here\n");
  assertThrows(() => new Popen(["./program"]), Deno.errors.NotFound);
  await Deno.remove(cwd, { recursive: true });
});

test("Popen writes to stdin [test_stdin_pipe]", async () => {
  const child = new Popen(sh('read x; test "$x" = pear'), { stdin: PIPE });
  await child.stdin.write("pear\n");
  await child.stdin.close();
  assertEquals(await child.wait(), 0);
});

test("Popen reads a descriptor, run() an open file [test_stdin_filedes, test_stdin_fileobj]", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(path, "pear\n");
    const args = sh('read x; test "$x" = pear');
    await withDescriptor(path, "r", async (stdin) => {
      assertEquals(await new Popen(args, { stdin }).wait(), 0);
    });
    using file = await Deno.open(path);
    assertEquals((await run(args, { input: file })).returncode, 0);
  });
});

test("Popen gives stdout and stderr [test_stdout_pipe, test_stderr_pipe]", async () => {
  await using child = new Popen(sh("printf orange; printf strawberry >&2"), {
    stdout: PIPE,
    stderr: PIPE,
    text: true,
  });
  assertEquals(await child.stdout.read(), "orange");
  assertEquals(await child.stderr.read(), "strawberry");
});

test("Popen writes to descriptors [test_stdout_filedes, test_stderr_filedes]", async () => {
  await withFile(async (path) => {
    await withDescriptor(path, "w", async (fd) => {
      await new Popen(sh("printf orange"), { stdout: fd }).wait();
      await new Popen(sh("printf strawberry >&2"), { stderr: fd }).wait();
    });
    assertEquals(await Deno.readTextFile(path), "orangestrawberry");
  });
});

test("Popen joins both in one file [test_stdout_stderr_file, test_stdout_stderr_pipe]", async () => {
  await withFile(async (path) => {
    await withDescriptor(
      path,
      "w",
      (stdout) => new Popen(sh("echo apple; echo orange >&2"), { stdout, stderr: stdout }).wait(),
    );
    assertEquals(await Deno.readTextFile(path), "apple\norange\n");
  });
  const child = new Popen(sh("echo apple; echo orange >&2"), {
    stdout: PIPE,
    stderr: STDOUT,
    ...text,
  });
  assertEquals(await child.communicate(), ["apple\norange\n", null]);
});

test("stderr follows an inherited stdout [test_stderr_redirect_with_no_stdout_redirect]", async () => {
  const program = `import { run, STDOUT } from "${new URL(
    "../../lib/subprocess.ts",
    import.meta.url,
  )}";
    await run(["sh", "-c", "echo apple; echo orange >&2"], { stderr: STDOUT });`;
  const { stdout, stderr } = await run([Deno.execPath(), "eval", program], {
    captureOutput: true,
    text: true,
  });
  assertEquals([stdout, stderr], ["apple\norange\n", ""]);
});

test("DEVNULL [test_stdout_devnull, test_stderr_devnull, test_stdin_devnull]", async () => {
  const script = "head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2; cat";
  const options = { stdin: DEVNULL, stdout: DEVNULL, stderr: DEVNULL } as const;
  assertEquals(await new Popen(sh(script), options).wait(), 0);
});

test("env is the whole environment [test_env, test_empty_env]", async () => {
  assertEquals(
    await checkOutput(sh("echo $FRUIT"), { env: { FRUIT: "orange" }, ...text }),
    "orange\n",
  );
  assertEquals(await checkOutput(["/usr/bin/env"], { env: {}, ...text }), "");
  assertEquals(runSync(["env"], { env: {}, stdout: PIPE, ...text }).stdout, "");
  const child = new Popen(["env"], { env: {}, stdout: PIPE, ...text });
  assertEquals(await child.communicate(), ["", null]);
});

test("NUL is refused [test_invalid_cmd, test_invalid_env]", async () => {
  await assertRejects(() => run(["tr\0ue"]), TypeError, "NUL");
  await assertRejects(() => run(["true", "a\0b"]), TypeError, "NUL");
  await assertRejects(() => run(["true"], { env: { "FRUIT\0VEGETABLE": "x" } }), TypeError, "NUL");
  await assertRejects(() => run(["true"], { env: { FRUIT: "a\0b" } }), TypeError, "NUL");
  await assertRejects(() => run(["true"], { env: { "FRUIT=ORANGE": "x" } }), TypeError, "=");
  // A value may be a secret.
  for (const env of [{ TOKEN: "hunter2\0" }, { "TOKEN=hunter2": "hunter2" }, { T: ["hunter2"] }]) {
    const error = await assertRejects(() => run(["true"], { env: env as never }), TypeError);
    assertEquals(String(error).includes("hunter2"), false, String(error));
  }
  const env = { FRUIT: "orange=lemon" };
  assertEquals(await checkOutput(sh("echo $FRUIT"), { env, ...text }), "orange=lemon\n");
});

test("communicate() with each stream alone [test_communicate_stdin, _stdout, _stderr]", async () => {
  const stdin = new Popen(sh('read x; test "$x" = pear'), { stdin: PIPE });
  await stdin.communicate("pear\n");
  assertEquals(stdin.returncode, 0);
  const stdout = new Popen(sh("printf pineapple"), { stdout: PIPE, ...text });
  assertEquals(await stdout.communicate(), ["pineapple", null]);
  const stderr = new Popen(sh("printf pineapple >&2"), { stderr: PIPE, ...text });
  assertEquals(await stderr.communicate(), [null, "pineapple"]);
});

test("communicate() with all of them [test_communicate]", async () => {
  const child = new Popen(sh("printf pineapple >&2; cat"), {
    stdin: PIPE,
    stdout: PIPE,
    stderr: PIPE,
    text: true,
  });
  assertEquals(await child.communicate("banana"), ["banana", "pineapple"]);
});

test("communicate() goes on after a timeout [test_communicate_timeout]", async () => {
  const child = new Popen(sh("printf 'a\\n' >&2; sleep 0.3; printf 'b\\n' >&2; cat"), {
    stdin: PIPE,
    stdout: PIPE,
    stderr: PIPE,
    text: true,
  });
  await assertRejects(() => child.communicate("banana", { timeout: 100 }), TimeoutExpired);
  // Without input: it has been given.
  assertEquals(await child.communicate(), ["banana", "a\nb\n"]);
});

test("communicate() loses nothing of much output [test_communicate_timeout_large_output]", async () => {
  const child = new Popen(
    sh("for k in 1 2 3 4; do head -c 65536 /dev/zero | tr '\\0' a; sleep 0.1; done"),
    {
      stdout: PIPE,
      text: true,
    },
  );
  await assertRejects(() => child.communicate(undefined, { timeout: 150 }), TimeoutExpired);
  const [stdout] = await child.communicate();
  assertEquals([stdout.length, stdout.replaceAll("a", "")], [4 * 65536, ""]);
});

test("communicate() leaks no pipe [test_communicate_pipe_fd_leak, test_no_leaking]", async () => {
  const before = descriptors();
  for (const stdin of [PIPE, DEVNULL] as const) {
    for (const stdout of [PIPE, DEVNULL] as const) {
      for (const stderr of [PIPE, DEVNULL, STDOUT] as const) {
        for (let k = 0; k < 5; k++) {
          const child = new Popen(["true"], { stdin, stdout, stderr });
          await child.communicate();
        }
      }
    }
  }
  await until(() => descriptors() <= before);
});

test("communicate() with more than a pipe holds [test_communicate_pipe_buf]", async () => {
  const script = "head -c 100000 /dev/zero | tr '\\0' x >&2; cat";
  const input = "abc".repeat(100_000);
  const child = new Popen(sh(script), { stdin: PIPE, stdout: PIPE, stderr: PIPE, text: true });
  assertEquals(await child.communicate(input), [input, "x".repeat(100_000)]);
});

test("communicate() after a write [test_writes_before_communicate]", async () => {
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, text: true });
  await child.stdin.write("banana");
  assertEquals(await child.communicate("split"), ["bananasplit", null]);
});

test("text has one kind of newline [test_universal_newlines_communicate]", async () => {
  const child = new Popen(sh("printf 'line2\\nline4\\r\\nline5\\rline6'"), {
    stdout: PIPE,
    ...text,
  });
  assertEquals(await child.communicate(), ["line2\nline4\nline5\nline6", null]);
});

test("text is read as it is encoded [test_universal_newlines_communicate_encodings]", async () => {
  for (const encoding of ["utf-16le", "utf-16be"]) {
    const bytes = encoding === "utf-16le" ? "1\\0\\r\\0\\n\\0" : "\\0001\\0\\r\\0\\n";
    assertEquals(await checkOutput(["printf", bytes], { encoding }), "1\n", encoding);
  }
});

test("bytes that are no text [test_communicate_errors]", async () => {
  const args = sh("printf '\\200\\200'");
  await assertRejects(() => checkOutput(args, { encoding: "utf-8", errors: "strict" }), TypeError);
  assertEquals(await checkOutput(args, { encoding: "utf-8", errors: "replace" }), "\ufffd\ufffd");
});

test("poll() and wait() [test_poll, test_wait]", async () => {
  const child = new Popen(sh("read x"), { stdin: PIPE });
  assertEquals(child.poll(), null);
  await child.stdin.write("A\n");
  assertEquals(await child.wait(), 0);
  assertEquals([child.poll(), await child.wait(), child.poll()], [0, 0, 0]);
});

test("wait() names the timeout [test_wait_timeout]", async () => {
  const child = new Popen(["sleep", "60"]);
  const error = await assertRejects(() => child.wait({ timeout: 10 }), TimeoutExpired);
  assertStringIncludes(error.message, "10 ms");
  child.kill();
  assertEquals(await child.wait(), -9);
});

test("a failed start leaks nothing [test_leaking_fds_on_error, test_nonexisting_with_pipes]", async () => {
  const before = descriptors();
  for (let k = 0; k < 100; k++) {
    const options = { stdin: PIPE, stdout: PIPE, stderr: PIPE };
    assertThrows(() => new Popen(["/no/such/program"], options), Deno.errors.NotFound);
  }
  await until(() => descriptors() <= before);
});

test("communicate() swallows EPIPE [test_communicate_epipe, test_communicate_epipe_only_stdin]", async () => {
  const large = new Uint8Array(1 << 20);
  const options = { stdin: PIPE, stdout: PIPE, stderr: PIPE };
  await new Popen(["true"], options).communicate(large);
  const child = new Popen(["true"], { stdin: PIPE });
  await child.wait();
  await child.communicate(large);
});

test("wait() by many at once [test_threadsafe_wait]", async () => {
  const child = new Popen(["cat"], { stdin: PIPE });
  const waits = Array.from({ length: 20 }, () => child.wait());
  child.kill();
  assertEquals(await Promise.all(waits), Array(20).fill(-9));
});

test("NotFound names the program, or the folder [test_file_not_found_includes_filename]", async () => {
  await assertRejects(() => call(["/opt/no_such", "arg"]), Deno.errors.NotFound, "/opt/no_such");
  await assertRejects(
    () => call(["exit", "0"], { cwd: "/some/folder" }),
    Deno.errors.NotFound,
  );
  await assertRejects(
    () => call(["true"], { cwd: "/some/folder" }),
    Deno.errors.NotFound,
    "/some/folder",
  );
});

test("run() [test_returncode, test_check, test_check_zero, test_capture_stdout, _stderr]", async () => {
  const failed = await run(sh("exit 47"));
  assertEquals(failed.returncode, 47);
  assertThrows(() => failed.checkReturncode(), CalledProcessError);
  const error = await assertRejects(() => run(sh("exit 47"), { check: true }), CalledProcessError);
  assertEquals(error.returncode, 47);
  assertEquals((await run(sh("exit 0"), { check: true })).returncode, 0);
  assertEquals((await run(["echo", "BDFL"], { stdout: PIPE, ...text })).stdout, "BDFL\n");
  assertEquals((await run(sh("echo BDFL >&2"), { stderr: PIPE, ...text })).stderr, "BDFL\n");
});

test("run() [test_capture_output, test_stdout_with_capture_output_arg]", async () => {
  const both = await run(sh("printf BDFL; printf FLUFL >&2"), { captureOutput: true, ...text });
  assertEquals([both.stdout, both.stderr], ["BDFL", "FLUFL"]);
  const captureOutput = true;
  for (const stream of [{ stdout: DEVNULL }, { stderr: DEVNULL }] as const) {
    await assertRejects(
      () => run(["true"], { captureOutput, ...stream }),
      TypeError,
      "captureOutput",
    );
  }
});

test("run() with a shell and a timeout [test_run_with_shell_timeout_and_capture_output]", async () => {
  const began = performance.now();
  await assertRejects(
    () => run("sleep 3", { shell: true, timeout: 100, captureOutput: true }),
    TimeoutExpired,
  );
  assert(performance.now() - began < 2000, "waited for the child of the shell");
});

test("a missing cwd and a bad program [test_exception_cwd, test_exception_bad_executable]", () => {
  assertThrows(() => new Popen(["true"], { cwd: "/no/such" }), Deno.errors.NotFound, "/no/such");
  assertThrows(() => new Popen(["/etc"]), Deno.errors.PermissionDenied, "/etc");
});

test("SIGPIPE ends children as usual [test_restore_signals]", async () => {
  for (const detached of [false, true]) {
    const child = new Popen(sh("yes; exit 3"), { stdout: PIPE, stderr: DEVNULL, detached });
    await child.stdout.readline();
    child.stdout.close();
    // yes was killed; had the signal been ignored, it would have failed to write, with code 1.
    assertEquals(await child.wait(), 3);
    const status = new Popen(["grep", "SigIgn", "/proc/self/status"], {
      stdout: PIPE,
      detached,
      ...text,
    });
    const [line] = await status.communicate();
    const ignored = BigInt(`0x${line.trim().split(/\s+/)[1]}`);
    assertEquals(ignored & (1n << 12n), 0n, "SIGPIPE is ignored");
  }
});

test("detached starts a session [test_start_new_session]", async () => {
  const child = new Popen(sh("cut -d' ' -f6 /proc/self/stat"), {
    stdout: PIPE,
    detached: true,
    text: true,
  });
  assertEquals(Number((await child.communicate())[0]), child.pid);
});

test("a signal is told as such [test_run_abort, test_CalledProcessError_str_signal]", async () => {
  const child = new Popen(sh("kill -ABRT $$"), { stderr: DEVNULL });
  assertEquals(await child.wait(), -6);
  await assertRejects(() => checkCall(sh("kill -ABRT $$")), CalledProcessError, "SIGABRT");
  await assertRejects(() => checkCall(sh("exit 2")), CalledProcessError, "exit code 2");
});

test("a string is a program [test_args_string, test_call_string]", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(path, "#!/bin/sh\nexit 47\n");
    await Deno.chmod(path, 0o700);
    assertEquals(await call(path), 47);
    assertEquals(await new Popen(path).wait(), 47);
  });
});

test("shell with an array and a string [test_shell_sequence, test_shell_string]", async () => {
  const env = { FRUIT: "apple" };
  for (const args of [["echo $FRUIT"], "echo $FRUIT"]) {
    const child = new Popen(args, { shell: true, env, stdout: PIPE, text: true });
    assertEquals(await child.communicate(), ["apple\n", null]);
  }
});

test("signals [test_send_signal, test_kill, test_terminate]", async () => {
  for (const [how, code] of [["SIGINT", -2], ["SIGKILL", -9], ["SIGTERM", -15]] as const) {
    const child = new Popen(["cat"], { stdin: PIPE });
    child.sendSignal(how);
    assertEquals(await child.wait(), code);
  }
});

test("signals to the dead [test_send_signal_dead, test_kill_dead, test_terminate_dead]", async () => {
  const child = new Popen(["true"]);
  await until(() => !isAlive(child.pid));
  child.sendSignal("SIGINT");
  child.kill();
  child.kill({ tree: true });
  child.terminate();
  assertEquals(await child.wait(), 0);
});

test("a pipe's end is open in one child only [test_pipe_cloexec, test_close_fds]", async () => {
  const first = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  // If the second child had the first one's input open too, the first would never see its end.
  const second = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  await first.stdin.close();
  assertEquals(await first.wait(), 0);
  // As many descriptors as any child has, whatever this process itself has inherited.
  const count = (text: string) => text.trim().split("\n").length;
  const listing = new Popen(["ls", "/proc/self/fd"], { stdout: PIPE, text: true });
  const [mine] = await listing.communicate();
  await second.communicate();
  assertEquals(count(mine), count(await getoutput("exec ls /proc/self/fd")));
  assertEquals(await first.communicate(), [new Uint8Array(), null]);
});

test("a pipeline of Popen [test_pipe_cloexec_real_tools]", async () => {
  const first = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  const second = new Popen(["grep", "-c", "a"], { stdin: first.stdout, stdout: PIPE, text: true });
  await first.stdin.write("a\nb\na\n");
  await first.stdin.close();
  assertEquals(await second.communicate(), ["2\n", null]);
  assertEquals(await first.wait(), 0);
});

test("a stopped program has not ended [test_stopped]", async () => {
  const child = new Popen(["cat"], { stdin: PIPE });
  child.sendSignal("SIGSTOP");
  await until(() => / T /.test(Deno.readTextFileSync(`/proc/${child.pid}/stat`)));
  assertEquals(child.poll(), null);
  child.kill();
  assertEquals(await child.wait(), -9);
});

test("getoutput() [test_getoutput]", async () => {
  assertEquals(await getoutput("echo xyzzy"), "xyzzy");
  assertEquals(await getstatusoutput("echo xyzzy"), [0, "xyzzy"]);
  const [status] = await getstatusoutput("cat /no/such/file");
  assertEquals(status, 1);
});

test("await using [test_pipe, test_returncode, test_communicate_stdin, test_broken_pipe_cleanup]", async () => {
  const outside = await (async () => {
    await using child = new Popen(sh("exit 100"), { stdout: PIPE, stderr: PIPE });
    return child;
  })();
  assertEquals(outside.returncode, 100);
  {
    await using child = new Popen(["true"], { stdin: PIPE });
    await child.stdin.write(new Uint8Array(1 << 20)).catch(() => {});
  }
});
