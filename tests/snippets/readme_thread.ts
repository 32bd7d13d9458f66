import { Thread } from "../../lib/threading.ts";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  const thread = new Thread(square, { args: [12] }).start();
  console.log(await thread.result()); // 144
}
