import { Process } from "@switchyard/switchyard/multiprocessing";
import { wait, WEXITSTATUS } from "@switchyard/switchyard/os";

export function run(_lane: number) {}

if (import.meta.main) {
  for (const lane of [1, 2, 3]) new Process(run, { args: [lane] }).start();
  const [pid, status] = await wait();
  console.log(`${pid} has won, with code ${WEXITSTATUS(status)}`);
}
