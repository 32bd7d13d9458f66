import { ProcessPoolExecutor, WorkerLostError } from "@switchyard/switchyard/futures";

export function square(x: number) {
  return x * x;
}

export function crash() {
  Deno.kill(Deno.pid, "SIGKILL");
}

if (import.meta.main) {
  await using executor = new ProcessPoolExecutor(2);
  const lost = executor.submit(crash);
  const kept = executor.submit(square, 12);
  console.log(await lost.exception() instanceof WorkerLostError); // true
  console.log(await kept.result()); // 144
}
