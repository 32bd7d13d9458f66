import { currentProcess, Process } from "../../lib/multiprocessing.ts";

export function greet(who: string) {
  return `Hello ${who}, this is ${currentProcess().name}`;
}

if (import.meta.main) {
  const child = new Process(greet, { args: ["parent"] }).start();
  console.log(await child.result()); // Hello parent, this is Process-1
}
