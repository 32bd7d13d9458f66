import { ProcessPoolExecutor } from "@switchyard/switchyard/futures";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using executor = new ProcessPoolExecutor(4);
  console.log(await executor.submit(square, 12).result()); // 144
}
