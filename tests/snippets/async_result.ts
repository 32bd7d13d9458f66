import { ThreadPool } from "@switchyard/switchyard/multiprocessing";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using pool = new ThreadPool(2);
  const result = pool.applyAsync(square, [12]);
  console.log("computing");
  console.log(await result.get()); // 144
}
