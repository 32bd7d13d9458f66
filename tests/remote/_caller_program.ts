/** Submits calls and waits to be killed: QUEUE URL ITEMS COUNT. Prints its name at the broker. */
import { RemoteExecutor, RemoteQueue } from "../../lib/remote.ts";
import { notes, square } from "./_call_targets.ts";

const [queue, url, items, count] = Deno.args as [string, string, string, string];
const executor = new RemoteExecutor(queue, { url });
const runs = new RemoteQueue<string>(items, { url });
const futures = Array.from(
  { length: Number(count) },
  (_, k) => executor.submit(notes, runs, `${k}`),
);
// What was submitted before it is with the broker, too.
const id = await executor.send({ delay: 60_000 }, square, 1);
console.log(`c.${id.split(":")[0]}`);
await Promise.all(futures.map((future) => future.result()));
