import { RemoteExecutor } from "../../lib/remote.ts";

export function area(width: number, height: number) {
  return width * height;
}

if (import.meta.main) {
  await using executor = new RemoteExecutor("areas"); // memory:, or what SWITCHYARD_URL says
  const future = executor.submit(area, 3, 4);
  console.log(await future.result()); // 12
}
