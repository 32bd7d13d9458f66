import { Process } from "@switchyard/switchyard/multiprocessing";
import { exit } from "@switchyard/switchyard/os";

export function work() {
  try {
    exit(3);
  } finally {
    console.log("tidied up");
  }
}

if (import.meta.main) {
  const child = new Process(work).start();
  await child.join();
  console.log(child.exitcode); // 3
}
