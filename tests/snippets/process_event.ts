import { Event, Process } from "@switchyard/switchyard/multiprocessing";

export function serve(ready: Event) {
  ready.set();
}

if (import.meta.main) {
  const ready = new Event();
  const child = new Process(serve, { args: [ready] }).start();
  console.log(await ready.wait({ timeout: 10_000 })); // true
  await child.join();
}
