import { type Executor, ThreadPoolExecutor } from "@switchyard/switchyard/futures";

export function square(x: number) {
  return x * x;
}

async function squares(executor: Executor, numbers: number[]) {
  return await Array.fromAsync(executor.map(square, numbers));
}

if (import.meta.main) {
  await using executor = new ThreadPoolExecutor(2);
  console.log(await squares(executor, [1, 2, 3])); // [ 1, 4, 9 ]
}
