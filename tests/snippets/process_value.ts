import { Process, Value } from "@switchyard/switchyard/multiprocessing";

export function count(votes: Value<"i32">) {
  for (let k = 0; k < 1000; k++) votes.add(1);
}

if (import.meta.main) {
  const votes = new Value("i32");
  const clerks = [1, 2].map(() => new Process(count, { args: [votes] }).start());
  for (const clerk of clerks) await clerk.join();
  console.log(votes.value); // 2000
}
