import { Condition, Process, Value } from "@switchyard/switchyard/multiprocessing";

export function deliver(condition: Condition, parcels: Value<"i32">) {
  using _guard = condition.acquireSync();
  parcels.value = 3;
  condition.notify();
}

if (import.meta.main) {
  const condition = new Condition();
  const parcels = new Value("i32");
  const child = new Process(deliver, { args: [condition, parcels] }).start();
  {
    using _guard = await condition.acquire();
    await condition.waitFor(() => parcels.value > 0);
    console.log(parcels.value); // 3
  }
  await child.join();
}
