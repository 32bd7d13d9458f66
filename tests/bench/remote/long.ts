/**
 * A call that blocks its thread for minutes, under a heartbeat of a second: it runs once.
 *
 * @module
 */
import { RemoteExecutor } from "../../../lib/remote.ts";
import { pause, runsIn, type Stage } from "./_stage.ts";
import { blocks, square } from "./targets.ts";

/** Makes the call, and small ones beside it; prints, and gives whether it ran once. */
export async function long(stage: Stage, seconds: number): Promise<boolean> {
  const file = `${stage.folder}/runs.txt`;
  if (stage.kind !== "memory") {
    // Two that could have it.
    for (let k = 0; k < 2; k++) await stage.work("soak.calls", 2);
  }
  const executor = new RemoteExecutor("soak.calls", { url: stage.url });
  const future = executor.submit(blocks, file, seconds * 1000);
  const start = performance.now();
  let small = 0;
  while (!future.done()) {
    if (await executor.submit(square, small).result() !== small * small) return false;
    small++;
    await pause(1000);
  }
  const result = await future.result();
  const runs = runsIn(file, 1)[0]!;
  const took = (performance.now() - start) / 1000;
  console.log(
    `a call of ${result / 1000} s ran ${runs} times and came back after ${took.toFixed(1)} s; ` +
      `${small} small ones went by meanwhile`,
  );
  await executor.shutdown();
  return runs === 1;
}
