/**
 * The program of traps_test.ts that shares nothing. Its lines are marked with what is told of them,
 * in a thread or in a process; `both` in either.
 */
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { Queue } from "../../lib/queue.ts";
import * as threading from "../../lib/threading.ts";

class Account {
  readonly lock = new threading.Lock();
}

const lock = new threading.Lock({ name: "A" }); // thread: Lock(A)
const queue = new Queue<number>(3); // thread: Queue
const [end] = threading.pipe<string>(); // thread: Connection
const account = new Account(); // thread: Lock
const count = new multiprocessing.Value("i32", 5); // both: Value
const numbers = new multiprocessing.Array("i32", 5); // both: Array
const jobs = new multiprocessing.Queue(0, { name: "jobs" }); // both: Queue
const seats = new multiprocessing.Semaphore(3); // both: Semaphore
const list = new multiprocessing.ShareableList([1]); // both: ShareableList
const ready = new multiprocessing.Event();
const given = new multiprocessing.Lock();
const passedOn = new multiprocessing.Lock();
const unused = new multiprocessing.Lock({ name: "unused" });
ready.set();

export async function useAll(lockOfParent: threading.Lock) {
  for (let k = 0; k < 2; k++) {
    lock.acquireSync().release();
    await queue.put(1);
    account.lock.acquireSync().release();
    await end.send("?");
    count.value++;
    numbers.set(0, 1);
    jobs.putNowait(1);
    using _seat = await seats.acquire();
    list.at(0);
  }
  // None of these is a mistake.
  lockOfParent.acquireSync().release();
  new threading.Lock().acquireSync().release();
  const own = new multiprocessing.Queue<number>();
  own.putNowait(1);
  console.log(unused.name, unused);
  await new threading.Thread(take, { args: [passedOn] }).start().result();
  passedOn.acquireSync().release();
}

export function take(lock: threading.Lock) {
  lock.acquireSync().release();
}

if (import.meta.main) {
  lock.acquireSync().release();
  count.value = 1;
  const { Thread } = threading;
  const { Process } = multiprocessing;
  for (let k = 0; k < 2; k++) {
    if (Deno.args[0] === "thread") await new Thread(useAll, { args: [given] }).start().result();
    else await new Process(useAll, { args: [given] }).start().result();
  }
}
