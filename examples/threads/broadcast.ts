#!/usr/bin/env -S deno run --allow-read
/**
 * An announcement to all threads.
 *
 * A queue gives each item to one; a broadcast gives it to all who listen at that moment. It keeps
 * nothing: who comes late has missed what was said before.
 *
 * Try:
 *
 *     examples/threads/broadcast.ts                 three listeners, and one who comes late
 *     examples/threads/broadcast.ts --listeners 8   a crowd
 *
 * @module
 */
import { Barrier, Broadcast, currentThread, Thread } from "../../lib/threading.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Announcements that all threads hear.

Usage: broadcast.ts [options]

  --listeners N   how many listen from the beginning (3)
  --help          show this`;

/** Who has the same name hears the same. */
const CHANNEL = "platform 9";

const BEFORE = ["The train is late", "The train is coming"];
const AFTER = ["Mind the doors"];
const LAST = "Good night";

/** One listener: listens from when all are ready until good night. Gives what it heard. */
export async function listener(allListen: Barrier): Promise<string[]> {
  const { name } = currentThread();
  using announcements = new Broadcast<string>(CHANNEL);
  const heard: string[] = [];
  await allListen.wait();
  for await (const announcement of announcements) {
    console.log(`  ${name} hears: ${announcement}`);
    heard.push(announcement);
    if (announcement === LAST) break;
  }
  return heard;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["listeners"], default: { listeners: "3" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const listeners = wholeNumber("listeners", flags.listeners, 1, 100);

  const loudspeaker = cleanup.use(new Broadcast<string>(CHANNEL));
  const announce = (announcement: string) => {
    console.log(`MainThread announces: ${announcement}`);
    loudspeaker.publish(announcement);
  };
  const arrive = async (names: string[]) => {
    const allListen = new Barrier(names.length + 1);
    const threads = names.map((name) => new Thread(listener, { args: [allListen], name }).start());
    cleanup.defer(() => threads.forEach((thread) => thread.terminate()));
    breakOnFailure(threads, allListen);
    await allListen.wait();
    return threads;
  };

  const early = await arrive(Array.from({ length: listeners }, (_, k) => `listener-${k + 1}`));
  BEFORE.forEach(announce);
  const late = await arrive(["latecomer"]);
  [...AFTER, LAST].forEach(announce);

  let ok = true;
  for (const thread of [...early, ...late]) {
    const heard = await thread.result();
    const said = late.includes(thread) ? [...AFTER, LAST] : [...BEFORE, ...AFTER, LAST];
    ok &&= heard.join() === said.join();
    console.log(`${thread.name} heard ${heard.length} of 4`);
  }
  console.log(ok ? "all heard what was said while they were there: clear" : "WRONG");
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("broadcast", main);
