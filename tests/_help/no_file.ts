/** What the programs of no_file_test.ts import: the faces, and a target that has a file. */
import { task } from "../../lib/task.ts";

export { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
export { Manager, Pool, Process } from "../../lib/multiprocessing.ts";
export { Thread } from "../../lib/threading.ts";
export { task } from "../../lib/task.ts";

export const double = task(import.meta, (x: number) => x * 2);
