/**
 * What a program finds when it starts: its environment, its folder, its descriptors; and what the
 * error says when it cannot be started.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { closeSync, openSync } from "node:fs";
import {
  checkOutput,
  DEVNULL,
  PIPE,
  pipeline,
  Popen,
  run,
  runSync,
  STDOUT,
} from "../../lib/subprocess.ts";
import { descriptorOf } from "../../lib/subprocess/spawn/node.ts";
import { sh, test } from "./_limit.ts";

const text = { stdout: PIPE, text: true } as const;

/** The environment that a program finds. */
async function environment(options: Record<string, unknown>): Promise<Record<string, string>> {
  const said = await checkOutput(["/usr/bin/env", "-0"], { ...options, text: true });
  return Object.fromEntries(
    said.split("\0").filter(Boolean).map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/**
 * Names that a shell does not take for variables, or sets itself, and values that are none of its
 * business.
 */
const ODD: Record<string, string> = {
  PATH: "/usr/bin:/bin",
  "npm.config": "a b",
  "x-y": "'\"$(exit)`",
  "1": "one",
  "ä": "ö\n=",
  "BASH_FUNC_f%%": "() { :; }",
  PWD: "/nowhere",
  OLDPWD: "old",
  SHLVL: "7",
  _: "under",
  IFS: ",",
  PPID: "99",
  PS1: "$",
  PS4: "+",
  OPTIND: "5",
  LINENO: "3",
  EMPTY: "",
  "-u": "dash",
};

test("run({ stderr: STDOUT }) leaves the environment exactly as it is given", async () => {
  for (const env of [{}, { A: "1" }, ODD] as Record<string, string>[]) {
    assertEquals(await environment({ env }), env);
    assertEquals(await environment({ env, stderr: STDOUT }), env);
    const said = runSync(["/usr/bin/env"], { ...text, env: { A: "1" }, stderr: STDOUT }).stdout;
    assertEquals(said, "A=1\n");
  }
  Deno.env.set("SWITCHYARD_TEST", "1");
  try {
    assertEquals(await environment({ stderr: STDOUT }), await environment({}));
    assertEquals(await environment({}), Deno.env.toObject());
  } finally {
    Deno.env.delete("SWITCHYARD_TEST");
  }
});

test("run({ stderr: STDOUT }) starts a program whose name env would take for a variable", async () => {
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(`${cwd}/a=b`, '#!/bin/sh\necho "$1" >&2\n', { mode: 0o755 });
  await Deno.writeTextFile(`${cwd}/-u`, '#!/bin/sh\necho "$1" >&2\n', { mode: 0o755 });
  const options = { ...text, cwd, stderr: STDOUT };
  for (const program of ["./a=b", "./-u"]) {
    assertEquals((await run([program, "A=1"], options)).stdout, "A=1\n");
  }
  const env = { PATH: `${cwd}:/bin:/usr/bin` };
  for (const program of ["a=b", "-u"]) {
    assertEquals((await run([program, "-u"], { ...options, env })).stdout, "-u\n");
  }
  await Deno.remove(cwd, { recursive: true });
});

test("run({ extendEnv }) adds to this program's environment", async () => {
  const all = Deno.env.toObject();
  const env = { HOME: "/elsewhere", EXTRA: "x", "odd.name": "y" };
  for (const options of [{}, { stderr: STDOUT }] as const) {
    assertEquals(await environment({ env, extendEnv: true, ...options }), { ...all, ...env });
  }
  const asked = { ...text, env, extendEnv: true };
  assertEquals(runSync(sh('echo "$EXTRA$PATH"'), asked).stdout, `x${all.PATH}\n`);
  const child = new Popen(sh('echo "$EXTRA$PATH"'), asked);
  assertEquals(await child.communicate(), [`x${all.PATH}\n`, null]);
  const [first, last] = [sh("echo $EXTRA"), sh("cat; echo $EXTRA")];
  assertEquals(
    (await pipeline(first, last, { env, extendEnv: true, text: true })).stdout,
    "x\nx\n",
  );
  await assertRejects(() => run(["true"], { extendEnv: 1 as never }), TypeError, "extendEnv");
});

test("No message has the value of a variable in it", async () => {
  const secret = "s3cr3t";
  const refused: Record<string, unknown>[] = [
    { KEY: `${secret}\0` },
    { [`KEY=${secret}`]: "" },
    { [`KEY\0${secret}`]: "" },
    { KEY: [secret] },
    { KEY: { secret } },
  ];
  for (const env of refused) {
    for (const attempt of [run, (args: string[], options: never) => runSync(args, options)]) {
      const error = await assertRejects(
        async () => await attempt(["true"], { env } as never),
        TypeError,
        "KEY",
      );
      assert(!error.message.includes(secret), error.message);
    }
  }
  const error = await assertRejects(() => run(["no-such-program"], { env: { KEY: secret } }));
  assert(!Deno.inspect(error).includes(secret));
});

test("A missing folder is told as such, whatever way the program is started", async () => {
  for (const cwd of ["/no/such/folder", "/etc/hostname"]) {
    const message = `Cannot run "echo": cwd is no folder, received "${cwd}"`;
    const { NotFound } = Deno.errors;
    for (
      const options of [{}, { stdout: PIPE }, { stderr: STDOUT }, { stdout: PIPE, stderr: STDOUT }]
    ) {
      await assertRejects(() => run(["echo"], { cwd, ...options }), NotFound, message);
      assertThrows(() => runSync(["echo"], { cwd, ...options }), NotFound, message);
      assertThrows(() => runSync(["echo"], { cwd, timeout: 9999, ...options }), NotFound, message);
      assertThrows(() => new Popen(["echo"], { cwd, ...options }), NotFound, message);
    }
    await assertRejects(() => run(["echo"], { cwd, env: {} }), NotFound, message);
  }
  const missing = { cwd: "/" } as const;
  assertThrows(() => runSync(["no-such-program"], missing), Deno.errors.NotFound, "in PATH");
});

test("A line for a shell is told as such", async () => {
  const hint = 'give an array, ["ls", "-l"], or set shell: true';
  for (const args of ["ls -l", ["ls -l"], " ls\t-l "]) {
    for (const options of [{}, { stderr: STDOUT }] as const) {
      const error = await assertRejects(() => run(args, options), Deno.errors.NotFound);
      assert(error.message.endsWith(hint), error.message);
      assertThrows(() => runSync(args, options), Deno.errors.NotFound, hint);
      assertThrows(() => new Popen(args, options), Deno.errors.NotFound, hint);
    }
  }
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(`${cwd}/my program`, "#!/bin/sh\necho mine\n", { mode: 0o755 });
  assertEquals(await checkOutput("./my program", { cwd, text: true }), "mine\n");
  await Deno.remove(cwd, { recursive: true });
});

/** Closes its input, says so, and lives on. */
const LEAVES = sh("read line; exec <&-; echo gone; sleep 20 >/dev/null");

test("The reader of a joined pipe has it open once: the writer hears at once when it leaves", async () => {
  const first = new Popen(["yes"], { stdout: PIPE });
  const second = new Popen(LEAVES, { stdin: first.stdout, stdout: PIPE });
  assertEquals(await second.stdout.readline(), "gone");
  assertEquals(await first.wait({ timeout: 10_000 }), -13);
  await second.stop();
  second.stdout.close();
});

test("A descendant of the reader of a joined pipe does not keep it open", async () => {
  const daemon = "sleep 20 </dev/null >/dev/null & echo $!";
  const reads = sh(`read line; ${daemon}`);
  const { stdout, returncodes } = await pipeline(["yes"], reads, { text: true, timeout: 10_000 });
  assertEquals(returncodes, [-13, 0]);
  Deno.kill(Number(stdout), "SIGKILL");
});

test("A program has each descriptor that it is given open once", async () => {
  const path = await Deno.makeTempFile();
  const fd = openSync(path, "r+");
  const count = `n=0; for f in /proc/$$/fd/*; do
    [ "$(readlink $f)" = ${path} ] && n=$((n + 1)); done; exit $n`;
  assertEquals(await new Popen(sh(count), { stdin: fd }).wait(), 1);
  assertEquals(await new Popen(sh(count), { stdin: fd, stdout: fd }).wait(), 2);
  assertEquals(await new Popen(sh(count), { stdout: fd, stderr: STDOUT }).wait(), 2);
  assertEquals(runSync(sh(count), { stdin: DEVNULL, stderr: fd }).returncode, 1);
  closeSync(fd);
  await Deno.remove(path);
});

test("A Deno that does not tell descriptors is an error, not an empty output", () => {
  assertEquals(descriptorOf({ _handle: null }), undefined);
  assertEquals(descriptorOf({ _handle: { fd: -1 } }), undefined);
  assertEquals(descriptorOf({ _handle: { fd: 7 } }), 7);
  for (const stream of [{}, { _handle: {} }, { _handle: { fd: "7" } }]) {
    assertThrows(() => descriptorOf(stream), Error, "this version of Deno does not tell it");
  }
});

test("Popen, its pipes and results show themselves", async () => {
  const show = (value: unknown) => Deno.inspect(value, { colors: false });
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  assertEquals(show(child), `Popen(pid ${child.pid}, running)`);
  assertEquals([show(child.stdin), show(child.stdout)], ["PipeWriter", "PipeReader"]);
  await child.communicate("x");
  assertEquals(show(child), `Popen(pid ${child.pid}, returncode 0)`);
  class Server extends Popen {}
  const server = new Server(["sleep", "60"]);
  assertEquals(show(server), `Server(pid ${server.pid}, running)`);
  await server.stop();
  assertEquals(show(server), `Server(pid ${server.pid}, returncode -15)`);
  assertEquals(
    show(await run(["echo", "hi"], { captureOutput: true, text: true })),
    String.raw`CompletedProcess([ "echo", "hi" ], returncode 0, stdout "hi\n", stderr "")`,
  );
  assertEquals(
    show(await run("head", { stdin: DEVNULL })),
    'CompletedProcess("head", returncode 0)',
  );
  const long = await pipeline(["seq", "100"], ["cat"], { text: true });
  assertEquals(
    show(long),
    'CompletedPipeline("seq 100 | cat", returncode 0, stdout 292 characters)',
  );
  assertEquals(show((await pipeline(["true"], ["echo"])).stdout), "Uint8Array(1) [ 10 ]");
});
