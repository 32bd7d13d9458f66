/** A program whose only thread is a daemon that goes on and reports. */
import { context } from "../../lib/task.ts";
import { Thread } from "../../lib/threading.ts";

export async function report(): Promise<void> {
  for (let k = 0;; k++) {
    context().report(k);
    await new Promise((next) => setTimeout(next, 10));
  }
}

if (import.meta.main) {
  const heard = Promise.withResolvers<void>();
  const hold = setTimeout(() => {}, 20_000);
  new Thread(report, { daemon: true, onReport: (k) => k === 3 && heard.resolve() }).start();
  await heard.promise;
  clearTimeout(hold);
  console.log("main");
}
