/**
 * Popen: waiting, talking, following, stopping.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { closeSync, openSync } from "node:fs";
import {
  DEVNULL,
  PIPE,
  PipeReader,
  PipeWriter,
  Popen,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { descriptors, pattern, same, sh, test } from "./_limit.ts";

const MIB = 1 << 20;

test("Popen has a pid at once, and its streams where they are pipes", async () => {
  const all = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, stderr: PIPE });
  assert(all.pid > 0 && isAlive(all.pid));
  assert(all.stdin instanceof PipeWriter);
  assert(all.stdout instanceof PipeReader && all.stderr instanceof PipeReader);
  assertEquals(await all.communicate(), [new Uint8Array(), new Uint8Array()]);
  const none = new Popen(["true"], { stdin: DEVNULL, stderr: STDOUT });
  assertEquals([none.stdin, none.stdout, none.stderr] as unknown[], [null, null, null]);
  assertEquals(await none.communicate(), [null, null]);
});

test("Popen.returncode is null until it has ended", async () => {
  const child = new Popen(["cat"], { stdin: PIPE });
  assertEquals([child.poll(), child.returncode], [null, null]);
  await child.stdin.close();
  assertEquals(await child.wait(), 0);
  assertEquals([child.poll(), child.returncode], [0, 0]);
});

test("Popen.wait() throws TimeoutExpired, and the program runs on", async () => {
  const child = new Popen(["cat"], { stdin: PIPE });
  const error = await assertRejects(
    () => child.wait({ timeout: 30 }),
    TimeoutExpired,
    "over 30 ms",
  );
  assertEquals([error.cmd, error.timeout], [["cat"], 30]);
  await assertRejects(() => child.wait({ timeout: 0 }), TimeoutExpired);
  assert(isAlive(child.pid));
  await child.stdin.close();
  assertEquals(await child.wait(), 0);
});

test("Popen.wait({ signal }) is abandoned, and the program runs on", async () => {
  const child = new Popen(["cat"], { stdin: PIPE });
  const controller = new AbortController();
  const wait = child.wait({ signal: controller.signal });
  controller.abort("why");
  assertEquals(await wait.catch((reason) => reason), "why");
  await child.stdin.close();
  assertEquals(await child.wait(), 0);
});

test("Popen.communicate() moves 8 MiB both ways", async () => {
  const input = pattern(8 * MIB);
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  const [stdout, stderr] = await child.communicate(input);
  assert(same(stdout, input));
  assertEquals([stderr, child.returncode], [null, 0]);
});

test("Popen.communicate() swallows EPIPE", async () => {
  const input = new Uint8Array(8 * MIB);
  const gone = new Popen(["true"], { stdin: PIPE, stdout: PIPE });
  assertEquals(await gone.communicate(input), [new Uint8Array(), null]);
  const closed = new Popen(sh("exec <&-; echo x; sleep 0.1"), {
    stdin: PIPE,
    stdout: PIPE,
    text: true,
  });
  assertEquals(await closed.communicate(input), ["x\n", null]);
});

test("Popen.communicate() keeps what was read when its time is up", async () => {
  const child = new Popen(sh("echo one; read line; echo $line"), {
    stdin: PIPE,
    stdout: PIPE,
    text: true,
  });
  const error = await assertRejects(
    async () => {
      // A stream that has not ended: the program goes on waiting.
      const slow = new ReadableStream<string>({
        async start(controller) {
          await late;
          controller.enqueue("two\n");
          controller.close();
        },
      });
      await child.communicate(slow, { timeout: 200 });
    },
    TimeoutExpired,
  );
  assertEquals(error.stdout, "one\n");
  release();
  assertEquals(await child.communicate(), ["one\ntwo\n", null]);
  assertEquals(await child.communicate(), ["one\ntwo\n", null]);
});
const { promise: late, resolve: release } = Promise.withResolvers<void>();

test("Popen.communicate() gives whole characters when its time is up", async () => {
  const child = new Popen(sh("printf 'h\\303'; read x; printf '\\251'"), {
    stdin: PIPE,
    stdout: PIPE,
    encoding: "utf-8",
    errors: "strict",
  });
  const { promise: later, resolve: comes } = Promise.withResolvers<string>();
  const input = ReadableStream.from((async function* () {
    yield await later;
  })());
  const error = await assertRejects(
    () => child.communicate(input, { timeout: 200 }),
    TimeoutExpired,
  );
  assertEquals(error.stdout, "h");
  comes("\n");
  assertEquals(await child.communicate(), ["hé", null]);
});

test("Popen.communicate() refuses input where there is no pipe, or twice", async () => {
  const child = new Popen(["true"]);
  await assertRejects(() => child.communicate("x"), TypeError, "stdin must be PIPE");
  await child.wait();
  const fed = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, text: true });
  assertEquals(await fed.communicate("x"), ["x", null]);
  await assertRejects(() => fed.communicate("y"), Error, "given already");
});

test("PipeReader.lines() gives lines as they come", async () => {
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  const lines = child.stdout.lines();
  for (const line of ["a", "", "ü", "long ".repeat(50_000)]) {
    const next = lines.next();
    await child.stdin.write(`${line}\r\n`);
    assertEquals((await next).value, line);
  }
  await child.stdin.write("no newline");
  await child.stdin.close();
  assertEquals((await lines.next()).value, "no newline");
  assertEquals((await lines.next()).done, true);
  assertEquals(await child.wait(), 0);
});

test("PipeReader.lines() keeps characters whole that are split between two writes", async () => {
  await using child = new Popen(sh("printf 'h\\303'; sleep 0.05; printf '\\251!\\nx'"), {
    stdout: PIPE,
  });
  assertEquals(await Array.fromAsync(child.stdout.lines()), ["hé!", "x"]);
});

test("PipeReader: what lines() leaves is there for communicate()", async () => {
  const child = new Popen(["seq", "5"], { stdout: PIPE, text: true });
  assertEquals(await child.stdout.readline(), "1");
  for await (const line of child.stdout.lines()) if (line === "2") break;
  assertEquals(await child.communicate(), ["3\n4\n5\n", null]);
});

test("PipeReader is a ReadableStream of bytes", async () => {
  const child = new Popen(["printf", "abc"], { stdout: PIPE, stderr: PIPE });
  assertEquals(await new Response(child.stdout).text(), "abc");
  assertEquals(await child.stderr.read(), new Uint8Array());
  assertEquals(await child.wait(), 0);
});

test("PipeReader keeps what an ended program has left", async () => {
  const child = new Popen(sh("echo late; echo late >&2"), {
    stdout: PIPE,
    stderr: PIPE,
    text: true,
  });
  await child.wait();
  assertEquals(await child.stdout.read(), "late\n");
  assertEquals(await child.communicate(), ["", "late\n"]);
});

test("PipeReader.close() ends a program that goes on writing", async () => {
  const child = new Popen(["yes"], { stdout: PIPE });
  assertEquals(await child.stdout.readline(), "y");
  child.stdout.close();
  assertEquals(await child.wait(), -13);
});

test("PipeWriter is a WritableStream, and write() fails when nobody reads", async () => {
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, text: true });
  await new Blob(["ab"]).stream().pipeTo(child.stdin);
  assertEquals(await child.communicate(), ["ab", null]);
  const gone = new Popen(["true"], { stdin: PIPE });
  await gone.wait();
  await assertRejects(() => gone.stdin.write(new Uint8Array(MIB)), Deno.errors.BrokenPipe);
  await assertRejects(() => gone.stdin.write(1 as never), TypeError, "data must be text or bytes");
});

test("Popen talks with an interactive program", async () => {
  await using shell = new Popen(["sh"], { stdin: PIPE, stdout: PIPE });
  const ask = async (line: string) => {
    await shell.stdin.write(`${line}\n`);
    return await shell.stdout.readline();
  };
  assertEquals(await ask("x=6; echo $((x * 7))"), "42");
  assertEquals(await ask("echo $x"), "6");
});

test("Popen.sendSignal(), terminate() and kill() send signals, and nothing after the end", async () => {
  for (
    const [send, code] of [
      [(child: Popen) => child.terminate(), -15],
      [(child: Popen) => child.kill(), -9],
      [(child: Popen) => child.sendSignal("SIGINT"), -2],
      [(child: Popen) => child.sendSignal(1), -1],
    ] as const
  ) {
    const child = new Popen(["sleep", "60"]);
    send(child);
    assertEquals(await child.wait(), code);
    send(child);
    assertEquals(child.poll(), code);
  }
  const child = new Popen(["sleep", "60"]);
  assertThrows(() => child.sendSignal("SIGNO" as never), TypeError, "SIGNO");
  child.kill();
  await child.wait();
});

test("Popen.sendSignal() can be called again, and leaves the input open", async () => {
  const script = "trap 'echo int' INT; echo up; while :; do read x && { echo $x; $x; }; done";
  const child = new Popen(sh(script), { stdin: PIPE, stdout: PIPE, text: true });
  assertEquals(await child.stdout.readline(), "up");
  for (let k = 0; k < 3; k++) {
    child.sendSignal("SIGINT");
    assertEquals(await child.stdout.readline(), "int");
    await child.stdin.write(":\n");
    assertEquals(await child.stdout.readline(), ":");
  }
  assertEquals(await child.communicate("exit\n"), ["exit\n", null]);
  assertEquals(child.returncode, 0);
});

test("Popen.kill({ tree }) ends descendants too", async () => {
  const child = new Popen(sh("sleep 60 & echo $!; sh -c 'sleep 60 & echo $!; wait' & wait"), {
    stdout: PIPE,
  });
  const pids = [Number(await child.stdout.readline()), Number(await child.stdout.readline())];
  assert(pids.every(isAlive));
  child.kill({ tree: true });
  assertEquals(await child.wait(), -9);
  await until(() => !pids.some(isAlive));
  child.stdout.close();
});

test("Popen.kill({ tree }) misses nobody who is just being started", async () => {
  const forks = "i=0; while [ $i -lt 200 ]; do (sleep 60; true) & i=$((i+1)); " +
    "[ $i = 3 ] && echo started; done; wait";
  for (let round = 0; round < 5; round++) {
    const child = new Popen(sh(forks), { stdout: PIPE });
    await child.stdout.readline();
    child.kill({ tree: true });
    assertEquals(await child.wait(), -9);
    // Each of them has the pipe: it ends with the last.
    assertEquals(await child.stdout.readline(), undefined);
  }
});

test("Popen({ detached }) leads a group of its own, that kill({ tree }) ends", async () => {
  const child = new Popen(sh("(sleep 60 & echo $!); read line"), {
    stdin: PIPE,
    stdout: PIPE,
    detached: true,
  });
  // Its parent has ended: only the group still holds it.
  const orphan = Number(await child.stdout.readline());
  const group = (pid: number) =>
    Number(Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ")[2]);
  assertEquals([group(child.pid), group(orphan)], [child.pid, child.pid]);
  child.kill({ tree: true });
  assertEquals(await child.wait(), -9);
  await until(() => !isAlive(orphan));
  child.stdout.close();
});

test("Popen stays in the caller's process group otherwise", async () => {
  const child = new Popen(["cat"], { stdin: PIPE });
  const group = (pid: number | "self") =>
    Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ")[2];
  assertEquals(group(child.pid), group("self"));
  await child.stdin.close();
  await child.wait();
});

test("Popen reads another's stdout, and the writer is told when its reader goes", async () => {
  const first = new Popen(["yes"], { stdout: PIPE });
  const second = new Popen(["head", "-n", "2"], { stdin: first.stdout, stdout: PIPE, text: true });
  assertEquals(await second.communicate(), ["y\ny\n", null]);
  assertEquals(await first.wait(), -13);
});

test("Popen reads the rest of another's stdout when some has been read", async () => {
  const first = new Popen(sh("echo one; echo two; read x; echo three"), {
    stdin: PIPE,
    stdout: PIPE,
  });
  assertEquals(await first.stdout.readline(), "one");
  const second = new Popen(["cat"], { stdin: first.stdout, stdout: PIPE, text: true });
  await first.stdin.write("\n");
  assertEquals(await second.communicate(), ["two\nthree\n", null]);
  assertEquals(await first.wait(), 0);
});

test("Popen takes open file descriptors", async () => {
  const path = await Deno.makeTempFile();
  try {
    const out = openSync(path, "w");
    await new Popen(sh("echo o; echo e >&2"), { stdout: out, stderr: STDOUT }).wait();
    closeSync(out);
    assertEquals(await Deno.readTextFile(path), "o\ne\n");
    const back = openSync(path, "r");
    const child = new Popen(["cat"], { stdin: back, stdout: PIPE, text: true });
    assertEquals(await child.communicate(), ["o\ne\n", null]);
    closeSync(back);
  } finally {
    await Deno.remove(path);
  }
});

test("Popen does not change the arguments of Deno itself", async () => {
  const child = new Popen([Deno.execPath(), "-e", "1"], { stdout: PIPE, stderr: PIPE, text: true });
  const [, stderr] = await child.communicate();
  assert(stderr.includes("unexpected argument '-e'"));
});

test("await using closes the pipes and waits", async () => {
  let pid;
  {
    await using child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
    pid = child.pid;
  }
  assert(!isAlive(pid));
});

test("Popen throws at the call, and leaves nothing", async () => {
  const before = descriptors();
  for (const stdout of [PIPE, "inherit"] as const) {
    const start = (args: string[], options = {}) => () => new Popen(args, { stdout, ...options });
    assertThrows(start(["no-such-program"]), Deno.errors.NotFound, '"no-such-program"');
    assertThrows(start(["/no/such"]), Deno.errors.NotFound, '"/no/such"');
    assertThrows(start(["true"], { cwd: "/no/such" }), Deno.errors.NotFound, "cwd");
    assertThrows(start(["/etc/passwd"]), Deno.errors.PermissionDenied);
    assertThrows(start([]), TypeError, "must name a program");
    assertThrows(start(["true"], { env: { "": "x" } }), TypeError, "env");
  }
  await delay(10);
  assertEquals(descriptors(), before);
});

test("1,000 Popen in a row leave no zombie and no open resource", async () => {
  const before = descriptors();
  for (let k = 0; k < 1000; k++) {
    const options = [{}, { stdout: PIPE }, { stdin: PIPE, stdout: PIPE, stderr: PIPE }][k % 3]!;
    const child = new Popen(["/bin/true"], options);
    assertEquals(
      k % 2 === 0 ? await child.wait() : (await child.communicate(), child.returncode),
      0,
    );
  }
  await until(() => descriptors() <= before);
  const zombies = [...Deno.readDirSync("/proc")].filter(({ name }) => {
    try {
      const [, rest] = Deno.readTextFileSync(`/proc/${name}/stat`).split(") ");
      return rest!.startsWith(`Z ${Deno.pid} `);
    } catch {
      return false;
    }
  });
  assertEquals(zombies, []);
});

test("50 Popen at once, with 256 KiB each way", async () => {
  const input = pattern(MIB / 4);
  await Promise.all(Array.from({ length: 50 }, async () => {
    const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
    assert(same((await child.communicate(input))[0], input));
  }));
});
