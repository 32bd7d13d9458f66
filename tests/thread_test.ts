/**
 * What threads alone have: names that change, idents, and an end for what never pauses.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { currentThread, enumerate, getIdent, mainThread, Thread } from "../lib/threading.ts";
import { sleep } from "../lib/time.ts";
import { createsDaemons, spin } from "./_thread_targets.ts";

Deno.test("Thread.name can be changed, before the start and after it", async () => {
  const thread = new Thread(sleep, { args: [60_000] });
  thread.name = "somebody";
  thread.start();
  const seen = () => enumerate().find(({ ident }) => ident === thread.ident)?.name;
  assertEquals([thread.name, seen()], ["somebody", "somebody"]);
  thread.name = "somebody else";
  assertEquals([thread.name, seen()], ["somebody else", "somebody else"]);
  assertThrows(() => thread.name = 3 as never, TypeError, "name must be a string");
  thread.terminate();
  await thread.join();
  assertEquals(thread.name, "somebody else");
});

Deno.test("getIdent() is the ident of the thread that calls", () => {
  assertEquals(getIdent(), currentThread().ident);
  assertEquals(getIdent(), mainThread().ident);
});

Deno.test("Thread.run() is for a subclass to override", () => {
  const thread = new Thread(sleep, { args: [1] });
  assertThrows(() => thread.run(), TypeError, "does not override run()");
});

Deno.test("Thread.terminate() cuts off what never pauses, also while its starter blocks", async () => {
  const running = Promise.withResolvers<unknown>();
  const thread = new Thread(spin, { killable: true, onReport: running.resolve }).start();
  await running.promise;
  thread.terminate();
  assertEquals(thread.joinSync({ timeout: 20_000 }), true);
});

Deno.test("Thread is a daemon if its creator is one, unless it is told", async () => {
  for (const daemon of [true, false]) {
    const thread = new Thread(createsDaemons, { daemon }).start();
    assertEquals(await thread.result(), [daemon, false]);
    await thread.join();
  }
  assertEquals(new Thread(sleep, { args: [0] }).daemon, false);
});
