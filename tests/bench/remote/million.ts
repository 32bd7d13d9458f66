/**
 * Many calls with results: the memory of caller and worker must stay flat.
 *
 * @module
 */
import { RemoteExecutor } from "../../../lib/remote.ts";
import { megabytesOf, type Stage } from "./_stage.ts";
import { square } from "./targets.ts";

/** How many calls may be open: more than the executor has with the broker at once. */
const OPEN = 2_000;
const ROWS = 20;
/** By so many MB either may grow, once a quarter of the calls has warmed it up. */
const FLAT = 20;

/** Makes calls; prints a table, and gives whether memory stayed flat. */
export async function million(stage: Stage, count: number, slots: number): Promise<boolean> {
  const worker = stage.kind === "memory" ? undefined : await stage.work("soak.calls", slots);
  const executor = new RemoteExecutor("soak.calls", { url: stage.url });
  const rows: { caller: number; worker: number }[] = [];
  let [next, done, sum] = [0, 0, 0];
  let last = performance.now();
  console.log("     calls   calls/s   caller MB  its heap MB   worker MB");
  const row = () => {
    const now = performance.now();
    const rate = count / ROWS / (now - last) * 1000;
    last = now;
    const caller = megabytesOf();
    const heap = Deno.memoryUsage().heapUsed / 2 ** 20;
    const other = worker === undefined ? 0 : megabytesOf(worker.pid);
    rows.push({ caller, worker: other });
    const shown = [rate.toFixed(0).padStart(9), ...[caller, heap, other].map((n) => n.toFixed(0))];
    const [perSecond, mine, mineHeap, theirs] = shown;
    console.log(
      `${`${done}`.padStart(10)} ${perSecond} ${mine!.padStart(11)} ${mineHeap!.padStart(12)} ` +
        `${theirs!.padStart(11)}`,
    );
  };
  const callAll = async () => {
    while (next < count) {
      const k = next++ % 1000;
      sum += await executor.submit(square, k).result() - k * k;
      if (++done % Math.ceil(count / ROWS) === 0) row();
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPEN, count) }, callAll));
  await executor.shutdown();
  const from = rows[Math.floor(rows.length / 4)]!;
  const most = (who: "caller" | "worker") =>
    Math.max(...rows.slice(Math.floor(rows.length * 3 / 4)).map((row) => row[who])) - from[who];
  const grown = [most("caller"), most("worker")];
  console.log(
    `from a quarter of them to the end: caller ${grown[0]!.toFixed(0)} MB more, worker ` +
      `${grown[1]!.toFixed(0)} MB more; results ${sum === 0 ? "right" : "WRONG"}`,
  );
  return sum === 0 && grown.every((mb) => mb <= FLAT);
}
