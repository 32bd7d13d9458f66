import { Barrier, Process } from "@switchyard/switchyard/multiprocessing";

export function run(line: Barrier) {
  return line.waitSync(); // nobody runs before all are at the line
}

if (import.meta.main) {
  const line = new Barrier(3);
  const runners = [1, 2, 3].map(() => new Process(run, { args: [line] }).start());
  const indexes = await Promise.all(runners.map((runner) => runner.result()));
  console.log(indexes.sort()); // [ 0, 1, 2 ]
}
