/**
 * What the tests of managers have in common.
 *
 * @module
 */
import { existsSync } from "@std/fs";
import { Manager, type Proxied } from "../../lib/multiprocessing.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";
import { limited } from "../_help/within.ts";

/** A test with a manager of its own, and a time limit. */
export function test(
  name: string,
  fn: (manager: Manager) => Promise<void>,
  limit?: number,
): void {
  Deno.test({
    name: `${name} [manager]`,
    fn: async () => {
      await using manager = await Manager.start();
      await limited(() => fn(manager), limit);
    },
  });
}

/** A proxy as it is sent. */
export interface Sent {
  address: { folder: string; token: Uint8Array; rank: Uint8Array | undefined };
  object: string;
}

/** Where a proxy's object is. */
export function sentOf(proxy: Proxied): Sent {
  return proxy[SHARE]() as Sent;
}

/** Whether there is such a folder. */
export function exists(folder: string): boolean {
  return existsSync(folder, { isDirectory: true });
}

/** A promise whose end can be asked for. */
export function watch<T>(promise: Promise<T>): { promise: Promise<T>; isSettled: boolean } {
  const watched = { promise, isSettled: false };
  const settle = () => void (watched.isSettled = true);
  promise.then(settle, settle);
  return watched;
}
