/**
 * What clients of a manager do that have fewer permissions than its owner.
 *
 * @module
 */
import type { DictProxy, QueueProxy } from "../../lib/multiprocessing.ts";
import { Link } from "../../lib/child/link.ts";
import { connect } from "../../lib/child/private_socket.ts";
import {
  type Address,
  CALL,
  fromFrame,
  toFrame,
} from "../../lib/multiprocessing/manager_protocol.ts";
import { IN, type SentProxy } from "../../lib/multiprocessing/manager_proxied.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import { task } from "../../lib/task.ts";
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

/** Reaches for what it was not given: the manager itself, by all that it knows, and other objects. */
export const reaches = task(import.meta, async function reaches(dict: Dict): Promise<unknown[]> {
  const guesses = [0, 1, 2, "", "0".repeat(32), dict[IN]().server.address.token, undefined, null];
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

/** Gives a proxy whose address leads elsewhere. */
export const misleads = task(
  import.meta,
  function misleads(dict: Dict, folder: string): void {
    const sent = dict[SHARE]() as SentProxy;
    const address: Address = { ...sent.address, folder };
    const state = { ...sent, address };
    say([done(forged(shared("multiprocessing/manager_proxy.ts", "Dict", state)))]);
  },
);
