/**
 * What a manager's client with fewer permissions can do: use what it was given, and nothing else.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { existsSync } from "@std/fs";
import { ShareError } from "../../lib/errors.ts";
import { Manager, Process } from "../../lib/multiprocessing.ts";
import { IN } from "../../lib/multiprocessing/manager_proxied.ts";
import { within } from "../_within.ts";
import { LEAST } from "./_forge.ts";
import * as attackers from "./_manager_attackers.ts";

const LIMIT = 30_000;
const OWN = new URL("./_manager_attackers.ts", import.meta.url);
const MAY = { ...LEAST, read: [...LEAST.read, OWN] };
const SECRET = "correct horse battery staple";

/** A test with a manager, and a dictionary that is given to a child of least permissions. */
function test(name: string, fn: (manager: Manager) => Promise<void>): void {
  Deno.test({
    name: `${name} [manager]`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      Deno.env.delete("SWITCHYARD_TEST_MANAGER_RAN");
      await using manager = await Manager.start();
      await within(LIMIT, fn(manager));
      assertEquals(Deno.env.get("SWITCHYARD_TEST_MANAGER_RAN"), undefined, "code ran in the owner");
    },
  });
}

/** What a child of least permissions gives. */
async function below<A extends unknown[], R>(
  target: (...args: A) => R | PromiseLike<R>,
  ...args: A
): Promise<R> {
  await using child = new Process(target, { args, permissions: MAY }).start();
  return await child.result() as R;
}

test("a client of least permissions uses what it was given, and has registered targets run", async (manager) => {
  Manager.register("registered", attackers.registered);
  const dict = await manager.dict<string, unknown>();
  assertEquals(await below(attackers.use, dict), 2);
  assertEquals(await dict.get("from below"), 1);
  assertEquals(await dict.get("registered"), 2);
});

test("a client below has nothing run that was not registered", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const [refused, ...answers] = await below(attackers.runs, dict);
  assertMatch(`${refused}`, /^ShareError: .*has not registered "plus".*Manager\.register/);
  assertEquals(answers, [1, 1, 1]);
  assertEquals(await dict.has("k"), false);
});

test("a client below reaches neither the manager itself nor what it was not given", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const secrets = await manager.dict<string, string>([["secret", SECRET]]);
  const answers = await below(attackers.reaches, dict);
  assert(answers.length > 0);
  assertEquals(answers.filter((status) => status !== 1), []);
  assertEquals(await secrets.get("secret"), SECRET);
});

test("a client below has no rank, nor finds one in an object of the manager's", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  await dict.set("inner", await manager.dict());
  assertEquals(await below(attackers.knows, dict), ["undefined", "undefined"]);
  assertEquals(await below(attackers.knowsNested, dict), "undefined");
});

test("an owner imports nothing and takes no function that a client below has put in", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const queue = await manager.Queue<unknown>();
  await below(attackers.plants, dict, queue);
  for (const key of await dict.keys()) await assertRejects(() => dict.get(key), ShareError);
  for (let k = 0; k < 3; k++) await assertRejects(() => queue.get(), ShareError);
});

test("a proxy from below whose address leads elsewhere is refused, and nothing is removed", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const folder = await Deno.makeTempDir({ prefix: "precious-" });
  try {
    await Deno.writeTextFile(`${folder}/file`, "precious");
    for (const place of [folder, "/", "relative", `${folder}/../x`]) {
      await using child = new Process(attackers.misleads, {
        args: [dict, place],
        permissions: MAY,
      });
      await assertRejects(() => child.start().result(), ShareError, "none of ours");
    }
    assert(existsSync(`${folder}/file`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("a server may by default neither write, connect, run nor use FFI", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const states = await dict.update("k", attackers.look);
  assertEquals(states, "write false, net false, env false, run false, ffi false, sys false");
});

Deno.test("a server may what is asked for", async () => {
  await using manager = await Manager.start({ permissions: { env: true } });
  const dict = await manager.dict<string, unknown>();
  const states = await within(LIMIT, dict.update("k", attackers.look)) as string;
  assertMatch(states, /env true/);
});

test("a child of a client below has no more of a manager than that", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const { rank } = dict[IN]().server.address;
  assertEquals(rank?.length, 32);
  await dict.set("inner", dict);
  const inner = await dict.get("inner") as typeof dict;
  assertEquals(inner[IN]().server.address.rank, undefined);
});
