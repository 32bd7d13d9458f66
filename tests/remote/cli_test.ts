import { assert, assertEquals, assertMatch } from "@std/assert";
import { openAccess } from "../../lib/remote/link/access.ts";
import { addressOf } from "../../lib/remote/address.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { TaskRefusedError, WorkerLostError } from "../../lib/errors.ts";
import { RemoteExecutor, RemoteQueue } from "../../lib/remote.ts";
import { runCommand } from "../../lib/cli.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { hasRabbitMQ, sharedBroker } from "./_broker.ts";
import { dies, meets, notes, square, stay } from "./_call_targets.ts";
import { cli, Program, workerOf } from "./_cli.ts";

for (
  const [args, text] of [
    [["nonsense"], 'unknown command "nonsense": it must be worker, status or dead; see --help'],
    [["worker", "--nonsense"], "Unknown option '--nonsense'"],
    [["worker", "--watch"], "--watch is no option of worker"],
    [["worker", "--workers", "two"], '--workers must be a number >= 0, received "two"'],
    [["worker", "--kind", "x"], '--kind must be thread or process, received "x"'],
    [["worker", "--url", "http://x"], 'url must begin with "memory:"'],
    [["status", "--url", "amqp://u:secretpw@host:x/"], ""],
    [["dead"], "dead needs a queue"],
    [["dead", "q", "bury"], 'dead q: list, show, retry or drop, received "bury"'],
    [["dead", "q", "retry"], "dead q retry needs an id"],
    [["dead", "q", "show", "x"], 'q has no buried call "x"'],
  ] as [string[], string][]
) {
  Deno.test(`cli ${args.join(" ")} says what is wrong`, () =>
    limited(async () => {
      const { error } = console;
      let told = "";
      console.error = (line: string) => told += line;
      try {
        assertEquals(await runCommand(args), 1);
      } finally {
        console.error = error;
      }
      assert(told.startsWith("switchyard: ") && told.includes(text), told);
      assert(!told.includes("secretpw"), told);
    }));
}

Deno.test("cli --help, and status and dead of a queue that is not there", () =>
  limited(async () => {
    const { log } = console;
    const lines: string[] = [];
    console.log = (line: string) => lines.push(line);
    try {
      assertEquals(await runCommand(["--help"]), 0);
      assertEquals(await runCommand(["status", "nobody"]), 0);
      assertEquals(await runCommand(["dead", "nobody"]), 0);
    } finally {
      console.log = log;
    }
    assertMatch(lines[0]!, /^Workers of RemoteExecutors/);
    assertEquals(lines.slice(1), [
      "nobody: 0 ready, 0 running, 0 dead, 0 workers",
      "nobody: nothing is buried",
    ]);
  }));

Deno.test("cli worker serves memory: until it is told to stop", () =>
  limited(async () => {
    await using worker = await workerOf("nobody", "memory:");
    worker.kill("SIGTERM");
    const { code, lines } = await worker.end();
    assertEquals([code, JSON.parse(lines.at(-1)!)], [0, {
      event: "stopped",
      done: 0,
      failed: 0,
      back: 0,
    }]);
  }));

const broker = hasRabbitMQ ? await sharedBroker() : "";
const url = `${broker}/?prefix=cli${Deno.pid}`;

function test(name: string, fn: (queue: string) => Promise<void>): void {
  Deno.test({
    name: `${name} [amqp]`,
    ignore: !hasRabbitMQ,
    fn: () =>
      limited(async () => {
        const queue = `cli.${crypto.randomUUID()}`;
        try {
          await fn(queue);
        } finally {
          const letGo = holdProgram();
          const access = openAccess(addressOf(url, "test"));
          for (const part of ["high", "mid", "low", "dead"]) {
            await access.remove(`t.${queue}.${part}`);
          }
          await access.close();
          letGo();
        }
      }, 90_000),
  });
}

async function items<T>(stack: AsyncDisposableStack): Promise<RemoteQueue<T>> {
  const queue = new RemoteQueue<T>(`items.${crypto.randomUUID()}`, { url });
  stack.defer(() => queue.close());
  stack.defer(() => queue.remove());
  await queue.size();
  return queue;
}

test("cli worker ends by SIGTERM: it finishes what runs, gives back the rest", async (queue) => {
  await using stack = new AsyncDisposableStack();
  const [here, go] = [await items<string>(stack), await items<string>(stack)];
  await using executor = new RemoteExecutor(queue, { url });
  await using worker = await workerOf(queue, url, "--workers", "1", "--kind", "process");
  const first = executor.submit(meets, here, go, "first");
  await here.get();
  const second = executor.submit(square, 3);
  await using status = cli(["status", queue, "--url", url, "--json"]);
  const seen = JSON.parse((await status.end()).lines[0]!);
  assertEquals(seen.workers.length, 1);
  assertEquals(seen.workers[0].running[0].name, "meets");
  worker.kill("SIGTERM");
  await worker.line(/"stopping"/);
  await using other = await workerOf(queue, url);
  assertEquals(await second.result(), 9);
  await go.put("");
  assertEquals(await first.result(), "first");
  const { code, lines } = await worker.end();
  const { done, back } = JSON.parse(lines.at(-1)!);
  assertEquals([done, code], [1, back > 0 ? 75 : 0]);
  other.kill("SIGTERM");
  assertEquals((await other.end()).code, 0);
});

test("cli worker that is stopped with calls that do not end gives them back, with 75", async (queue) => {
  const begun = Promise.withResolvers<unknown>();
  await using executor = new RemoteExecutor(queue, { url });
  await using worker = await workerOf(queue, url, "--drain", "0.2");
  const future = executor.submitWith({ onReport: begun.resolve }, stay);
  await begun.promise;
  worker.kill("SIGINT");
  assertEquals((await worker.end()).code, 75);
  assertEquals(future.done(), false);
  assert(future.cancel({ running: true }));
});

test("cli dead lists, shows, retries and drops what was buried", async (queue) => {
  await using stack = new AsyncDisposableStack();
  const tries = await items<number>(stack);
  await using executor = new RemoteExecutor(queue, { url });
  await using worker = await workerOf(queue, url);
  const error = await executor.submitWith({ retries: 1, key: "poison" }, dies, tries, 3)
    .exception();
  assert(error instanceof WorkerLostError, String(error));
  const dead = async (...words: string[]) => {
    await using program = cli(["dead", queue, ...words, "--url", url]);
    return await program.end();
  };
  const list = await until(async () => {
    const { lines } = await dead();
    return lines[0]?.startsWith("poison") ? lines : undefined;
  });
  assertMatch(
    list[0]!,
    /^poison {2}dies of root:\S+, 2 tries, \d+ bytes: lost: The call of "dies"/,
  );
  const shown = JSON.parse((await dead("show", "poison")).lines.join(""));
  assertEquals([shown.name, shown.tries], ["dies", 2]);
  assertEquals((await dead("retry", "poison")).lines, ["1 calls are in the queue again"]);
  // It is tried anew, as often as before.
  await until(async () => await tries.size() === 4);
  await until(async () => (await dead()).lines[0]?.startsWith("poison"));
  assertEquals((await dead("drop", "all")).lines, ["1 calls are gone"]);
  assertEquals((await dead()).lines, [`${queue}: nothing is buried`]);
  assertEquals((await dead("drop", "poison")).code, 1);
  worker.kill("SIGTERM");
  await worker.end();
});

test("workers that are killed at random lose no call", async (queue) => {
  await using stack = new AsyncDisposableStack();
  const runs = await items<string>(stack);
  await using executor = new RemoteExecutor(queue, { url, retries: 100 });
  let workers = [await workerOf(queue, url), await workerOf(queue, url)];
  stack.defer(async () => {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  });
  const [calls, kills] = [200, 3];
  const names = Array.from({ length: calls }, (_, k) => `${k}`);
  const futures = names.map((name) => executor.submit(notes, runs, name));
  for (let k = 1; k <= kills; k++) {
    await futures[k * calls / (kills + 2)]!.result();
    const [killed, left] = workers as [Program, Program];
    killed.kill("SIGKILL");
    await killed.end();
    workers = [left, await workerOf(queue, url)];
  }
  assertEquals(await Promise.all(futures.map((future) => future.result())), names);
  const { retried, duplicates, completed } = executor.stats();
  assertEquals(completed, calls);
  const ran = await runs.size();
  console.log(`${calls} calls, ${kills} kills: ran ${ran}, retried ${retried}, late ${duplicates}`);
  assert(ran >= calls && ran <= calls + kills * 2);
});

test("the calls of a caller that was killed are dropped when its inbox is gone", async (queue) => {
  await using stack = new AsyncDisposableStack();
  const runs = await items<string>(stack);
  const args = ["tests/remote/_caller_program.ts", queue, url, runs.name, "5"];
  await using caller = new Program(args);
  const inbox = await caller.line(/^c\./);
  caller.kill();
  await caller.end();
  const access = openAccess(addressOf(url, "test"));
  stack.defer(holdProgram());
  stack.defer(async () => await access.close());
  // It is away; what it wants waits until the broker has removed its inbox, here at once.
  await using worker = await workerOf(queue, url);
  await using executor = new RemoteExecutor(queue, { url });
  assertEquals(await executor.submit(square, 2).result(), 4);
  await access.remove(inbox);
  await until(async () => {
    await using status = cli(["status", queue, "--url", url, "--json"]);
    const [{ workers, ready }] = (await status.end()).lines.map((line) => JSON.parse(line));
    return ready === 0 && workers[0]?.dropped === 5;
  });
  assertEquals(await runs.size(), 0);
  worker.kill("SIGTERM");
  await worker.end();
});

test("cli worker refuses what lies elsewhere than in its root", async (queue) => {
  const folder = await Deno.makeTempDir();
  try {
    await using executor = new RemoteExecutor(queue, { url });
    await using worker = cli(
      ["worker", queue, "--url", url, "--root", folder, "--skew", "0", "--json"],
    );
    await worker.line(/"serving"/);
    const error = await executor.submit(square, 2).exception();
    assert(error instanceof TaskRefusedError, String(error));
    worker.kill("SIGTERM");
    const { code, stderr } = await worker.end();
    assertEquals(code, 0);
    assertMatch(stderr, /^switchyard: a call of root:tests\/remote\/_call_targets\.ts was refused/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
