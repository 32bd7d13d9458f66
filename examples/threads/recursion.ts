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
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A recursive function takes a lock again and again: what an RLock is for.

Usage: recursion.ts [options]

  --lock L   rlock or plain (rlock)
  --lang L   en or zh (en)
  --help     show this`,
    names: ["walker-1", "walker-2"],
    folders: { home: "home", music: "music", jazz: "jazz", notes: "notes" },
    isAt: (name: string, folder: string) => `${name} at ${folder}: `,
    has: (times: number) => `has the lock ${times === 1 ? "once" : `${times} times`}`,
    noLock: (name: string, ms: number) => `no lock within ${ms} ms, since ${name} itself holds it`,
    sizes: (sizes: (number | undefined)[], total: number) =>
      `added up ${sizes.map((size) => size ?? "nothing").join(" and ")}, should be ${total}: `,
    exact: "exact",
    stuck: "STUCK",
  },
  zh: {
    usage: `递归函数一次又一次地上同一把锁：RLock（可重入锁）的用处。

用法：recursion.ts [选项]

  --lock L   锁的种类：rlock 或 plain（默认 rlock）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    names: ["甲", "乙"],
    folders: { home: "主目录", music: "音乐", jazz: "爵士乐", notes: "笔记" },
    isAt: (name: string, folder: string) => `${name}走到“${folder}”：`,
    has: (times: number) => `已上锁 ${times} 次`,
    noLock: (name: string, ms: number) => `${ms} 毫秒没有拿到锁，因为锁就在${name}自己手里`,
    sizes: (sizes: (number | undefined)[], total: number) =>
      `加起来是 ${sizes.map((size) => size ?? "无").join(" 和 ")}，应为 ${total}：`,
    exact: "正确",
    stuck: "卡住了",
  },
});

/** How long a thread waits for itself before it sees that this is hopeless, in ms. */
const PATIENCE = 300;

/** A folder: the size of its own files, and the folders inside. */
interface Folder {
  name: string;
  size: number;
  inside: Folder[];
}

const HOME: Folder = {
  name: TEXTS.folders.home,
  size: 1,
  inside: [
    {
      name: TEXTS.folders.music,
      size: 20,
      inside: [{ name: TEXTS.folders.jazz, size: 300, inside: [] }],
    },
    { name: TEXTS.folders.notes, size: 4, inside: [] },
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
  const line = "  ".repeat(depth - 1) + TEXTS.isAt(name, folder.name);
  if (guard === undefined) {
    console.log(line + TEXTS.noLock(name, PATIENCE));
    return undefined;
  }
  console.log(line + TEXTS.has(depth));
  let size = folder.size;
  for (const each of folder.inside) {
    const more = walk(name, lock, each, depth + 1);
    if (more === undefined) return undefined;
    size += more;
  }
  return size;
}

async function main(): Promise<number> {
  const flags = readFlags({ string: ["lock"], default: { lock: "rlock" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const kind = oneOf("lock", flags.lock, ["rlock", "plain"]);

  const lock = kind === "rlock" ? new RLock() : new Lock();
  const threads = TEXTS.names.map((name) =>
    new Thread(walk, { args: [name, lock, HOME], name }).start()
  );
  const sizes = await Promise.all(threads.map((thread) => thread.result()));

  const isRight = sizes.every((size) => size === TOTAL);
  console.log(TEXTS.sizes(sizes, TOTAL) + (isRight ? TEXTS.exact : TEXTS.stuck));
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("recursion", main);
