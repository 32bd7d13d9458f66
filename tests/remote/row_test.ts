/**
 * The credit of those who want items of a queue that is far away: how often it is given anew, which
 * takes three round trips and stops what comes meanwhile.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { held } from "../../lib/core/promises.ts";
import type { Broker } from "../../lib/remote/broker.ts";
import { Clock } from "../../lib/remote/clock.ts";
import { Handle, Op, type User } from "../../lib/remote/link/handle.ts";
import { Row } from "../../lib/remote/link/row.ts";
import { start } from "../../lib/remote/link/soon.ts";
import { MemoryBroker } from "../../lib/remote/memory_broker.ts";
import { limited } from "../_help/within.ts";

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn));

/** A row at a broker that is far, with `items` READY, and how often its credit was given. */
function rowOf(items: number) {
  const memory = new MemoryBroker(crypto.randomUUID());
  memory.declare({ name: "q", kind: "plain" });
  for (let k = 0; k < items; k++) {
    memory.publish("q", { body: new Uint8Array(0), headers: {}, type: "", id: `${k}`, format: "" });
  }
  const credits: number[] = [];
  const note = (n: number) => credits.push(n);
  const broker = {
    isNear: false,
    isExact: false,
    state: "up",
    consume(...[queue, options, on]: Parameters<Broker["consume"]>) {
      note(options.prefetch);
      // One after the other, as what comes from afar.
      let turn = Promise.resolve();
      const consumer = memory.consume(queue, options, (delivery) => {
        turn = turn.then(() => on(delivery));
      });
      return Promise.resolve({
        setPrefetch: async (n: number) => {
          note(n);
          await consumer.setPrefetch(n);
        },
        cancel: async () => await consumer.cancel(),
      });
    },
  } as unknown as Broker;
  const handles = new Set<Handle>();
  const site = { broker, clock: new Clock(), queue: "q", shown: "q", handles, isShut: false };
  const row = new Row({ ...site, *prepare() {} }, () => {});
  const close = async () => {
    const closed = Promise.withResolvers<void>();
    start(row.pause(), () => start(row.close(), closed.resolve, closed.reject), closed.reject);
    await closed.promise;
    memory.close();
  };
  return { row, credits, close };
}

/** Asks for `count` items at once; `got` is called with each handle and number as it comes. */
function takeAll(row: Row, count: number, got: (handle: Handle, n: number) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let open = count;
  const user: User = {
    answer(n) {
      got(handle, n);
      if (--open === 0) resolve();
    },
    refuse: (_, error) => reject(error),
    tell() {},
  };
  const handle = new Handle(user, { name: "q", maxsize: 0, replicated: false }, Infinity);
  for (let n = 1; n <= count; n++) row.take(new Op(handle, n));
  return held(promise);
}

test("Row: a thousand gets at once are given credit a few times", async () => {
  const { row, credits, close } = rowOf(1000);
  await takeAll(row, 1000, (handle, n) => {
    // As a get does: it is done with as soon as its taker has it, which is a little later.
    const holding = handle.holdings.get(n)!;
    queueMicrotask(() => start(row.end(holding, "ack"), () => {}, () => {}));
  });
  assert(credits.length <= 8, credits.join(" "));
  await close();
});

test("Row: those who hold what they took keep nobody else from taking", async () => {
  const { row, credits, close } = rowOf(600);
  await takeAll(row, 600, () => {});
  assertEquals(credits.at(-1), 256);
  await close();
});
