import { ThreadPoolExecutor, wait } from "@switchyard/switchyard/futures";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using executor = new ThreadPoolExecutor(2);
  const futures = [1, 2, 3].map((x) => executor.submit(square, x));
  const { done, notDone } = await wait(futures, { timeout: 10_000 });
  console.log(done.size, notDone.size); // 3 0
}
