import { Lock, Thread } from "@switchyard/switchyard/threading";
import { sleepSync } from "@switchyard/switchyard/time";
import { mark, start } from "@switchyard/switchyard/trace";

export function pay(till: Lock) {
  using _guard = till.acquireSync();
  mark("at the till");
  sleepSync(20);
}

if (import.meta.main) {
  const trace = start();
  const till = new Lock({ name: "till" });
  const names = ["Ann", "Ben"];
  const threads = names.map((name) => new Thread(pay, { name, args: [till] }).start());
  for (const thread of threads) await thread.join();
  trace.stop();
  console.log(trace.toText()); // or write trace.toSVG() into a file
}
