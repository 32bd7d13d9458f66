/** A program that owns a manager: `_manager_program.ts HOW`. It prints the server's pid. */
import { Manager, Process } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { Account, count, plus } from "./_manager_targets.ts";
import { task } from "../../lib/task.ts";

export const startThere = task(import.meta, async function startThere() {
  const manager = await Manager.start();
  await manager.dict();
  return manager.pid;
});

if (import.meta.main) {
  const how = Deno.args[0];
  if (how === "thread") {
    // The server ends with the thread that started it.
    console.log(await new Thread(startThere).start().result());
  } else {
    // With limited permissions nobody can tell that a child has all of them: it may have updated
    // what is registered.
    Manager.register("plus", plus);
    const manager = await Manager.start();
    const dict = await manager.dict<string, number>();
    await dict.update("n", plus, 1);
    if (how !== "stick") console.log(manager.pid);
    if (how === "wait") setInterval(() => {}, 1_000);
    if (how === "stick") {
      Manager.register("Account", Account);
      const account = await manager.create<Account>("Account", "ada", 1);
      await account.owner();
      void account.stick();
      // The server has begun with it when the pid is read.
      setTimeout(() => console.log(manager.pid), 100);
    }
    if (how === "block") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (how === "exit") Deno.exit(3);
    if (how === "throw") throw new Error("thrown");
    if (how === "end") await manager.shutdown();
    if (how === "use") {
      const process = new Process(count, { args: [dict, 5] }).start();
      const thread = new Thread(count, { args: [dict, 5] }).start();
      await process.result();
      await thread.result();
      const n = await dict.get("n");
      if (n !== 11) throw new Error(`n is ${n}`);
    }
  }
}
