/**
 * Deaths of workers at random moments: each call has one outcome, and runs twice at worst where its
 * worker died.
 *
 * @module
 */
import { RemoteExecutor } from "../../../lib/remote.ts";
import { pause, runsIn, type Stage } from "./_stage.ts";
import { noted, notedThenDies } from "./targets.ts";

/** How much there is to do. */
export interface KillsPlan {
  kills: number;
  calls: number;
  /** The worker programs, and the threads of each. */
  programs: number;
  slots: number;
  /** How long a call takes, in ms. */
  ms: number;
}

/** Tries enough for a call that meets a death each time. */
const RETRIES = 50;

/** Kills workers; prints what came of it, and gives whether all is as promised. */
export async function kills(stage: Stage, plan: KillsPlan): Promise<boolean> {
  const file = `${stage.folder}/runs.txt`;
  const isHere = stage.kind === "memory";
  const executor = new RemoteExecutor("soak.calls", { url: stage.url, retries: RETRIES });
  let [calls, right, killed] = [0, 0, 0];
  const wrong: unknown[] = [];
  const isEnough = () => calls >= plan.calls && (isHere || killed >= plan.kills);

  const callAll = async () => {
    while (!isEnough()) {
      const k = calls++;
      try {
        const value = await executor.submit(isHere ? notedThenDies : noted, file, k, plan.ms)
          .result();
        if (value === k) right++;
        else wrong.push(value);
      } catch (error) {
        wrong.push(error);
      }
    }
  };
  const killAll = async () => {
    while (killed < plan.kills) {
      const worker = stage.workers[Math.floor(Math.random() * stage.workers.length)]!;
      const again = stage.work("soak.calls", plan.slots);
      await pause(Math.random() * 3 * plan.ms);
      await stage.kill(worker);
      killed++;
      await again;
      if (killed % 20 === 0) console.log(`${killed} killed, ${calls} calls, ${right} right`);
    }
  };

  if (!isHere) {
    for (let k = 0; k < plan.programs; k++) {
      await stage.work("soak.calls", plan.slots);
    }
  }
  const start = performance.now();
  // As many as the workers hold, and as many again that wait at the broker.
  const callers = Array.from({ length: 4 * plan.programs * plan.slots }, callAll);
  await Promise.all([...callers, ...isHere ? [] : [killAll()]]);
  const seconds = (performance.now() - start) / 1000;

  const runs = runsIn(file, calls);
  const ran = runs.reduce((sum, n) => sum + n, 0);
  const never = runs.filter((n) => n === 0).length;
  const { retried, duplicates } = executor.stats();
  const deaths = isHere ? "every tenth call ended its thread once" : `${killed} workers killed`;
  console.log(`${calls} calls in ${seconds.toFixed(0)} s, ${deaths}`);
  console.log(
    `right ${right}, wrong ${wrong.length}, lost ${
      calls - right - wrong.length
    }, never run ${never}`,
  );
  console.log(
    `runs ${ran}: ${ran - calls} more than calls, at most ${
      Math.max(...runs)
    } of one call; tries ` +
      `after the first ${retried}, second answers ${duplicates}`,
  );
  if (wrong.length > 0) console.log(`the first wrong one: ${wrong[0]}`);
  await executor.shutdown();
  return right === calls && never === 0;
}
