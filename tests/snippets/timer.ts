import { Timer } from "@switchyard/switchyard/threading";

export function remind() {
  console.log("tea is ready");
}

if (import.meta.main) {
  const timer = new Timer(180_000, remind).start();
  timer.cancel();
  await timer.join();
}
