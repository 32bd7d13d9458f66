/**
 * What a manager's dictionaries, lists, namespaces, numbers and registered objects do.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ShareError } from "../../lib/errors.ts";
import { Manager, Process } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { test } from "./_manager.ts";
import {
  Account,
  count,
  fill,
  mirror,
  plus,
  plusLater,
  Point,
  refuse,
  SeatError,
} from "./_manager_targets.ts";

// DictProxy

test("DictProxy keeps values under keys", async (manager) => {
  const dict = await manager.dict<string, number>([["a", 1], ["b", 2]]);
  await dict.set("c", 3);
  await dict.set("a", 10);
  assertEquals(await dict.get("a"), 10);
  assertEquals(await dict.get("none"), undefined);
  assertEquals(await dict.has("b"), true);
  assertEquals(await dict.delete("b"), true);
  assertEquals(await dict.delete("b"), false);
  assertEquals(await dict.size(), 2);
  assertEquals(await dict.keys(), ["a", "c"]);
  assertEquals(await dict.values(), [10, 3]);
  assertEquals(await dict.entries(), [["a", 10], ["c", 3]]);
  assertEquals(await Array.fromAsync(dict), [["a", 10], ["c", 3]]);
  await dict.clear();
  assertEquals(await dict.size(), 0);
});

test("DictProxy takes keys of any kind, and those that look the same are the same", async (manager) => {
  const dict = await manager.dict<unknown, string>();
  const keys = [1, "1", 1n, null, undefined, NaN, true, "ü€😀", ["a", 1], { a: 1 }, new Date(0)];
  for (const [k, key] of keys.entries()) await dict.set(key, `value ${k}`);
  for (const [k, key] of keys.entries()) {
    assertEquals(await dict.get(structuredClone(key)), `value ${k}`);
  }
  assertEquals(await dict.size(), keys.length);
  assertEquals(await dict.keys(), keys);
  await dict.set(-0, "zero");
  assertEquals(await dict.get(0), "zero");
});

test("DictProxy keeps values of any kind that crosses, as copies", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const cyclic: Record<string, unknown> = { n: 1 };
  cyclic.self = cyclic;
  const values = [
    ...[undefined, null, -0, NaN, 1n, "x".repeat(100_000), new Map([[1, new Set([2])]])],
    ...[new Uint8Array([1, 2]), new Point(1, 2), /x/g],
  ];
  await dict.set("values", values);
  assertEquals(await dict.get("values"), values);
  await dict.set("cyclic", cyclic);
  const back = await dict.get("cyclic") as typeof cyclic;
  assert(back.self === back);
  back.n = 2;
  assertEquals((await dict.get("cyclic") as typeof cyclic).n, 1);
  const error = await assertRejects(() => dict.set("f", { f: () => 1 }), ShareError);
  assertEquals(error.place, "value.f");
  await assertRejects(() => dict.get(Symbol("s") as never), ShareError);
  assertEquals(await dict.size(), 2);
});

test("DictProxy.update() is one step", async (manager) => {
  const dict = await manager.dict<string, number>();
  assertEquals(await dict.update("n", plus, 5), 5);
  await Promise.all(Array.from({ length: 100 }, () => dict.update("n", plus, 1)));
  assertEquals(await dict.get("n"), 105);
});

test("DictProxy.update() is one step for async targets, and others wait for it", async (manager) => {
  const dict = await manager.dict<string, number>([["n", 0]]);
  const updates = Array.from({ length: 20 }, () => dict.update("n", plusLater, 1));
  const read = dict.get("n");
  assertEquals(await read, 20);
  await Promise.all(updates);
  assertEquals(await dict.get("n"), 20);
});

test("DictProxy.update() is one step among processes and threads", async (manager) => {
  const dict = await manager.dict<string, number>();
  const children = [
    new Process(count, { args: [dict, 50] }),
    new Process(count, { args: [dict, 50] }),
    new Thread(count, { args: [dict, 50] }),
    new Thread(count, { args: [dict, 50] }),
  ];
  for (const child of children) child.start();
  for (const child of children) await child.result();
  assertEquals(await dict.get("n"), 200);
  for (const child of children) await child.join();
});

test("DictProxy.update() changes nothing when its target throws", async (manager) => {
  const dict = await manager.dict<string, number>([["n", 1]]);
  const error = await assertRejects(() => dict.update("n", refuse), SeatError, "no such seat");
  assertEquals(error.seat, 7);
  assertStringIncludes(error.stack!, "_manager_targets.ts");
  assertStringIncludes(error.stack!, "manager_objects_test.ts");
  assertEquals(await dict.get("n"), 1);
  assertEquals(await dict.update("n", plus, 1), 2);
});

test("DictProxy.update() refuses what is no target", async (manager) => {
  const dict = await manager.dict<string, number>();
  await assertRejects(() => dict.update("n", () => 1), TypeError, "no named function");
});

test("DictProxy.update() works with values of the user's classes", async (manager) => {
  const dict = await manager.dict<string, Point>([["p", new Point(1, 2)]]);
  const mirrored = await dict.update("p", mirror);
  assertInstanceOf(mirrored, Point);
  assertEquals([mirrored.x, mirrored.y], [2, 1]);
  assertInstanceOf(await dict.get("p"), Point);
});

// ListProxy

test("ListProxy keeps values in order", async (manager) => {
  const list = await manager.list<string>(["a"]);
  assertEquals(await list.push("b", "c"), 3);
  assertEquals(await list.at(0), "a");
  assertEquals(await list.at(-1), "c");
  assertEquals(await list.at(3), undefined);
  await list.set(1, "B");
  assertEquals(await list.toArray(), ["a", "B", "c"]);
  assertEquals(await list.length(), 3);
  assertEquals(await list.pop(), "c");
  assertEquals(await list.shift(), "a");
  assertEquals(await list.unshift("x", "y"), 3);
  assertEquals(await list.slice(1), ["y", "B"]);
  assertEquals(await list.slice(-2, -1), ["y"]);
  assertEquals(await list.indexOf("B"), 2);
  assertEquals(await list.includes("none"), false);
  assertEquals(await list.splice(1, 1, "1", "2"), ["y"]);
  assertEquals(await Array.fromAsync(list), ["x", "1", "2", "B"]);
  await list.clear();
  assertEquals(await list.pop(), undefined);
  assertEquals(await list.shift(), undefined);
});

test("ListProxy.update() is one step", async (manager) => {
  const list = await manager.list<number>([1]);
  await Promise.all(Array.from({ length: 10 }, () => list.update(0, plusLater, 2)));
  assertEquals(await list.toArray(), [21]);
});

test("ListProxy refuses indexes that are none", async (manager) => {
  const list = await manager.list<number>([1]);
  await assertRejects(() => list.set(1, 0), RangeError, "received the index 1");
  await assertRejects(() => list.set(-2, 0), RangeError, "received the index -2");
  await assertRejects(() => list.set(0.5, 0), RangeError, "index must be an integer, received 0.5");
  await assertRejects(() => list.at("0" as never), TypeError, 'received "0"');
  await assertRejects(() => list.update(3, plus, 1), RangeError);
  assertEquals(await list.toArray(), [1]);
});

// NamespaceProxy

test("NamespaceProxy keeps values under names", async (manager) => {
  const space = await manager.Namespace<{ rate: number; who: string }>({ rate: 1 });
  await space.set("who", "ada");
  assertEquals(await space.get("rate"), 1);
  assertEquals(await space.update("rate", plus, 2), 3);
  assertEquals(await space.toObject(), { rate: 3, who: "ada" });
  assertEquals(await space.delete("who"), true);
  assertEquals(await space.has("who"), false);
  assertEquals(await space.get("who") as unknown, undefined);
});

// Nested proxies

test("a proxy can be a value of another, and an argument at any depth", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const list = await manager.list<string>();
  await dict.set("list", { nested: [list] });
  const { nested } = await dict.get("list") as { nested: [typeof list] };
  await nested[0].push("main");
  await using process = new Process(fill, { args: [{ nested: [list] }, "process"] }).start();
  const back = await process.result();
  await using thread = new Thread(fill, { args: [{ nested: [list] }, "thread"] }).start();
  await thread.result();
  await back!.push("again");
  assertEquals(await list.toArray(), ["main", "process", "thread", "again"]);
});

test("a printed proxy shows no token", async (manager) => {
  const dict = await manager.dict();
  const text = Deno.inspect(dict, { depth: 10, showHidden: true });
  assert(!text.includes("Uint8Array"), text);
});

// ValueProxy and ArrayProxy

test("ValueProxy is a number of its type", async (manager) => {
  const value = await manager.Value("i32", 40);
  assertEquals(await value.add(2), 40);
  assertEquals(await value.get(), 42);
  await value.set(7);
  assertEquals(await value.compareExchange(7, 8), 7);
  assertEquals(await value.compareExchange(7, 9), 8);
  const big = await manager.Value("u64", 1n);
  assertEquals(await big.add(1n), 1n);
  await assertRejects(() => value.set(0.5), RangeError, "received 0.5");
  await assertRejects(() => value.set("1" as never), TypeError, 'received "1"');
  await assertRejects(() => manager.Value("i3" as never), TypeError, 'received "i3"');
  await assertRejects(() => manager.Value("u8", 256), RangeError, "received 256");
  {
    await using _ = await value.lock.acquire();
    assertEquals(await value.lock.locked(), true);
  }
  assertEquals(await value.lock.locked(), false);
});

test("ArrayProxy is numbers of its type", async (manager) => {
  const array = await manager.Array("f64", [1.5, 2, 3]);
  await array.set(1, 20);
  assertEquals(await array.at(-1), 3);
  assertEquals(await array.toArray(), [1.5, 20, 3]);
  assertEquals(await array.slice(1, -1), [20]);
  assertEquals(await Array.fromAsync(array), [1.5, 20, 3]);
  assertEquals(await (await manager.Array("u8", 3)).toArray(), [0, 0, 0]);
  assertEquals(await array.length(), 3);
  await assertRejects(() => array.at(3), RangeError, "received 3");
  await assertRejects(() => manager.Array("u8", [300]), RangeError, "values[0]");
  await assertRejects(() => manager.Array("u8", -1), RangeError, "received -1");
});

// Registered classes

test("create() makes an object of a registered class, and a proxy with its methods", async (manager) => {
  Manager.register("Account", Account);
  const account = await manager.create<Account>("Account", "ada", 10);
  assertEquals(await account.deposit(5), 15);
  assertEquals(await account.owner(), "ada");
  const point = await account.move(new Point(1, 2));
  assertInstanceOf(point, Point);
  assertEquals(point.x, 16);
  const dict = await manager.dict<string, typeof account>();
  await dict.set("account", account);
  assertEquals(await (await dict.get("account"))!.deposit(1), 16);
  const error = await assertRejects(() => account.fail(), SeatError, "no money");
  assertEquals(error.seat, 16);
  assertStringIncludes(error.stack!, "manager_objects_test.ts");
  await assertRejects(() => account.secret(), ShareError, "result");
  assertEquals("then" in account, false);
});

test("create() refuses what is not registered, and throws what the constructor throws", async (manager) => {
  Manager.register("Account", Account);
  await assertRejects(() => manager.create("Savings"), TypeError, "Manager.register");
  await assertRejects(() => manager.create("Account", "eve", -1), SeatError, "overdrawn");
  await assertRejects(() => manager.create("Account", () => 1), ShareError, "args[0]");
});

Deno.test("Manager.register() refuses what is no target", () => {
  assertThrows(() => Manager.register("x", (() => 1) as never), TypeError, "no named function");
  assertThrows(() => Manager.register("", Account), TypeError, 'received ""');
  assertThrows(() => Manager.register("x", 5 as never), TypeError, "received 5");
});

test("the factories refuse bad arguments", async (manager) => {
  await assertRejects(() => manager.dict(5 as never), TypeError, "entries must be iterable");
  await assertRejects(() => manager.list(5 as never), TypeError, "values must be iterable");
  await assertRejects(() => manager.Queue(-1), RangeError, "received -1");
  await assertRejects(() => manager.Lock("till" as never), TypeError, 'received "till"');
  await assertRejects(() => manager.Semaphore(-1), RangeError, "received -1");
  await assertRejects(() => manager.Barrier(0), RangeError, "received 0");
  await assertRejects(() => manager.Barrier(1, { action: 5 as never }), TypeError, "received 5");
  await assertRejects(() => manager.Condition({} as never), TypeError, "of this manager");
});
