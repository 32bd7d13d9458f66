import { JoinableQueue, Process } from "@switchyard/switchyard/multiprocessing";

export async function work(jobs: JoinableQueue<number>) {
  for await (const job of jobs) {
    console.log("job", job);
    jobs.taskDone();
  }
}

if (import.meta.main) {
  const jobs = new JoinableQueue<number>();
  const worker = new Process(work, { args: [jobs] }).start();
  for (const job of [1, 2, 3]) await jobs.put(job);
  await jobs.join();
  jobs.shutdown(); // the worker's loop ends
  await worker.join();
}
