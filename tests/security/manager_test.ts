/**
 * What a manager's client with fewer permissions can do: use what it was given, and nothing else.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { existsSync } from "@std/fs";
import { fromBytes } from "../../lib/child/process/protocol.ts";
import { ShareError } from "../../lib/errors.ts";
import { Manager, Process } from "../../lib/multiprocessing.ts";
import { IN, type SentProxy } from "../../lib/multiprocessing/manager/proxies/proxy.ts";
import type { Proxied } from "../../lib/multiprocessing.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import { within } from "../_help/within.ts";
import { forged, LEAST, shared } from "./_forge.ts";
import { addressOf, LEAST as PEER, Peer } from "./_peer.ts";
import { lookAt } from "./_pipe_attackers.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { runsNothing } from "./_watch.ts";
import * as attackers from "./_manager_attackers.ts";

const LIMIT = 30_000;
const OWN = new URL("./_manager_attackers.ts", import.meta.url);
const MAY = { ...LEAST, read: [...LEAST.read, OWN] };
const SECRET = "correct horse battery staple";

interface Taking extends Proxied {
  look(): Promise<string>;
}

/** A test with a manager, and a dictionary that is given to a child of least permissions. */
function test(name: string, fn: (manager: Manager) => Promise<void>): void {
  Deno.test({
    name: `${name} [manager]`,
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

test("a server loads nothing and takes no function for its owner that a client below has put in", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const errors: unknown[] = [];
  assertEquals(await below(attackers.plantsEvil, dict), [0, 0, 0]);
  for (const key of await dict.keys()) {
    await dict.update(key, attackers.isHurt).catch((error) => errors.push(error));
  }
  assertEquals(await dict.update("none", attackers.isHurt), "undefined undefined");
  assertEquals(errors.map((error) => error instanceof ShareError), [true, true, true]);
});

test("a server loads nothing and takes no function as what a client below gives", async (manager) => {
  Manager.register("isHurt", attackers.isHurt);
  Manager.register("Taker", attackers.Taker);
  const dict = await manager.dict<string, unknown>();
  const taker = await manager.create("Taker") as unknown as Taking;
  const answers = await below(attackers.givesEvil, dict, taker);
  assertEquals(await dict.update("none", attackers.isHurt), "undefined undefined");
  assertEquals(await taker.look(), "undefined nothing");
  assertEquals(answers, [1, 1, 1, 1, 1, 1]);
});

test("a client below is taken for no other by what it says that it is", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  assertEquals(await below(attackers.boasts, dict), [1, 1, 1, 1, 1]);
  assertEquals(await dict.has("k"), false);
});

Deno.test("an owner takes nothing of a client below from a server that may do all", async () => {
  await runsNothing(async () => {
    await using manager = await Manager.start({ permissions: "inherit" });
    const dict = await manager.dict<string, unknown>();
    await within(LIMIT, below(attackers.plantsEvil, dict));
    for (const key of await dict.keys()) await assertRejects(() => dict.get(key), ShareError);
  });
});

test("a proxy that came from a child carries no permission of its choice", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  // A folder of this process's, which the child has heard of.
  const [here, there] = socketPipe<unknown>(true);
  const address = addressOf(there);
  const { folder } = address;
  await using giver = new Process(attackers.misleads, {
    args: [dict, { folder }],
    permissions: MAY,
  });
  const proxy = await giver.start().result() as unknown;
  const looked = async (given: unknown, at: string) => {
    await using child = new Process(lookAt, { args: [given, at], permissions: PEER });
    return await child.start().result();
  };
  assertEquals(await looked(proxy, folder), ["prompt", "prompt"]);
  // One of this process's own goes with its folder, also when it comes back.
  const own = dict[IN]().server.address.folder;
  assertEquals(await looked(dict, own), ["granted", "granted"]);
  await using back = new Process(attackers.giveBack, { args: [dict], permissions: MAY });
  assertEquals(await looked(await back.start().result(), own), ["granted", "granted"]);
  await (await Peer.at(address)).close();
  here.close();
  there.close();
});

test("a proxy from below that is made up is refused", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const { address, object } = dict[SHARE]() as SentProxy;
  const changes: [object, unknown?][] = [
    ...[[{ token: "x" }], [{ token: new Uint8Array(31) }], [{ rank: new Uint8Array(31) }]],
    ...[[{ name: 5 }], [{ isBelow: undefined }], [{ folder: 5 }]],
    ...[[{}, 7], [{}, `${object}0`], [{}, "__proto__"], [{}, { toString: 5 }]],
  ] as [object, unknown?][];
  const read = (state: unknown) =>
    fromBytes(
      forged(shared("multiprocessing/manager/proxies/collections.ts", "Dict", state)),
      "below",
    );
  for (const [change, other] of changes) {
    const state = { address: { ...address, ...change }, object: other ?? object };
    assertThrows(() => read(state), ShareError, "none of ours");
  }
  for (const state of [undefined, 1, [], { object }, { object, address: 5 }]) {
    assertThrows(() => read(state), ShareError, "none of ours");
  }
  // All but for that it is as it should be.
  assertEquals(read({ address, object }) instanceof dict.constructor, true);
  await dict.clear();
});

test("a proxy from below whose address leads elsewhere is refused, and nothing is removed", async (manager) => {
  const dict = await manager.dict<string, unknown>();
  const folder = await Deno.makeTempDir({ prefix: "precious-" });
  try {
    await Deno.writeTextFile(`${folder}/file`, "precious");
    for (const place of [folder, "/", "relative", `${folder}/../x`]) {
      await using child = new Process(attackers.misleads, {
        args: [dict, { folder: place }],
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
