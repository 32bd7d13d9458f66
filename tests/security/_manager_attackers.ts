/**
 * What clients of a manager do that have fewer permissions than its owner.
 *
 * @module
 */
import type { DictProxy, Proxied, QueueProxy } from "../../lib/multiprocessing.ts";
import { Link } from "../../lib/channel/socket/link.ts";
import { connect } from "../../lib/channel/socket/private_socket.ts";
import {
  CALL,
  fromFrame,
  HELLO,
  type ManagerAddress,
  toFrame,
} from "../../lib/multiprocessing/manager/protocol.ts";
import { IN, type SentProxy } from "../../lib/multiprocessing/manager/proxies/proxy.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import { task } from "../../lib/task.ts";
import { referTo } from "../../lib/transfer/task.ts";
import { done, forged, instance, say, shared, target } from "./_forge.ts";

type Dict = DictProxy<string, unknown>;

const MARK = new URL("./_manager_marks.ts", import.meta.url).href;

export const plus = task(import.meta, function plus(value: number | undefined, n: number): number {
  return (value ?? 0) + n;
});

export const registered = task(
  import.meta,
  function registered(value: number | undefined, n: number): number {
    return (value ?? 0) + n;
  },
);

/** Leaves a mark in whoever imports it. */
const EVIL =
  `data:text/javascript,globalThis.evil = true; export function f() {}; export class A {}`;

/** Whether code of others has run at the server, or a function of others is there. */
export const isHurt = task(import.meta, function isHurt(value: unknown): string {
  return `${(globalThis as { evil?: boolean }).evil} ${typeof value}`;
});

/** A class whose objects take anything. */
export const Taker = task(
  import.meta,
  class Taker {
    taken: string = "nothing";
    take(value: unknown): void {
      this.taken = typeof value;
    }
    look(): string {
      return `${(globalThis as { evil?: boolean }).evil} ${this.taken}`;
    }
  },
);

/** Says what the server's own permissions are. */
export const look = task(import.meta, function look(): string {
  const states = ["write", "net", "env", "run", "ffi", "sys"].map((name) => {
    const { state } = Deno.permissions.querySync({ name } as Deno.PermissionDescriptor);
    return `${name} ${state === "granted"}`;
  });
  return states.join(", ");
});

/** What was thrown, or undefined. */
async function thrown(fn: () => unknown): Promise<string | undefined> {
  try {
    await fn();
    return undefined;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** Calls a server in bare frames; gives how it answers. */
async function callBare(proxy: Dict, calls: unknown[][]): Promise<unknown[]> {
  const { folder, token } = proxy[IN]().server.address;
  const link = new Link(await connect(folder, token));
  calls.forEach((call, k) => link.send(toFrame([CALL, k + 1, ...call])));
  const answers: unknown[] = [];
  for await (const frame of link.frames()) {
    answers.push(fromFrame(frame)[1]);
    if (answers.length === calls.length) break;
  }
  link.close();
  return answers;
}

/** Uses a dictionary as it may. */
export const use = task(import.meta, async function use(dict: Dict): Promise<unknown> {
  await dict.set("from below", 1);
  return await dict.update("registered", registered, 2);
});

/** Has targets run that were not registered: its own, and any module's. */
export const runs = task(import.meta, async function runs(dict: Dict): Promise<unknown[]> {
  const { object } = dict[IN]();
  const args = forged([]);
  const key = forged("k");
  return [
    await thrown(() => dict.update("k", plus, 1)),
    ...await callBare(dict, [
      [object, "update", key, "node:child_process", "execSync", 0, args],
      [object, "update", key, MARK, "x", 0, args],
      [object, "update", key, `data:text/javascript,export function f() {}`, "f", 0, args],
    ]),
  ];
});

/**
 * Reaches for what it was not given: the manager itself, by all that it knows, and other objects.
 */
export const reaches = task(import.meta, async function reaches(dict: Dict): Promise<unknown[]> {
  const guesses = [
    ...[0, 1, 2, "", "0".repeat(32), dict[IN]().server.address.token, undefined, null],
    // Those that came before and after its own, were they numbers.
    ...[-2, -1, 1, 2].map((n) =>
      (BigInt(`0x${dict[IN]().object}`) + BigInt(n)).toString(16).padStart(32, "0")
    ),
  ];
  return await callBare(
    dict,
    guesses.flatMap((guess) => [
      [guess, "shutdown"],
      [guess, "own"],
      [guess, "dict", []],
      [guess, "get", forged("secret")],
      [guess, "create", MARK, "x", 0, forged([])],
    ]),
  );
});

/** What it knows of the server. */
export const knows = task(import.meta, function knows(dict: Dict): string[] {
  const { rank } = dict[IN]().server.address;
  return [`${rank}`, `${(dict[SHARE]() as SentProxy).address.rank}`];
});

/** The same of a proxy that stands in an object of the manager's. */
export const knowsNested = task(
  import.meta,
  async function knowsNested(dict: Dict): Promise<string> {
    const inner = await dict.get("inner") as Dict;
    return `${inner[IN]().server.address.rank}`;
  },
);

/** Puts values that name modules into a dictionary and a queue. */
export const plants = task(
  import.meta,
  async function plants(dict: Dict, queue: QueueProxy): Promise<void> {
    const bytes = [
      forged(instance(MARK, "A", 0, {})),
      forged(target(MARK, "f")),
      forged({ then: target(import.meta.url, "plus") }),
    ];
    const object = dict[IN]().object;
    await callBare(dict, bytes.map((value, k) => [object, "set", forged(`v${k}`), value]));
    await callBare(dict, bytes.map((value) => [queue[IN]().object, "put", undefined, value]));
  },
);

/** Puts in what names a module, and what is a function; to be read by a target at the server. */
export const plantsEvil = task(
  import.meta,
  async function plantsEvil(dict: Dict): Promise<unknown> {
    const bytes = [
      forged(instance(EVIL, "A", 0, {})),
      forged([target(EVIL, "f")]),
      forged(known()),
    ];
    const object = dict[IN]().object;
    return await callBare(dict, bytes.map((value, k) => [object, "set", forged(`v${k}`), value]));
  },
);

/** A function that everybody has who imports this module. */
function known() {
  const { module, name, print } = referTo(plus);
  return target(module, name, print);
}

/** Has a registered target, or a method, given what names a module, and a function. */
export const givesEvil = task(
  import.meta,
  async function givesEvil(dict: Dict, taker: Proxied): Promise<unknown> {
    const { module, name, print } = referTo(isHurt);
    const all = [
      forged([target(EVIL, "f")]),
      forged([instance(EVIL, "A", 0, {})]),
      forged([known()]),
    ];
    const [object, other] = [dict[IN]().object, taker[IN]().object];
    return [
      ...await callBare(
        dict,
        all.map((args) => [object, "update", forged("k"), module, name, print, args]),
      ),
      ...await callBare(dict, all.map((args) => [other, "apply", "take", args])),
    ];
  },
);

/** Says that it is what the owner is, by a rank that it does not have. */
export const boasts = task(import.meta, async function boasts(dict: Dict): Promise<unknown> {
  const { module, name, print } = referTo(plus);
  const { object, server: { address } } = dict[IN]();
  const link = new Link(await connect(address.folder, address.token));
  const ranks = [
    new Uint8Array(32),
    address.token,
    new Uint8Array(0),
    "x",
    crypto.getRandomValues(new Uint8Array(32)),
  ];
  const answers: unknown[] = [];
  let id = 0;
  for (const rank of ranks) {
    link.send(toFrame([HELLO, "equal", rank]));
    link.send(
      toFrame([CALL, ++id, object, "update", forged("k"), module, name, print, forged([1])]),
    );
    answers.push(fromFrame((await link.frames().next()).value!)[1]);
  }
  link.close();
  return answers;
});

/** Gives back what it was given. */
export const giveBack = task(import.meta, (dict: Dict): unknown => dict);

/** Gives a proxy whose address is something else. */
export const misleads = task(
  import.meta,
  function misleads(dict: Dict, changes: Partial<ManagerAddress>): void {
    const sent = dict[SHARE]() as SentProxy;
    const address: ManagerAddress = { ...sent.address, ...changes };
    const state = { ...sent, address };
    say([done(forged(shared("multiprocessing/manager/proxies/collections.ts", "Dict", state)))]);
  },
);
