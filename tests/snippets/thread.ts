import { Thread } from "@switchyard/switchyard/threading";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  const thread = new Thread(square, { args: [12] });
  thread.start();
  console.log(await thread.result()); // 144
}
