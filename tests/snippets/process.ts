import { Process } from "@switchyard/switchyard/multiprocessing";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  const process = new Process(square, { args: [12] });
  process.start();
  console.log(await process.result()); // 144
}
