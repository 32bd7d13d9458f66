import { ThreadPoolExecutor } from "@switchyard/switchyard/futures";

export function divide(a: number, b: number) {
  if (b === 0) throw new RangeError("Cannot divide by zero");
  return a / b;
}

if (import.meta.main) {
  await using executor = new ThreadPoolExecutor(2);
  const good = executor.submit(divide, 6, 3);
  const bad = executor.submit(divide, 6, 0);
  console.log(await good.result()); // 2
  console.log((await bad.exception())?.message); // Cannot divide by zero
}
