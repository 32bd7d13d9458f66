/** A program of pipe_test.ts: the home of pipes over a socket. */
import { type Connection, pipe, Process } from "../../lib/multiprocessing.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { context } from "../../lib/task.ts";

type End = Connection<unknown>;

/** Waits for the end of what it receives, and prints it. */
export async function listen(end: End): Promise<void> {
  console.log("begun");
  context().report("begun");
  try {
    await end.recv();
  } catch (error) {
    console.log(`recv ${(error as Error).name}`);
  }
}

/** Sends back one value. */
export async function echoOnce(end: End): Promise<void> {
  await end.send(await end.recv());
}

if (import.meta.main) {
  if (Deno.args[0] === "talk") {
    const [here, there] = pipe<string>();
    await using _process = new Process(echoOnce, { args: [there as End] }).start();
    there.close();
    await here.send("hello");
    console.log(await here.recv());
    here.close();
  } else {
    const ends = socketPipe<unknown>(true);
    let begun = 0;
    for (const end of ends) {
      new Process(listen, {
        args: [end],
        orphan: "keep",
        onReport: () => {
          if (++begun === 2) Deno.kill(Deno.pid, "SIGKILL");
        },
      }).start();
    }
  }
}
