import { asCompleted, ThreadPoolExecutor } from "@switchyard/switchyard/futures";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using executor = new ThreadPoolExecutor(2);
  const futures = [1, 2, 3].map((x) => executor.submit(square, x));
  let sum = 0;
  for await (const future of asCompleted(futures)) sum += await future.result();
  console.log(sum); // 14
}
