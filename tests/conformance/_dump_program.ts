/** The program of dump_test.ts: blocks its main thread, or ends by the signal. */
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { until } from "../_help/until.ts";
import { hold } from "./_targets.ts";

if (import.meta.main) {
  const isThreads = Deno.args[0] === "threads";
  const { dump, Event, Lock } = isThreads ? threading : multiprocessing;
  if (Deno.args[1] === "--dispose") {
    // Unlike SIGQUIT, it leaves no core file.
    dump.onSignal("SIGUSR2")[Symbol.dispose]();
    Deno.kill(Deno.pid, "SIGUSR2");
    // Long enough for the signal to come, if it comes late.
    setTimeout(() => {}, 5_000);
  } else {
    dump.onSignal("SIGQUIT");
    console.log("listens");
    // Nothing is shared until stdin says so, or ends.
    await Deno.stdin.read(new Uint8Array(1));
    const lock = new Lock({ name: "till" });
    const held = Promise.withResolvers<void>();
    const options = {
      args: [lock, new Event({ name: "never" }), 1, "sync"],
      name: "cashier",
      onReport: () => held.resolve(),
    };
    if (isThreads) new threading.Thread(hold as never, options as never).start();
    else new multiprocessing.Process(hold as never, options as never).start();
    await held.promise;
    await until(() => /cashier .*waits for 'never'/.test(dump()));
    console.log("blocks next");
    lock.acquireSync();
  }
}
