/**
 * A broker in the hands of another thread than that of its connection.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { held } from "../../lib/core/promises.ts";
import { addressOf } from "../../lib/remote/address.ts";
import type { Delivery } from "../../lib/remote/broker.ts";
import { openAccess } from "../../lib/remote/link/access.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { LOSE, registerSlow } from "./_slow_broker.ts";

registerSlow();

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn));

test("Access: a message whose lease is lost is known to be, and comes again", async () => {
  const access = openAccess(addressOf("slow:lost", "test"));
  const message = { body: new Uint8Array([1]), headers: {}, type: "", id: "x", format: "" };
  const came: Delivery[] = [];
  await held(Promise.resolve(access.declare({ name: "q", kind: "counted" })));
  await held(Promise.resolve(access.publish("q", message)));
  await held(Promise.resolve(access.consume("q", { prefetch: 1 }, (each) => came.push(each))));
  await until(() => came.length === 1);
  assert(came[0]!.isHeld);
  access.publish(LOSE, message);
  await until(() => came.length === 2);
  assertEquals(came.map(({ isHeld, attempt }) => [isHeld, attempt]), [[false, 1], [true, 2]]);
  // That of the first lease does nothing.
  came[0]!.ack();
  came[1]!.ack();
  assertEquals(await held(Promise.resolve(access.depth("q"))), { ready: 0, consumers: 1 });
  await held(Promise.resolve(access.remove("q")));
  await held(Promise.resolve(access.close()));
});
