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
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Announcements that all threads hear.

Usage: broadcast.ts [options]

  --listeners N   how many listen from the beginning (3)
  --lang L        en or zh (en)
  --help          show this`,
    listener: (k: number) => `listener-${k}`,
    latecomer: "latecomer",
    says: {
      late: "The train is late",
      coming: "The train is coming",
      doors: "Mind the doors",
      night: "Good night",
    },
    announces: (what: string) => `MainThread announces: ${what}`,
    hears: (name: string, what: string) => `${name} hears: ${what}`,
    heard: (name: string, heard: number) => `${name} heard ${heard} of 4`,
    clear: "all heard what was said while they were there: clear",
    wrong: "WRONG",
  },
  zh: {
    usage: `所有线程都能听到的广播。

用法：broadcast.ts [选项]

  --listeners N   一开始有几个人在听（默认 3）
  --lang L        语言：en 或 zh（默认 en）
  --help          显示本说明`,
    listener: (k: number) => `乘客${k}`,
    latecomer: "迟到者",
    says: {
      late: "列车晚点",
      coming: "列车即将进站",
      doors: "请注意车门",
      night: "晚安",
    },
    announces: (what: string) => `MainThread 广播：${what}`,
    hears: (name: string, what: string) => `${name} 听到：${what}`,
    heard: (name: string, heard: number) => `${name} 听到了 4 条里的 ${heard} 条`,
    clear: "在场时播的，人人都听到了：正确",
    wrong: "结果不对",
  },
});

/** Who has the same name hears the same. */
const CHANNEL = "platform 9";

type Announcement = keyof typeof TEXTS.says;
const BEFORE: Announcement[] = ["late", "coming"];
const AFTER: Announcement[] = ["doors"];
const LAST: Announcement = "night";

/** One listener: listens from when all are ready until good night. Gives what it heard. */
export async function listener(allListen: Barrier): Promise<Announcement[]> {
  const { name } = currentThread();
  using announcements = new Broadcast<Announcement>(CHANNEL);
  const heard: Announcement[] = [];
  await allListen.wait();
  for await (const announcement of announcements) {
    console.log(`  ${TEXTS.hears(name, TEXTS.says[announcement])}`);
    heard.push(announcement);
    if (announcement === LAST) break;
  }
  return heard;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["listeners"], default: { listeners: "3" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const listeners = wholeNumber("listeners", flags.listeners, 1, 100);

  const loudspeaker = cleanup.use(new Broadcast<Announcement>(CHANNEL));
  const announce = (announcement: Announcement) => {
    console.log(TEXTS.announces(TEXTS.says[announcement]));
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

  const early = await arrive(Array.from({ length: listeners }, (_, k) => TEXTS.listener(k + 1)));
  BEFORE.forEach(announce);
  const late = await arrive([TEXTS.latecomer]);
  [...AFTER, LAST].forEach(announce);

  let ok = true;
  for (const thread of [...early, ...late]) {
    const heard = await thread.result();
    const said = late.includes(thread) ? [...AFTER, LAST] : [...BEFORE, ...AFTER, LAST];
    ok &&= heard.join() === said.join();
    console.log(TEXTS.heard(thread.name, heard.length));
  }
  console.log(ok ? TEXTS.clear : TEXTS.wrong);
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("broadcast", main);
