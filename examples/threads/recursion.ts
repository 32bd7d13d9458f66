#!/usr/bin/env -S deno run --allow-read
/**
 * A function that takes a lock, and calls itself.
 *
 * Two threads add up the sizes in a tree of folders. Each takes the lock for a folder and keeps it
 * while it walks the folders inside, so that the other's lines never come between: the lock is
 * taken again by the thread that holds it. An RLock counts that; a plain Lock makes the thread wait
 * for itself.
 *
 * Try:
 *
 *     examples/threads/recursion.ts                walk after walk, each in one piece
 *     examples/threads/recursion.ts --lock plain   nobody gets below the first folder
 *
 * @module
 */
import { Lock, RLock, Thread } from "../../lib/threading.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `A recursive function takes a lock again and again: what an RLock is for.

Usage: recursion.ts [options]

  --lock L   rlock or plain (rlock)
  --help     show this`;

/** How long a thread waits for itself before it sees that this is hopeless, in ms. */
const PATIENCE = 300;

/** A folder: the size of its own files, and the folders inside. */
interface Folder {
  name: string;
  size: number;
  inside: Folder[];
}

const HOME: Folder = {
  name: "home",
  size: 1,
  inside: [
    { name: "music", size: 20, inside: [{ name: "jazz", size: 300, inside: [] }] },
    { name: "notes", size: 4, inside: [] },
  ],
};
const TOTAL = 325;

/** Adds up a folder and all inside it, under the lock; undefined when the lock was out of reach. */
export function walk(
  name: string,
  lock: Lock | RLock,
  folder: Folder,
  depth = 1,
): number | undefined {
  // The first time, another thread may have it for long. From then on this thread has it.
  using guard = depth === 1 ? lock.acquireSync() : lock.acquireSync({ timeout: PATIENCE });
  const line = `${"  ".repeat(depth - 1)}${name} at ${folder.name}`;
  if (guard === undefined) {
    console.log(`${line}: no lock within ${PATIENCE} ms, since ${name} itself holds it`);
    return undefined;
  }
  console.log(`${line}: has the lock ${depth === 1 ? "once" : `${depth} times`}`);
  let size = folder.size;
  for (const each of folder.inside) {
    const more = walk(name, lock, each, depth + 1);
    if (more === undefined) return undefined;
    size += more;
  }
  return size;
}

async function main(): Promise<number> {
  const flags = readFlags({ string: ["lock"], default: { lock: "rlock" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const kind = oneOf("lock", flags.lock, ["rlock", "plain"]);

  const lock = kind === "rlock" ? new RLock() : new Lock();
  const threads = ["walker-1", "walker-2"].map((name) =>
    new Thread(walk, { args: [name, lock, HOME], name }).start()
  );
  const sizes = await Promise.all(threads.map((thread) => thread.result()));

  const isRight = sizes.every((size) => size === TOTAL);
  const shown = sizes.map((size) => size ?? "nothing").join(" and ");
  console.log(`added up ${shown}, should be ${TOTAL}: ${isRight ? "exact" : "STUCK"}`);
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("recursion", main);
