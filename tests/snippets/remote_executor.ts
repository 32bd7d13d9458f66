import { RemoteExecutor } from "@switchyard/switchyard/remote";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using executor = new RemoteExecutor("squares"); // memory:, or what SWITCHYARD_URL says
  const future = executor.submit(square, 12);
  console.log(await future.result()); // 144
  for await (const result of executor.map(square, [1, 2, 3])) console.log(result); // 1, 4, 9
}
