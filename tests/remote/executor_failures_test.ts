/**
 * What becomes of remote calls when something goes wrong: brokers that are not there, queues that
 * nobody serves, messages that are none, arguments that are none.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { BrokenExecutor, BrokerLostError } from "../../lib/errors.ts";
import { RemoteExecutor, RemoteWorker } from "../../lib/remote.ts";
import { MemoryBroker } from "../../lib/remote/memory_broker.ts";
import { Places, rootOf } from "../../lib/remote/calls/places.ts";
import { isGenuine, sealed } from "../../lib/remote/calls/seal.ts";
import { message, readCall } from "../../lib/remote/calls/messages.ts";
import { until } from "../_help/until.ts";
import { randoms } from "../_help/random.ts";
import { limited } from "../_help/within.ts";
import { registerSlow } from "./_slow_broker.ts";
import { add, square } from "./_call_targets.ts";

registerSlow();

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn));

test("RemoteExecutor: a broker that is away is waited for with patience, then lost", async () => {
  await using executor = new RemoteExecutor("q", { url: "slow:calls?down", patience: 100 });
  const start = performance.now();
  const error = await executor.submit(square, 1).exception();
  assert(performance.now() - start >= 100);
  assertInstanceOf(error, BrokerLostError);
  // The thread of the connection may not have said yet why.
  assertMatch(
    error.message,
    /^Cannot reach the broker slow:calls: it has been out of reach for 100 ms(?: \(nobody listens\))?$/,
  );
  assert(error.host.startsWith("slow"));
});

test("RemoteExecutor: a broker that refuses it fails all calls at once", async () => {
  await using executor = new RemoteExecutor("q", { url: "slow:calls?wrong" });
  const error = await executor.submit(square, 1).exception();
  assertMatch(String(error), /wrong password of user/);
});

test("RemoteExecutor: a queue that nobody serves fails its calls after patience", async () => {
  await using executor = new RemoteExecutor("unserved", { url: "slow:calls", patience: 300 });
  const error = await executor.submit(square, 1).exception();
  assertInstanceOf(error, BrokenExecutor);
  assertEquals(
    error.message,
    'Cannot run calls by the queue "unserved": no worker has served it for 300 ms',
  );
});

test("RemoteWorker: a broker that is away for too long ends it", async () => {
  for (const url of ["slow:worker?down", "slow:worker?wrong"]) {
    const worker = new RemoteWorker("q", { url, patience: 100 });
    const error = await worker.run().then(() => null, (error) => error);
    assertMatch(String(error), /^(?:BrokerLostError|Error): /);
  }
});

test("RemoteExecutor over memory: serves itself, and leaves nothing", async () => {
  const broker = new MemoryBroker("itself");
  {
    await using executor = new RemoteExecutor("itself", { url: "memory:itself" });
    assertEquals(await executor.submit(add, 1, 2).result(), 3);
    assertEquals(executor.submit(add, 2, 3).resultSync(), 5);
    assertEquals(await executor.submit(add, 2, 3).result(), 5);
    assert((broker.depth("t.itself.mid")?.consumers ?? 0) > 0);
  }
  assertEquals(broker.depth("t.itself.mid"), { ready: 0, consumers: 0 });
  for (const level of ["high", "mid", "low", "dead"]) broker.remove(`t.itself.${level}`);
  broker.close();
});

test("RemoteWorker buries what is no call, and goes on", async () => {
  const url = "memory:fuzz";
  const broker = new MemoryBroker("fuzz");
  const worker = new RemoteWorker("fuzz", { url, workers: 1 });
  const served = worker.run();
  await using executor = new RemoteExecutor("fuzz", { url });
  assertEquals(await executor.submit(square, 3).result(), 9);
  const random = randoms(7);
  const words = [
    "",
    "call",
    "root:x.ts",
    "map",
    "-1",
    "root:tests/remote/_call_targets.ts",
    "square",
  ];
  const names = [
    "sy",
    "call",
    "module",
    "name",
    "print",
    "kind",
    "size",
    "retries",
    "deno",
    "main",
  ];
  for (let k = 0; k < 2000; k++) {
    const headers: Record<string, string | number | boolean> = {};
    for (const name of names) {
      const pick = random(6);
      if (pick === 0) continue;
      headers[name] = pick === 1 ? true : pick < 4 ? random(3) - 1 : words[random(words.length)]!;
    }
    const body = Uint8Array.from({ length: random(20) }, () => random(256));
    const type = random(4) === 0 ? words[random(words.length)]! : "call";
    broker.publish("t.fuzz.mid", { type, id: `${k}`, format: "", headers, body });
  }
  assertEquals(await executor.submit(square, 4).result(), 16);
  await until(() => worker.stats().buried >= 1990);
  for (const level of ["high", "mid", "low", "dead"]) broker.remove(`t.fuzz.${level}`);
  await worker.stop();
  assertEquals((await served).done, 2);
  broker.close();
});

Deno.test("RemoteExecutor and RemoteWorker say which option is wrong", () => {
  const executor = (options: unknown, queue: unknown = "q") =>
    new RemoteExecutor(queue as string, options as undefined);
  const worker = (options: unknown) => new RemoteWorker("q", options as undefined);
  const cases: [fn: () => unknown, message: string][] = [
    [() => executor({}, ""), "name must have 1 to 200 bytes"],
    [() => executor({ url: "http://x" }), 'url must begin with "memory:"'],
    [() => executor({ retries: -1 }), "retries must be an integer >= 0, received -1"],
    [() => executor({ maxQueue: 0 }), "maxQueue must be an integer >= 1, received 0"],
    [() => executor({ orphan: "x" }), 'orphan must be "drop" or "keep", received "x"'],
    [() => executor({ patience: "1" }), 'patience must be a number, received "1"'],
    [() => executor({ secret: "" }), "secret must not be empty"],
    [() => executor({ root: "https://x/" }), "root must be a folder"],
    [() => executor({ expires: 0 }), "expires must be from 1 to 4294967295 ms (49 days)"],
    [() => executor({ allow: ["x"] }), "allow must hold http(s) URLs"],
    [() => worker({ kind: "x" }), 'kind must be "thread" or "process", received "x"'],
    [() => worker({ workers: 0 }), "workers must be an integer >= 1, received 0"],
    [() => worker({ permissions: {} }), "threads have the permissions of the program"],
    [() => worker({ modules: ["../x.ts"] }), "modules must lie in the root or be allowed"],
    [() => worker({ drain: -1 }), "drain must be >= 0 ms, received -1"],
  ];
  for (const [fn, text] of cases) {
    const error = assertThrows(fn, Error);
    assert(
      /^Cannot create a remote (?:executor|worker|queue): /.test(error.message),
      error.message,
    );
    assert(error.message.includes(text), error.message);
  }
});

test("RemoteExecutor.submitWith() says which option is wrong", async () => {
  await using executor = new RemoteExecutor("options", { url: "memory:options" });
  const submit = (options: unknown) => () => executor.submitWith(options as never, square, 1);
  for (
    const [options, text] of [
      [undefined, "options must be an object"],
      [{ delay: -1 }, "delay must be >= 0 ms, received -1"],
      [{ key: "" }, "key must have 1 to 200 bytes"],
      [{ transfer: [] }, "nothing can be moved to another machine"],
      [{ orphan: 1 }, 'orphan must be "drop" or "keep", received 1'],
      [{ retries: 0.5 }, "retries must be an integer >= 0, received 0.5"],
    ] as const
  ) {
    const error = assertThrows(submit(options), Error);
    assert(error.message.startsWith("Cannot submit a call: "), error.message);
    assert(error.message.includes(text), error.message);
  }
});

Deno.test("Places: only what lies in the root or below an allowed URL is found", () => {
  const places = new Places(rootOf("/srv/app", "test"), ["https://example.com/lib"]);
  assertEquals(places.nameOf("file:///srv/app/a/b.ts"), "root:a/b.ts");
  assertEquals(places.nameOf("file:///srv/apple/b.ts"), undefined);
  assertEquals(places.moduleOf("root:a/b.ts"), "file:///srv/app/a/b.ts");
  assertEquals(places.moduleOf("https://example.com/lib/x.ts"), "https://example.com/lib/x.ts");
  for (
    const name of [
      "root:../b.ts",
      "root:a/../../b.ts",
      "root:%2e%2e/b.ts",
      "root:..\\b.ts",
      "file:///srv/app/a/b.ts",
      "https://example.com/library.ts",
      "https://example.com.evil.org/lib/x.ts",
      "https://example.com/lib/../x.ts",
      "http://example.com/lib/x.ts",
      "data:text/javascript,1",
      "blob:null/1",
      "node:fs",
      "npm:x",
      "jsr:@x/y",
      "",
    ]
  ) assertEquals(places.moduleOf(name), undefined, name);
  const around = new Places(new URL("../../", import.meta.url).href, []);
  assertEquals(around.moduleOf("root:lib/os/exit.ts"), undefined, "the toolkit's own");
});

Deno.test("a signature is of all that matters, and of the place", () => {
  const told = message("cancel", { call: "a:1", why: "x" }, { replyTo: "w.1" });
  const signed = sealed("secret", "place", told);
  assert(isGenuine("secret", "place", signed));
  assert(isGenuine("secret", "place", { ...signed, headers: { ...signed.headers, tried: 3 } }));
  for (
    const [place, forged] of [
      ["elsewhere", signed],
      ["place", told],
      ["place", { ...signed, type: "go" }],
      ["place", { ...signed, replyTo: "w.2" }],
      ["place", { ...signed, id: "x" }],
      ["place", { ...signed, body: new Uint8Array([1]) }],
      ["place", { ...signed, headers: { ...signed.headers, call: "a:2" } }],
      ["place", { ...signed, headers: { ...signed.headers, more: 1 } }],
    ] as const
  ) assertEquals(isGenuine("secret", place, forged), false);
  assertEquals(isGenuine("other", "place", signed), false);
  assertThrows(() => readCall(signed), TypeError, 'it is no call, but "cancel"');
});
