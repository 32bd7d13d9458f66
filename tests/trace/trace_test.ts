/**
 * What a trace records: each kind of event, from threads and from processes, and what deaths leave.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { recorder } from "../../lib/core/hooks.ts";
import { ThreadPoolExecutor } from "../../lib/futures.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as queues from "../../lib/queue.ts";
import * as threading from "../../lib/threading.ts";
import { mark, start, type Trace, type TraceEvent } from "../../lib/trace.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import {
  double,
  echo,
  enter,
  everything,
  free,
  leave,
  marks,
  nest,
  spin,
  startThere,
  stay,
} from "./_targets.ts";

/** The events of a party, as far as they are of a type. */
function of(trace: Trace, name: string, type?: TraceEvent["type"]): TraceEvent[] {
  return trace.events()
    .filter(({ party }) => party.name === name)
    .filter((event) => type === undefined || event.type === type).toArray();
}

function party(trace: Trace, name: string) {
  const found = trace.parties.filter((party) => party.name === name);
  assertEquals(found.length, 1, `${found.length} parties ${name}`);
  return found[0]!;
}

function names(events: TraceEvent[]): string[] {
  return events.map(({ type, name }) => `${type} ${name}`);
}

const WORLDS = {
  threads: {
    ...threading,
    Queue: queues.Queue as new () => queues.QueueLike<number>,
    Child: threading.Thread as unknown as typeof multiprocessing.Process,
    main: "MainThread",
  },
  processes: { ...multiprocessing, Child: multiprocessing.Process, main: "MainProcess" },
};

for (const [world, { Lock, Event, Queue, Child, main, pipe }] of Object.entries(WORLDS)) {
  Deno.test(`a trace has each kind of event [${world}]`, () =>
    limited(async () => {
      const trace = start();
      const lock = new Lock({ name: "till" });
      const queue = new Queue() as queues.QueueLike<number>;
      const asks = new Event();
      const guard = await lock.acquire();
      const child = new Child(everything, { args: [lock, queue, asks], name: "child" }).start();
      await asks.wait();
      await until(() => of(trace, "child", "wait").some(({ name }) => name === "till"));
      guard.release();
      mark("let in");
      await queue.put(1);
      await child.join();
      assertEquals(await queue.get(), 2);
      trace.stop();

      const seen = of(trace, "child");
      const [task, begin, wait, hold, inside, sleep, got, put] = seen.filter(({ type, name }) =>
        type !== "wait" || name === "till" || name === "sleep"
      );
      assertEquals(
        names([task, begin, wait, hold, inside, sleep]),
        ["task everything", "mark begin", "wait till", "hold till", "mark inside", "wait sleep"],
      );
      assertEquals([got.type, put.type], ["get", "put"]);
      assert(task.type === "task" && task.error === undefined);
      assert(wait.type === "wait" && wait.by === main, `held by ${main}`);
      assert(hold.type === "hold" && wait.at < hold.at && wait.end! < hold.end!);
      assert(put.at <= task.end!);
      const { from, to, end, died, known } = party(trace, "child");
      assertEquals({ end, died, known }, { end: "ended", died: false, known: true });
      assert(from <= task.at && task.end! <= to!);

      // Clocks: what the child did lies between what was done here, before and after.
      const [held] = of(trace, main, "hold");
      const [marked] = of(trace, main, "mark");
      const [mine] = of(trace, main, "put");
      const [last] = of(trace, main, "get");
      assert(held.type === "hold" && held.at < task.at && begin.at < held.end!);
      // Clocks that were set on a busy machine differ by less than this.
      const exact = 1;
      assert(held.end! - exact <= hold.at && put.at - exact <= last.at && marked.at <= mine.at);
    }));

  Deno.test(`a trace has sends and receives [${world}]`, () =>
    limited(async () => {
      const trace = start();
      const [here, there] = pipe() as ReturnType<typeof multiprocessing.pipe>;
      const child = new Child(echo, { args: [there], name: "echo" }).start();
      await here.send("hello");
      await here.recv();
      await child.join();
      here.close();
      there.close();
      trace.stop();
      assertEquals(names(of(trace, "echo", "get")), ["get Pipe"]);
      assertEquals(names(of(trace, "echo", "put")), ["put Pipe"]);
      assertEquals(names(of(trace, main, "put")), ["put Pipe"]);
      assertEquals(names(of(trace, main, "get")), ["get Pipe"]);
    }));

  Deno.test(`what a killed party was at is in the trace [${world}]`, () =>
    limited(async () => {
      const trace = start();
      const lock = new Lock({ name: "till" });
      const has = new Event();
      const child = new Child(stay, { args: [lock, has], name: "victim" }).start();
      await has.wait();
      if (world === "threads") child.terminate();
      else child.kill();
      await child.join();
      assertEquals((await lock.acquire()).abandoned, true);
      lock.release();
      trace.stop();
      const { died, end, to } = party(trace, "victim");
      assertEquals(died, true);
      assertEquals(end, world === "threads" ? "stopped" : "killed by SIGKILL");
      const [hold] = of(trace, "victim", "hold");
      const [task] = of(trace, "victim", "task");
      const [death] = of(trace, "victim", "death");
      assertEquals(names(of(trace, "victim", "mark")), ["mark has it"]);
      assert(hold.type === "hold" && hold.end === undefined, "it had the lock to its end");
      assert(task.type === "task");
      if (world === "processes") assertEquals(task.end, undefined);
      assertEquals([death.at, death.name], [to, end]);
    }));

  Deno.test(`an error that ends a party is in the trace [${world}]`, () =>
    limited(async () => {
      const trace = start();
      const child = new Child(double, { args: [-1], name: "careless" });
      // It is told on stderr, too.
      const { error } = console;
      console.error = () => {};
      try {
        await assertRejects(() => child.start().result(), RangeError);
        await child.join();
      } finally {
        console.error = error;
      }
      trace.stop();
      const [task] = of(trace, "careless", "task");
      assert(task.type === "task");
      assertEquals(task.error, "RangeError");
      assertEquals(party(trace, "careless").end, "ended by RangeError");
    }));

  Deno.test(`a trace of ${world} keeps the newest events, and counts the others`, () =>
    limited(async () => {
      const trace = start({ capacity: 16 });
      await new Child(marks, { args: [100], name: "busy" }).start().join();
      trace.stop();
      const busy = of(trace, "busy");
      // The task began long before: its record is written anew at its end.
      assertEquals(busy.filter(({ type }) => type === "mark").at(-1)!.name, "mark 100");
      assertEquals(busy.filter(({ type }) => type === "mark").length, 15);
      assertEquals(names(of(trace, "busy", "task")), ["task marks"]);
      assertEquals(party(trace, "busy").lost, 102 - 16);
    }));
}

Deno.test("a trace has the threads of its processes", () =>
  limited(async () => {
    const trace = start();
    const lock = new multiprocessing.Lock({ name: "shared" });
    await new multiprocessing.Process(nest, { args: [lock], name: "outer" }).start().join();
    trace.stop();
    const outer = party(trace, "outer");
    const inner = party(trace, "outer/inner");
    assertEquals([inner.kind, inner.pid], ["thread", outer.pid]);
    assertEquals(names(of(trace, "outer/inner")), ["task enter", "hold shared"]);
    const [wait] = of(trace, "outer", "wait");
    assertEquals(wait.name, "the end of inner");
  }));

Deno.test("a trace has those that start in spares", () =>
  limited(async () => {
    await using _threads = await threading.prewarm();
    await using _processes = await multiprocessing.prewarm();
    const trace = start();
    const thread = new threading.Thread(marks, { args: [1], name: "quick" }).start();
    const child = new multiprocessing.Process(marks, { args: [1], name: "spare" }).start();
    await thread.join();
    await child.join();
    trace.stop();
    assertEquals(names(of(trace, "quick")), ["task marks", "mark mark 1"]);
    assertEquals(names(of(trace, "spare")), ["task marks", "mark mark 1"]);
  }));

Deno.test("a trace has the calls of pools and executors, by threads and by processes", () =>
  limited(async () => {
    const trace = start();
    {
      await using pool = new multiprocessing.Pool(1);
      assertEquals(await pool.map(double, [1, 2, 3], { chunksize: 3 }), [2, 4, 6]);
      pool.close();
      await pool.join();
    }
    {
      await using executor = new ThreadPoolExecutor(1);
      assertEquals(await executor.submit(double, 4).result(), 8);
      await assertRejects(() => executor.submit(double, -1).result(), RangeError);
    }
    trace.stop();
    const calls = trace.events().filter(({ type }) => type === "call").toArray();
    assertEquals(names(calls), ["call double", "call double", "call double"]);
    assertEquals(
      calls.map((call) => [call.party.kind, call.type === "call" && call.error]),
      [["process", undefined], ["thread", undefined], ["thread", "RangeError"]],
    );
  }));

Deno.test("a process that may not use FFI has a row of what its parent saw", () =>
  limited(async () => {
    const trace = start();
    const child = new multiprocessing.Process(marks, {
      args: [1],
      name: "confined",
      permissions: { ffi: false },
    });
    await child.start().join();
    trace.stop();
    const { known, from, to, end, pid } = party(trace, "confined");
    assertEquals({ known, end, pid }, { known: false, end: "ended", pid: child.pid! });
    assert(from < to!);
    assertEquals(of(trace, "confined"), []);
  }));

Deno.test("a trace tells how a process ended by itself", () =>
  limited(async () => {
    const trace = start();
    await new multiprocessing.Process(leave, { args: [3], name: "leaver" }).start().join();
    trace.stop();
    assertEquals(party(trace, "leaver").end, "ended with exit code 3");
    assertEquals(of(trace, "leaver", "death").length, 1);
  }));

Deno.test("a thread that never pauses and is cut off has an end in the trace", () =>
  limited(async () => {
    const trace = start();
    const has = new threading.Event();
    const thread = new threading.Thread(spin, { args: [has], killable: true, name: "spin" });
    thread.start();
    await has.wait();
    thread.terminate();
    await thread.join();
    trace.stop();
    assertEquals(party(trace, "spin").end, "stopped");
  }));

Deno.test("a hold ends when another thread releases the lock", () =>
  limited(async () => {
    const trace = start();
    const lock = new threading.Lock({ name: "handed on" });
    await lock.acquire();
    await new threading.Thread(free, { args: [lock], name: "helper" }).start().result();
    const before = performance.now();
    while (performance.now() - before < 2);
    mark("later");
    trace.stop();
    const [hold] = of(trace, "MainThread", "hold");
    const [later] = of(trace, "MainThread", "mark");
    assert(hold.type === "hold" && hold.end! < later.at);
  }));

Deno.test("nothing is recorded while no trace is on", () =>
  limited(async () => {
    assertEquals(recorder, undefined);
    mark("nobody sees this");
    const trace = start();
    trace.stop();
    assertEquals(recorder, undefined);
    const lock = new threading.Lock();
    await new threading.Thread(enter, { args: [lock] }).start().join();
    mark("nor this");
    assertEquals([...trace.events()], []);
    assertEquals(trace.parties.length, 1);
  }));

Deno.test("a thread that outlives a trace records no more", () =>
  limited(async () => {
    const trace = start();
    const lock = new threading.Lock({ name: "till" });
    const has = new threading.Event();
    const thread = new threading.Thread(stay, { args: [lock, has], name: "old" }).start();
    await has.wait();
    trace.stop();
    const next = start();
    thread.terminate();
    await thread.join();
    next.stop();
    assertEquals(party(trace, "old").to, undefined);
    assertEquals(next.parties.map(({ name }) => name), ["MainThread"]);
  }));

Deno.test("one trace follows another, and each has its own", () =>
  limited(async () => {
    const first = start({ capacity: 20 });
    mark("first");
    assertThrows(() => start(), Error, "one is on already; stop it first");
    first.stop();
    const length = first.length;
    first.stop();
    const second = start({ capacity: 100 });
    mark("second");
    await new threading.Thread(marks, { args: [2], name: "marker" }).start().join();
    assertEquals(second.isOn, true);
    assertEquals(names(second.events().toArray()).includes("mark second"), true);
    second.stop();
    assertEquals(names([...first.events()]), ["mark first"]);
    assertEquals(first.length, length);
    assertEquals(of(second, "marker", "mark").length, 2);
    assertEquals([first.isOn, second.isOn], [false, false]);
  }));

Deno.test("a trace is stopped by `using`", () => {
  let trace: Trace;
  {
    using here = trace = start();
    assertEquals(here.isOn, true);
  }
  assertEquals(trace.isOn, false);
  assertEquals(Deno.inspect(trace), "Trace(stopped, 0 events)");
});

Deno.test("start() is for main threads, and for those that nobody records", () =>
  limited(async () => {
    const there = new threading.Thread(startThere, { name: "other" }).start();
    assertEquals(
      await there.result(),
      'Cannot start a trace in thread "other": start it in the main thread, which starts all others',
    );
    await using first = new multiprocessing.Process(startThere).start();
    assertEquals(await first.result(), undefined);
    const trace = start();
    await using second = new multiprocessing.Process(startThere).start();
    assertEquals(
      await second.result(),
      "Cannot start a trace: one is on already; stop it first",
    );
    trace.stop();
  }));

Deno.test("start() and mark() check what they are given", () => {
  assertThrows(() => start({ capacity: 15 }), RangeError, "capacity must be an integer >= 16");
  assertThrows(() => start({ capacity: 100_001 }), RangeError, "capacity must be <= 100000");
  assertThrows(() => start({ capacity: "16" as never }), TypeError, "capacity must be a number");
  assertThrows(() => mark(3 as never), TypeError, "name must be a string, received number");
});

Deno.test("long names are cut, and many names are kept", () => {
  const trace = start({ capacity: 16 });
  mark("\u4e2d".repeat(100));
  for (let k = 0; k < 10_000; k++) mark(`${k} `.repeat(20).trim());
  mark("again");
  trace.stop();
  const all = names([...trace.events()]);
  assertEquals(all.length, 16);
  assertEquals(all.at(-1), "mark again");
  assert(all.at(-2)!.startsWith("mark 9999 9999 9999"));
  assert(all.every((name) => name.length > 6), all.join());
  const cut = start();
  mark("\u4e2d".repeat(100));
  cut.stop();
  assertEquals(names([...cut.events()]), [`mark ${"\u4e2d".repeat(40)}`]);
});
