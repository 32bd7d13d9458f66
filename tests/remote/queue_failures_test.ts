/**
 * What becomes of a RemoteQueue when something goes wrong: brokers that are not there, messages
 * that are not ours, options that are none.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { BrokerLostError, Empty, ShareError, TimeoutError } from "../../lib/errors.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { RemoteQueue, type RemoteQueueOptions } from "../../lib/remote.ts";
import { redacted } from "../../lib/remote/address.ts";
import type { BrokerMessage } from "../../lib/remote/broker.ts";
import { MemoryBroker } from "../../lib/remote/memory_broker.ts";
import { encode } from "../../lib/transfer/codec/codec.ts";
import type { Reduction } from "../../lib/transfer/reduction.ts";
import { limited } from "../_help/within.ts";
import { registerSlow } from "./_slow_broker.ts";
import { putAll } from "./_targets.ts";

registerSlow();

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn));

test("RemoteQueue: a broker that is away is waited for with patience, then lost", async () => {
  const url = "slow:x?down";
  await using queue = new RemoteQueue<number>("q", { url, patience: 80 });
  await using patient = new RemoteQueue<number>("q", { url, patience: Infinity });
  const calls = [
    () => queue.put(1),
    () => queue.get(),
    () => queue.take(),
    () => queue.size(),
    () => queue.shutdown(),
  ];
  const start = performance.now();
  const waiting = patient.get();
  const errors = await Promise.all(calls.map((call) => assertRejects(call, BrokerLostError)));
  assert(performance.now() - start >= 80);
  for (const { message, host, attempts, cause } of errors) {
    assertMatch(message, /^Cannot reach the broker slow:x: it has been out of reach for 80 ms$/);
    assertEquals([host, attempts, (cause as Error).message], ["slow", 3, "nobody listens"]);
  }
  assertThrows(() => queue.putSync(1), BrokerLostError);
  await assertRejects(() => patient.put(1, { timeout: 30 }), TimeoutError, "nobody listens");
  await assertRejects(() => patient.get({ timeout: 30 }), Empty, "the broker is out of reach");
  const closed = assertRejects(() => waiting, Error, "this handle was closed");
  await patient.close();
  await closed;
});

test("RemoteQueue: a broker that will never have us is an error at the first use", async () => {
  await using queue = new RemoteQueue("q", { url: "slow:x?wrong" });
  const error = await assertRejects(() => queue.get(), BrokerLostError);
  assertEquals((error.cause as Error).message, "wrong password of user");
  assertThrows(() => queue.getNowait(), BrokerLostError);
});

test("RemoteQueue: a broker that takes nothing says why a put takes long", async () => {
  await using queue = new RemoteQueue<number>("q", { url: "slow:x?blocked", patience: 200 });
  await assertRejects(
    () => queue.put(1, { timeout: 50 }),
    TimeoutError,
    "in 50 ms: the broker is blocked: low on memory",
  );
  await assertRejects(() => queue.get({ timeout: 20 }), Empty);
  await assertRejects(() => queue.put(1), BrokerLostError, "is blocked (low on memory) for 200 ms");
});

test("RemoteQueue of memory: given to a process is a ShareError with the remedy", async () => {
  await using queue = new RemoteQueue<number>("q", { url: "memory:" });
  const error = assertThrows(
    () => new Process(putAll, { args: [queue, 1] }).start(),
    ShareError,
  );
  assertMatch(error.message, /args\[0\].*lives in one process.*"amqp:\/\/host\/"/);
});

/** A message as a stranger may write it. */
function strange(body: Uint8Array<ArrayBuffer>, more: Partial<BrokerMessage> = {}): BrokerMessage {
  const format = "application/x-switchyard";
  return { body, headers: { sy: 1 }, type: "item", id: "strange", format, ...more };
}

class Unmarked {}

test("RemoteQueue: what cannot be read is a TypeError, and buried", async () => {
  const url = "memory:strange";
  await using queue = new RemoteQueue<unknown>("q", { url });
  await queue.size();
  const broker = new MemoryBroker("strange");
  const text = (value: string) => new TextEncoder().encode(value);
  const library = new URL("../../lib/", import.meta.url).href;
  const bad: [BrokerMessage, RegExp][] = [
    [strange(text("\xff\xfe garbage")), /Cannot read the item "strange" of the queue "q"/],
    [
      strange(naming("share", `${library}multiprocessing/sync.ts`)),
      /names a module that is not allowed: .*sync/,
    ],
    [strange(naming("target", import.meta.url)), /fewer permissions|not allowed/],
    [
      strange(naming("instance", "https://evil.example/run.ts")),
      /names a module that is not allowed: https:\/\/evil/,
    ],
    [strange(encode(1, refuse), { headers: { sy: 2 } }), /its version is 2/],
    [strange(encode(1, refuse), { headers: {} }), /its version is undefined/],
    [strange(text("1"), { format: "text/plain" }), /its content type is "text\/plain"/],
    [strange(text("{"), { format: "application/json" }), /Cannot read/],
  ];
  for (const [message, pattern] of bad) {
    broker.publish("q.q", message);
    const error = await assertRejects(() => queue.get({ timeout: 1000 }), TypeError);
    assertMatch(error.message, pattern);
  }
  assertEquals(broker.depth("q.q.dead")?.ready, bad.length);
  // Any client's JSON is an item.
  broker.publish("q.q", strange(text('{"a":1}'), { format: "application/json", id: "" }));
  assertEquals(await queue.get(), { a: 1 });
  broker.close();
  await queue.remove();
});

function refuse(): never {
  throw new Error("nothing to reduce");
}

/** The bytes of a value that names a module, as anybody may write them. */
function naming(kind: Reduction["kind"], module: string): Uint8Array<ArrayBuffer> {
  const state = { print: 0, fields: {}, place: "item" };
  return encode(new Unmarked(), () => ({ kind, module, name: "Evil", state }), "item");
}

test("RemoteQueue: a secret holds for the queue's name, too", async () => {
  const url = "memory:signed";
  const secret = "rosebud";
  await using a = new RemoteQueue<number>("a", { url, secret });
  await using b = new RemoteQueue<number>("b", { url, secret });
  await b.size();
  const broker = new MemoryBroker("signed");
  const { error } = console;
  const said: unknown[] = [];
  console.error = (text) => said.push(text);
  try {
    await a.put(1);
    broker.consume("q.a", { prefetch: 1 }, (delivery) => broker.publish("q.b", delivery));
    await assertRejects(() => b.get({ timeout: 30 }), Empty);
  } finally {
    console.error = error;
    broker.close();
  }
  assertEquals(said.length, 1);
  await a.remove();
  await b.remove();
});

test("RemoteQueue checks its options and arguments", async () => {
  const bad: [unknown, unknown, typeof TypeError | typeof RangeError, RegExp][] = [
    [1, {}, TypeError, /name must be a string, received 1/],
    ["", {}, RangeError, /name must have 1 to 200 bytes/],
    ["x".repeat(201), {}, RangeError, /name/],
    ["a\nb", {}, RangeError, /control/],
    ["q", 1, TypeError, /options must be an object/],
    ["q", { url: 1 }, TypeError, /url must be a string, received 1/],
    ["q", { url: "http://u:secret@host/" }, TypeError, /url must begin with .*received "http:"/],
    ["q", { url: "u:secret@host" }, TypeError, /url must begin with/],
    ["q", { maxsize: -1 }, RangeError, /maxsize must be an integer >= 0, received -1/],
    ["q", { replicated: 1 }, TypeError, /replicated must be a boolean/],
    ["q", { format: "xml" }, TypeError, /format must be "codec" or "json", received "xml"/],
    ["q", { ttl: 0 }, RangeError, /ttl must be an integer >= 1/],
    ["q", { ttl: 2 ** 33 }, RangeError, /ttl must be <= 4294967295 ms/],
    ["q", { patience: "1" }, TypeError, /must be a number/],
    ["q", { secret: 1 }, TypeError, /secret must be a string/],
    ["q", { secret: "" }, RangeError, /secret must not be empty/],
  ];
  for (const [name, options, Type, text] of bad) {
    const make = () => new RemoteQueue(name as string, options as RemoteQueueOptions);
    const error = assertThrows(make, Type);
    assertMatch(error.message, text);
    assert(!error.message.includes("secret@"), error.message);
  }
  await using queue = new RemoteQueue<number>("q", { url: "memory:options" });
  await assertRejects(() => queue.put(1, { delay: -1 }), RangeError, "delay must be >= 0 ms");
  await assertRejects(() => queue.put(1, { delay: "1" as never }), TypeError, "delay");
  await assertRejects(() => queue.put(1, { timeout: NaN }), TypeError, "timeout");
  await assertRejects(() => queue.take({ timeout: -1 }), RangeError, "timeout");
  await queue.put(1);
  await using taken = await queue.take();
  assertThrows(() => taken.back({ delay: -1 }), RangeError);
  assertThrows(() => taken.bury(1 as never), TypeError);
});

test("RemoteQueue shows where it is without user and password", async () => {
  const url = "amqp://user:p%40ss@a,b/vhost?heartbeat=5";
  await using queue = new RemoteQueue("jobs", { url });
  assertEquals(Deno.inspect(queue), "RemoteQueue(jobs, amqp://a,b/vhost)");
  assertEquals(redacted("amqp://u:p@ss/w@rd@host/"), "amqp://host/");
  for (const bad of ["amqp://user:hunter2", "amqp://user:hunter2@h:x/", "amqps://user:%zz@h/"]) {
    const error = assertThrows(() => new RemoteQueue("q", { url: bad }), TypeError);
    assert(!/hunter2|%zz/.test(error.message), error.message);
  }
});

test("RemoteQueue: without a url it is that of the environment", async () => {
  const old = Deno.env.get("SWITCHYARD_URL");
  Deno.env.set("SWITCHYARD_URL", "memory:of-the-environment");
  try {
    await using queue = new RemoteQueue("jobs");
    assertEquals(Deno.inspect(queue), "RemoteQueue(jobs, memory:of-the-environment)");
  } finally {
    if (old === undefined) Deno.env.delete("SWITCHYARD_URL");
    else Deno.env.set("SWITCHYARD_URL", old);
  }
});
