/**
 * Finds out whether code has run, a module was loaded or a server was asked in this process.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { watchLoads } from "../../lib/transfer/task.ts";

const MARK = "SWITCHYARD_TEST_RAN";

/** A module that leaves a mark, each time another. */
export function evil(): string {
  const code = `Deno.env.set("${MARK}", "1"); // ${crypto.randomUUID()}
    export function run() {} export class Bad extends Error {}`;
  return `data:application/typescript,${encodeURIComponent(code)}`;
}

/**
 * Runs `fn`, and fails if a module was loaded meanwhile that is not the toolkit's or the main one,
 * which is here.
 */
export async function runsNothing(fn: () => Promise<void>): Promise<void> {
  const library = new URL("../../lib/", import.meta.url).href;
  const loaded: string[] = [];
  Deno.env.delete(MARK);
  watchLoads((module) => {
    if (!module.startsWith(library) && module !== Deno.mainModule) loaded.push(module);
  });
  try {
    const thrown = await fn().then(() => undefined, (error) => ({ error }));
    // What has happened says more than what did not come out as it should.
    assertEquals(loaded, [], "modules that were loaded");
    assertEquals(Deno.env.get(MARK), undefined, "code of another has run");
    if (thrown !== undefined) throw thrown.error;
  } finally {
    watchLoads(undefined);
    Deno.env.delete(MARK);
  }
}
