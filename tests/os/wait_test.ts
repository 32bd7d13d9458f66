import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { adopt } from "../../lib/child/ended_children.ts";
import { Manager, Pool, Process } from "../../lib/multiprocessing.ts";
import {
  ChildProcessError,
  TimeoutError,
  wait,
  waitpid,
  WEXITSTATUS,
  WIFEXITED,
  WIFSIGNALED,
  WTERMSIG,
} from "../../lib/os.ts";
import { SIG_DFL, SIG_IGN, signal, Signals } from "../../lib/signal.ts";
import { Thread } from "../../lib/threading.ts";
import { limited as test } from "../signal/_program.ts";
import { LACKS } from "../_help/lacks.ts";
import * as targets from "./_targets.ts";

const start = (code: number) => new Process(targets.end, { args: [code] }).start();

/** A process that sleeps by now. */
async function startSleeper(): Promise<Process> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const child = new Process(targets.sleep, { onReport: () => resolve() }).start();
  await promise;
  return child as unknown as Process;
}

/** A child that ends when it is told to, with a pid that no process has. */
function invent(pid: number) {
  const { promise, resolve } = Promise.withResolvers<Deno.CommandStatus>();
  const { collect } = adopt(pid, promise);
  const end = async (code: number, signal: Deno.Signal | null = null) => {
    resolve({ success: code === 0, code, signal });
    await promise;
  };
  return { end, collect };
}

const PID = 2 ** 30;

test("wait() gives each child once, with its code", async () => {
  const children = [0, 3, 255].map(start);
  const seen = new Map<number, number>();
  for (const _ of children) {
    const [pid, status] = await wait();
    assert(WIFEXITED(status) && !WIFSIGNALED(status));
    seen.set(pid, WEXITSTATUS(status));
  }
  assertEquals(children.map(({ pid }) => seen.get(pid!)), [0, 3, 255]);
  await assertRejects(() => wait(), ChildProcessError, "Cannot wait for a child");
  for (const child of children) await child.join();
  assertEquals(children.map(({ exitcode }) => exitcode), [0, 3, 255]);
});

test("wait() says which signal killed a child", async () => {
  for (const sig of ["SIGKILL", "SIGTERM"] as const) {
    await using child = await startSleeper();
    Deno.kill(child.pid!, sig);
    const [pid, status] = await wait();
    assertEquals([pid, status], [child.pid, Signals[sig]]);
    assert(WIFSIGNALED(status) && !WIFEXITED(status));
    assertEquals(WTERMSIG(status), Signals[sig]);
  }
}, LACKS.signals);

test("wait() without a child throws what has the code ECHILD", async () => {
  const error = await assertRejects(() => wait(), ChildProcessError);
  assertEquals([error.code, error.name], ["ECHILD", "ChildProcessError"]);
  await assertRejects(() => waitpid(-1), ChildProcessError);
  await assertRejects(() => waitpid(Deno.pid), ChildProcessError, `wait for child ${Deno.pid}`);
  await assertRejects(() => waitpid(PID, { nohang: true }), ChildProcessError);
});

test("wait() is not told of a child that was joined", async () => {
  const child = start(3);
  assertEquals(await child.join(), true);
  await assertRejects(() => wait(), ChildProcessError);
  await assertRejects(() => waitpid(child.pid!), ChildProcessError);
  const other = start(4);
  assertEquals(other.joinSync(), true);
  await assertRejects(() => waitpid(other.pid!), ChildProcessError);
  await other.join();
}, LACKS.memory);

test("wait() that waits already is given a child that is joined too", async () => {
  const child = start(3);
  const waiting = wait();
  assertEquals(await child.join(), true);
  assertEquals(await waiting, [child.pid, 3 << 8]);
});

test("waitpid() waits for that child", async () => {
  await using slow = await startSleeper();
  const quick = start(7);
  assertEquals(await waitpid(quick.pid!), [quick.pid, 7 << 8]);
  await assertRejects(() => waitpid(quick.pid!), ChildProcessError);
  slow.kill();
  assertEquals(await waitpid(-1), [slow.pid, 9]);
  await quick.join();
}, LACKS.signals);

test("waitpid() with nohang does not wait, and a loop of it hears of the end", async () => {
  await using child = await startSleeper();
  assertEquals(await waitpid(child.pid!, { nohang: true }), [0, 0]);
  assertEquals(await waitpid(-1, { nohang: true }), [0, 0]);
  child.terminate();
  let pid = 0;
  let status = 0;
  while (pid === 0) [pid, status] = await waitpid(-1, { nohang: true });
  assertEquals([pid, status], [child.pid, Signals.SIGTERM]);
  await assertRejects(() => waitpid(-1, { nohang: true }), ChildProcessError);
}, LACKS.signals);

test("wait() takes children in the order in which they ended", async () => {
  const [a, b, c] = [1, 2, 3].map((k) => invent(PID + k));
  await c.end(0);
  await a.end(1);
  await b.end(2);
  assertEquals(await waitpid(PID + 1), [PID + 1, 256]);
  assertEquals(await wait(), [PID + 3, 0]);
  assertEquals(await wait(), [PID + 2, 512]);
});

test("wait() twice gives two children, or throws where one is left", async () => {
  const [a, b] = [1, 2].map((k) => invent(PID + k));
  const waits = [wait(), waitpid(PID + 2), wait(), waitpid(PID + 1)];
  const settled = Promise.allSettled(waits);
  await b.end(0);
  await a.end(0);
  const results = await settled;
  const given = results.filter(({ status }) => status === "fulfilled");
  assertEquals(given.length, 2);
  assert(results[0].status === "fulfilled" && results[0].value[0] === PID + 2);
  assert(results[2].status === "fulfilled" && results[2].value[0] === PID + 1);
  for (const k of [1, 3]) {
    const result = results[k];
    assert(result.status === "rejected" && result.reason instanceof ChildProcessError);
  }
});

test("wait() ends by its timeout or its signal, and takes no child then", async () => {
  const child = invent(PID);
  await assertRejects(() => wait({ timeout: 5 }), TimeoutError, "none ended within 5 ms");
  await assertRejects(() => wait({ timeout: 0 }), TimeoutError);
  const reason = new Error("enough");
  await assertRejects(() => wait({ signal: AbortSignal.abort(reason) }), Error, "enough");
  const controller = new AbortController();
  const aborted = wait({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await aborted.catch((error) => error), reason);
  const late = new AbortController();
  const given = wait({ signal: late.signal });
  await child.end(5);
  late.abort(reason);
  assertEquals(await given, [PID, 5 << 8]);
});

test("waitpid() refuses what is no child's number", async () => {
  await assertRejects(() => waitpid("1" as never), TypeError, 'pid must be a number, received "1"');
  for (const pid of [0, -2, 1.5, NaN]) {
    await assertRejects(() => waitpid(pid), RangeError, "pid must be -1 or an integer > 0");
  }
  await assertRejects(() => waitpid(1, { nohang: 1 as never }), TypeError, "nohang");
  await assertRejects(() => waitpid(1, 5 as never), TypeError, "options must be an object");
  await assertRejects(() => wait({ timeout: -1 }), RangeError, "timeout");
});

test(
  "wait() is told of none while SIGCHLD is ignored, and throws when the last has ended",
  async () => {
    signal("SIGCHLD", SIG_IGN);
    const [a, b] = [1, 2].map((k) => invent(PID + k));
    let hasEnded = false;
    const waiting = wait().catch((error) => (hasEnded = true, error));
    await a.end(0);
    await delay(0);
    assertEquals(hasEnded, false);
    await b.end(0);
    assert(await waiting instanceof ChildProcessError);
    assertEquals(signal("SIGCHLD", SIG_DFL), SIG_IGN);
    const child = start(0);
    assertEquals(await wait(), [child.pid, 0]);
    await child.join();
  },
  LACKS.signals,
);

test("a child whose end is collected before it is known counts no more", async () => {
  const [a, b] = [1, 2].map((k) => invent(PID + k));
  const waiting = waitpid(PID + 1);
  a.collect();
  await assertRejects(() => waiting, ChildProcessError);
  await a.end(0);
  await b.end(0);
  b.collect();
  await assertRejects(() => wait(), ChildProcessError);
});

test("what the toolkit starts for itself is no child of the user's", async () => {
  await using manager = await Manager.start();
  await using pool = new Pool(1);
  assert(Array.isArray(await pool.apply(targets.who, [])));
  await assertRejects(() => wait(), ChildProcessError);
  await using child = start(1);
  assertEquals(await wait(), [child.pid, 256]);
  assert(manager.pid > 0);
});

test("a thread waits for its own children", async () => {
  const mine = invent(PID);
  const thread = new Thread(targets.haveChild, { args: [9] }).start();
  assertEquals(await thread.result(), [true, 9 << 8]);
  await thread.join();
  await mine.end(1);
  assertEquals(await wait(), [PID, 256]);
});

test("statuses are those of POSIX", async () => {
  const table: [Deno.CommandStatus, number][] = [
    [{ success: true, code: 0, signal: null }, 0],
    [{ success: false, code: 255, signal: null }, 0xff00],
    [{ success: false, code: 137, signal: "SIGKILL" }, 9],
    [{ success: false, code: 162, signal: "SIG34" as Deno.Signal }, 34],
  ];
  for (const [status, encoded] of table) {
    const child = adopt(PID, Promise.resolve(status));
    assertEquals(await wait(), [PID, encoded]);
    child.collect();
  }
  assertEquals([WIFEXITED(0x7f), WIFSIGNALED(0x7f)], [false, false]);
  assertEquals([WEXITSTATUS(0x1234), WTERMSIG(0x89)], [0x12, 9]);
  await assertRejects(async () => WIFEXITED(await Promise.resolve("0" as never)), TypeError);
});

test("ended children that nobody asks for are kept up to a number", async () => {
  const most = 32_768;
  for (let k = 0; k <= most; k++) {
    adopt(PID + k, Promise.resolve({ success: true, code: 0, signal: null }));
  }
  await delay(0);
  const [first] = await wait();
  assertEquals(first, PID + 1);
  for (let k = 1; k < most; k++) await wait();
  await assertRejects(() => wait(), ChildProcessError);
});
