/**
 * A program that tells how much memory one idle child takes, in MB: `_starts_idle.ts KIND`.
 *
 * A page that several processes have is counted for each in part, so that nothing counts twice.
 *
 * @module
 */
import { delay } from "@std/async";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { nothing } from "./_nothing.ts";
import { type End, nodeWorker, webWorker } from "./_starts_rivals.ts";
import { idle } from "./_starts_script.ts";

const SCRIPT = new URL("./_starts_script.ts", import.meta.url).href;
/** How many are started of each. */
const COUNT = 4;
/** The time in which what has started comes to rest, in ms. */
const REST = 300;

/** The memory of this process and of its children, in MB. */
function megabytes(): number {
  const kilobytes = (pid: number | string) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
    return Number(/^Pss:\s+(\d+)/m.exec(text)![1]);
  };
  const pids = Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`).trim().split(" ");
  return [Deno.pid, ...pids.filter((pid) => pid !== "")].reduce<number>(
    (sum, pid) => sum + kilobytes(pid),
    0,
  ) / 1024;
}

async function child(face: typeof threading | typeof multiprocessing): Promise<End> {
  const [ready, over] = [new face.Event(), new face.Event()];
  const started = "Thread" in face
    ? new face.Thread(idle, { args: [ready, over] }).start()
    : new face.Process(idle, { args: [ready, over] }).start();
  await ready.wait();
  return async () => {
    over.set();
    await started.join();
  };
}

const KINDS: Record<string, () => Promise<End>> = {
  "web worker": () => webWorker(SCRIPT),
  "node worker": () => nodeWorker(SCRIPT),
  thread: () => child(threading),
  process: () => child(multiprocessing),
  async deno() {
    const code = `import ${JSON.stringify(SCRIPT)}; console.log(0); `;
    const deno = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", `${code}setInterval(() => {}, 1e6);`],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = deno.stdout.getReader();
    await reader.read();
    return async () => {
      deno.kill();
      await deno.status;
      await reader.cancel();
    };
  },
  async pool() {
    const pool = new multiprocessing.Pool(2);
    await pool.map(nothing as () => void, [1, 2, 3, 4], { chunksize: 1 });
    return async () => {
      pool.terminate();
      await pool.join();
    };
  },
};

if (import.meta.main) {
  const make = KINDS[Deno.args[0]!]!;
  const before = megabytes();
  const ends: End[] = [];
  for (let k = 0; k < COUNT; k++) ends.push(await make());
  await delay(REST);
  console.log((megabytes() - before) / COUNT);
  for (const end of ends) await end();
  Deno.exit(0);
}
