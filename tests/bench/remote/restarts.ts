/**
 * Restarts of RabbitMQ under load: what was confirmed must come out, and each call have one outcome.
 *
 * @module
 */
import { RemoteExecutor, RemoteQueue } from "../../../lib/remote.ts";
import { pause, type Stage } from "./_stage.ts";
import { square } from "./targets.ts";

/** How much there is to do. */
export interface RestartsPlan {
  restarts: number;
  /** Puts a second, and as many gets; calls a second. */
  rate: number;
  callRate: number;
  /** For how long the broker is up before it is killed, in ms. */
  every: number;
}

const TICK = 10;
/** So many puts may be unconfirmed: while the broker is away no more are added. */
const MOST_OPEN = 20_000;
const GETTERS = 256;
/** After so many ms without a sign of life the rest is given up. */
const SILENCE = 60_000;

/** The longest time between two signs of life. */
class Gaps {
  longest = 0;
  #last = performance.now();

  /** The time since the last one. */
  get silence(): number {
    return performance.now() - this.#last;
  }

  /** There is one. */
  sign(): void {
    const now = performance.now();
    this.longest = Math.max(this.longest, now - this.#last);
    this.#last = now;
  }
}

/** Restarts the broker under load; prints what came of it, and gives whether all is as promised. */
export async function restarts(stage: Stage, plan: RestartsPlan): Promise<boolean> {
  const broker = stage.broker!;
  const { url } = stage;
  const queue = new RemoteQueue<number>("soak.items", { url, patience: Infinity });
  const taking = new RemoteQueue<number>("soak.items", { url, patience: Infinity });
  const executor = new RemoteExecutor("soak.calls", { url, patience: Infinity });
  await queue.size();
  // As a supervisor does: a worker ends by itself where the broker is away for too long.
  let isOver = false;
  const supervise = async () => {
    while (!isOver) {
      const worker = await stage.work("soak.calls", 2);
      const { code } = await worker.end();
      if (!isOver) console.log(`the worker has ended, with ${code}`);
    }
  };
  const supervised = supervise();

  const confirmed: boolean[] = [];
  const seen: number[] = [];
  const [putGaps, getGaps, callGaps] = [new Gaps(), new Gaps(), new Gaps()];
  let [put, open, refused, calls, right] = [0, 0, 0, 0, 0];
  const wrong: unknown[] = [];
  const ends: Promise<unknown>[] = [];
  let sinceKill = 0;
  const outages: number[] = [];

  const confirm = (k: number) => {
    open--;
    confirmed[k] = true;
    putGaps.sign();
    if (sinceKill === 0) return;
    outages.push(performance.now() - sinceKill);
    sinceKill = 0;
  };
  const putOne = (k: number) => {
    open++;
    queue.put(k).then(() => confirm(k), () => {
      open--;
      refused++;
    });
  };
  const callOne = (k: number) => {
    const future = executor.submit(square, k);
    ends.push(
      future.result().then((value) => {
        callGaps.sign();
        if (value === k * k) right++;
        else wrong.push(value);
      }, (error) => wrong.push(error)),
    );
  };
  let owedPuts = 0;
  let owedCalls = 0;
  const ticking = setInterval(() => {
    owedPuts += plan.rate * TICK / 1000;
    owedCalls += plan.callRate * TICK / 1000;
    for (; owedPuts >= 1; owedPuts--) if (open < MOST_OPEN) putOne(put++);
    for (; owedCalls >= 1; owedCalls--) callOne(calls++);
  }, TICK);

  const over = new AbortController();
  const getAll = async () => {
    while (!over.signal.aborted) {
      let k: number;
      try {
        k = await taking.get({ signal: over.signal });
      } catch (error) {
        if (over.signal.aborted) return;
        throw error;
      }
      seen[k] = (seen[k] ?? 0) + 1;
      getGaps.sign();
    }
  };
  const getting = Array.from({ length: GETTERS }, getAll);

  for (let k = 1; k <= plan.restarts; k++) {
    await pause(plan.every);
    broker.kill();
    // What was on its way to this program is still confirmed.
    await pause(50);
    sinceKill = performance.now();
    broker.start();
    await broker.ready();
    const up = performance.now();
    while (sinceKill !== 0) await pause(20);
    const outage = outages.at(-1)!;
    const late = performance.now() - up;
    console.log(
      `restart ${k}: ${(outage / 1000).toFixed(1)} s without a confirm, the first one ` +
        `${
          (late / 1000).toFixed(1)
        } s after it took connections; ${put} put, ${open} open; ${right} of ${calls} calls`,
    );
  }
  await pause(plan.every);
  clearInterval(ticking);

  const missing = () => confirmed.reduce((sum, is, k) => is && !seen[k] ? sum + 1 : sum, 0);
  let hasEnded = false;
  Promise.all(ends).then(() => hasEnded = true);
  const isSilent = () => [putGaps, getGaps, callGaps].every(({ silence }) => silence > SILENCE);
  while ((open > 0 || missing() > 0 || !hasEnded) && !isSilent()) await pause(500);
  const left = await queue.size();
  over.abort();
  await Promise.all(getting);

  const lost = missing();
  const doubled = seen.reduce((sum, count) => sum + count - 1, 0);
  const stats = executor.stats();
  console.log(
    `items: ${put} put, ${confirmed.filter(Boolean).length} confirmed, ${refused} refused, ` +
      `lost ${lost}, doubled ${doubled}; ${left} are still in the queue`,
  );
  console.log(
    `calls: ${calls}, right ${right}, wrong ${wrong.length}, without outcome ` +
      `${calls - right - wrong.length}; a second answer came ${stats.duplicates} times`,
  );
  if (wrong.length > 0) console.log(`the first wrong one: ${wrong[0]}`);
  console.log(
    `longest stall: ${(putGaps.longest / 1000).toFixed(1)} s of puts, ` +
      `${(getGaps.longest / 1000).toFixed(1)} s of gets, ${
        (callGaps.longest / 1000).toFixed(1)
      } s of calls`,
  );
  isOver = true;
  for (const worker of [...stage.workers]) await stage.kill(worker);
  await supervised;
  await executor.shutdown({ cancelFutures: true });
  await taking.close();
  await queue.close();
  return lost === 0 && refused === 0 && hasEnded && right === calls;
}
