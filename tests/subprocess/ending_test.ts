/**
 * How programs are ended: stop(), killSignal and grace, trees, any time there is, and signals
 * without a name.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CalledProcessError,
  PIPE,
  pipeline,
  Popen,
  run,
  runSync,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { waitpid, WIFSIGNALED, WTERMSIG } from "../../lib/os.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { sh, test } from "./_limit.ts";

/** Says when it is ready; ends in good order when it is asked. */
const GOOD = sh(`trap 'echo bye; kill $!; exit 7' TERM; sleep 60 & echo ready; wait`);
/** Does not listen. */
const DEAF = sh(`trap '' TERM; echo ready; while :; do sleep 0.05; done`);
/** Long, but not for a timer. */
const AGES = [2 ** 31, 2 ** 40, Infinity];

/**
 * A test of children that a signal without a name has killed. A plain Deno.Command leaks them too:
 * its `status` is rejected ("Invalid signal: 34"), and Deno closes the resource of a child only
 * with a status that it can tell.
 */
function leaky(name: string, fn: () => Promise<void>): void {
  test(name, fn, { sanitizeResources: false });
}

/** A program that is ready. */
async function ready(args: string[], options: { detached?: boolean } = {}) {
  const child = new Popen(args, { ...options, stdout: PIPE, text: true });
  assertEquals(await child.stdout.readline(), "ready");
  return child;
}

test("Popen.stop() asks, and gives the return code", async () => {
  const child = await ready(GOOD);
  assertEquals(await child.stop(), 7);
  assertEquals(await child.stdout.read(), "bye\n");
  assertEquals(await child.stop(), 7);
  assertEquals(await (await ready(sh("echo ready; exec sleep 60"))).stop(), -15);
});

test("Popen.stop({ signal }) asks by another signal", async () => {
  const child = await ready(sh("trap 'kill $!; exit 9' INT; sleep 60 & echo ready; wait"));
  assertEquals(await child.stop({ signal: "SIGINT" }), 9);
});

test("Popen.stop({ grace }) kills what does not end", async () => {
  const child = await ready(DEAF);
  const began = performance.now();
  assertEquals(await child.stop({ grace: 150 }), -9);
  assert(performance.now() - began >= 149);
  assertEquals(await (await ready(DEAF)).stop({ grace: 0 }), -9);
});

/**
 * Has two descendants, of which one does not listen, and says their pids; ends at once when it is
 * asked.
 */
const PARENT = sh(`sh -c 'trap "" TERM; echo deaf; while :; do sleep 0.05; done' &
  echo $!; sleep 60 & echo $!; wait`);

/** The parent, with its descendants' pids once the deaf one is deaf. */
async function family(options: { detached?: boolean } = {}): Promise<[Popen, number[]]> {
  const child = new Popen(PARENT, { ...options, stdout: PIPE });
  const said = [];
  for (let k = 0; k < 3; k++) said.push(await child.stdout.readline());
  return [child, said.filter((line) => line !== "deaf").map(Number)];
}

test("Popen.stop({ tree }) ends descendants too, also those that do not listen", async () => {
  for (const detached of [false, true]) {
    const [child, pids] = await family({ detached });
    assertEquals(pids.map(isAlive), [true, true]);
    const began = performance.now();
    assertEquals(await child.stop({ tree: true, grace: 200 }), -15);
    assert(performance.now() - began >= 199);
    await until(() => !pids.some(isAlive));
    child.stdout.close();
  }
});

test("Popen.stop() without tree leaves descendants", async () => {
  const [child, pids] = await family();
  assertEquals(await child.stop({ grace: 200 }), -15);
  assertEquals(pids.map(isAlive), [true, true]);
  for (const pid of pids) Deno.kill(pid, "SIGKILL");
  child.stdout.close();
});

test("Popen.stop({ tree }) waits no longer than the last one lives", async () => {
  const child = await ready(sh("sleep 60 & echo ready; wait"));
  assertEquals(await child.stop({ tree: true, grace: 60_000 }), -15);
  child.stdout.close();
});

test("Popen.stop() refuses bad options", async () => {
  const child = await ready(GOOD);
  await assertRejects(() => child.stop({ grace: -1 }), RangeError, "grace must be >= 0 ms");
  await assertRejects(() => child.stop({ grace: "x" as never }), TypeError, "grace");
  await assertRejects(() => child.stop({ signal: "TERM" as never }), TypeError, "signal");
  await assertRejects(() => child.stop({ tree: 1 as never }), TypeError, "tree");
  assert(isAlive(child.pid));
  assertEquals(await child.stop(), 7);
});

test("run({ killSignal, grace }) asks, and then kills", async () => {
  const options = { captureOutput: true, text: true, timeout: 150 } as const;
  for (const asking of [{ killSignal: "SIGTERM" }, { grace: 10_000 }] as const) {
    const error = await assertRejects(() => run(GOOD, { ...options, ...asking }), TimeoutExpired);
    assertEquals(error.stdout, "ready\nbye\n");
    assertEquals(
      assertThrows(() => runSync(GOOD, { ...options, ...asking }), TimeoutExpired).stdout,
      "ready\nbye\n",
    );
  }
  for (const asking of [{ grace: 50 }, { killSignal: "SIGTERM", grace: 0 }] as const) {
    const error = await assertRejects(() => run(DEAF, { ...options, ...asking }), TimeoutExpired);
    assertEquals(error.stdout, "ready\n");
    assertThrows(() => runSync(DEAF, { ...options, ...asking }), TimeoutExpired);
  }
  await assertRejects(
    () => run(["true"], { killSignal: "TERM" as never }),
    TypeError,
    'killSignal must be the name of a signal, received "TERM"',
  );
});

test("run({ grace }) reads on while the program says its last words", async () => {
  const script = `trap 'head -c 1000000 /dev/zero; exit' TERM; echo; sleep 60 & wait`;
  const options = { captureOutput: true, timeout: 200, grace: 10_000 } as const;
  const error = await assertRejects(() => run(sh(script), options), TimeoutExpired);
  assertEquals(error.stdout?.length, 1_000_001);
  assertEquals(
    assertThrows(() => runSync(sh(script), options), TimeoutExpired).stdout?.length,
    1_000_001,
  );
});

test("pipeline({ grace }) asks all, and then kills", async () => {
  const options = { text: true, timeout: 200, grace: 100 } as const;
  const error = await assertRejects(() => pipeline(DEAF, ["cat"], options), TimeoutExpired);
  assertEquals(error.stdout, "ready\n");
});

test("run({ signal, grace }) throws the reason when the program has ended", async () => {
  const controller = new AbortController();
  const onLine = () => controller.abort("why");
  const reason = run(GOOD, { onLine, grace: 10_000, signal: controller.signal });
  assertEquals(await reason.catch((reason) => reason), "why");
  const gone = new AbortController();
  setTimeout(() => gone.abort(null), 20);
  assertEquals(await run(["sleep", "60"], { signal: gone.signal }).catch((reason) => reason), null);
});

test("Any finite timeout is a minimum: more than a timer takes, too", async () => {
  for (const timeout of AGES) {
    const args = sh("sleep 0.05; echo x");
    const text = { stdout: PIPE, text: true, timeout } as const;
    assertEquals((await run(args, text)).stdout, "x\n");
    assertEquals((await pipeline(args, ["cat"], { text: true, timeout })).stdout, "x\n");
    assertEquals(runSync(args, text).stdout, "x\n");
    assertEquals(await new Popen(args, { stdout: PIPE }).wait({ timeout }), 0);
    assertEquals(new Popen(args, { stdout: PIPE }).waitSync({ timeout }), 0);
    const options = { stdout: PIPE, text: true } as const;
    assertEquals(await new Popen(args, options).communicate(undefined, { timeout }), ["x\n", null]);
    assertEquals(new Popen(args, options).communicateSync(undefined, { timeout }), ["x\n", null]);
    assertEquals(await (await ready(GOOD)).stop({ grace: timeout }), 7);
    await assertRejects(() => run(GOOD, { stdout: PIPE, timeout: 100, grace: timeout }));
  }
});

leaky("A signal without a name gives a return code like any other", async () => {
  const dies = sh("echo x; kill -34 $$");
  const text = { captureOutput: true, text: true } as const;
  const pipes = { stdin: PIPE, stdout: PIPE, stderr: PIPE, text: true } as const;
  assertEquals((await run(sh("kill -34 $$"))).returncode, -34);
  const { returncode, stdout } = await run(dies, text);
  assertEquals([returncode, stdout], [-34, "x\n"]);
  const error = await assertRejects(() => run(dies, { ...text, check: true }), CalledProcessError);
  assert(error.message.includes("was killed by SIG34"), error.message);
  assertEquals(runSync(sh("kill -34 $$")).returncode, -34);
  assertEquals(runSync(dies, { ...text, timeout: 10_000 }).returncode, -34);
  assertThrows(() => runSync(dies, text), Error, "a signal without a name has killed it, 34");

  for (const options of [{}, pipes]) {
    assertEquals(await new Popen(dies, { stdout: PIPE, ...options }).wait(), -34);
    assertEquals(new Popen(dies, { stdout: PIPE, ...options }).waitSync(), -34);
    const polled = new Popen(dies, { stdout: PIPE, ...options });
    await until(() => polled.poll() !== null);
    assertEquals(polled.poll(), -34);
    await polled.wait();
  }
  const talks = new Popen(dies, pipes);
  assertEquals(await talks.communicate("input"), ["x\n", ""]);
  assertEquals(talks.returncode, -34);
  talks.kill(); // Nothing: its number may be another's.
  const { returncodes } = await pipeline(dies, sh("cat; kill -35 $$"), sh("cat; kill -9 $$"));
  assertEquals(returncodes, [-34, -35, -9]);
});

leaky("Many that end by signals without a name are told apart from those that do not", async () => {
  const children = Array.from({ length: 12 }, (_, k) => {
    const end = k % 3 === 0 ? "kill -34 $$" : `exit ${k}`;
    return new Popen(sh(`read x; ${end}`), { stdin: PIPE, stdout: PIPE });
  });
  const ends = Promise.all(children.map((child) => child.wait()));
  await Promise.all(children.map((child) => child.stdin.write("\n")));
  assertEquals(await ends, children.map((_, k) => k % 3 === 0 ? -34 : k));
  for (const child of children) child.stdout.close();
});

leaky("waitpid() gives a child that a signal without a name has killed", async () => {
  for (const options of [{}, { stdout: PIPE }]) {
    const child = new Popen(sh("kill -34 $$"), options);
    const [pid, status] = await waitpid(child.pid);
    assertEquals([pid, WIFSIGNALED(status), WTERMSIG(status)], [child.pid, true, 34]);
    assertEquals(await child.wait(), -34);
  }
});

test("An uncaught rejection of somebody else stays one", async () => {
  const face = new URL("../../lib/subprocess.ts", import.meta.url).href;
  const program = `import { Popen, PIPE } from ${JSON.stringify(face)};
    const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
    Promise.reject(new TypeError("Invalid signal: 34"));
    await child.wait();`;
  const { returncode, stderr } = await run([Deno.execPath(), "eval", "--no-config", program], {
    captureOutput: true,
    text: true,
  });
  assertEquals(returncode, 1);
  assert(stderr.includes("Invalid signal: 34"), stderr);
});
