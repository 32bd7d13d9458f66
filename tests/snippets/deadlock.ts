import { Barrier, Lock, Thread } from "@switchyard/switchyard/threading";

export function transfer(from: Lock, to: Lock, both: Barrier) {
  using _from = from.acquireSync();
  both.waitSync(); // each has one lock: now each wants the other
  using _to = to.acquireSync({ detectDeadlock: true });
}

if (import.meta.main) {
  const [a, b] = [new Lock({ name: "A" }), new Lock({ name: "B" })];
  const both = new Barrier(2);
  const there = new Thread(transfer, { args: [a, b, both], name: "there" }).start();
  const back = new Thread(transfer, { args: [b, a, both], name: "back" }).start();
  await there.join();
  await back.join();
  // In one of them: DeadlockError: Deadlock: there holds 'A' and waits for 'B';
  // back holds 'B' and waits for 'A'
}
