/**
 * A program of sockets_test.ts that has a socket: `_sockets_program.ts pipe|manager`. It does as it
 * is told.
 */
import { Manager, pipe, Process } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";
import type { Connection } from "../../lib/multiprocessing.ts";

type End = Connection<unknown>;

export const hello = task(import.meta, async (end: End) => {
  await end.send("hello");
  end.close();
});

/** Says hello through a pipe, from a new child. */
async function talk(): Promise<string> {
  const [here, there] = pipe<unknown>({ memory: false });
  const child = new Process(hello, { args: [there] }).start();
  there.close();
  const said = await here.recv({ timeout: 8_000 });
  here.close();
  await child.join();
  return String(said);
}

export const put = task(import.meta, async (dict: { set(key: string, value: string): unknown }) => {
  await dict.set("said", "hello");
});

if (import.meta.main) {
  // An end that stays on its way keeps the socket there.
  const [keep, kept] = pipe<unknown>({ memory: false });
  const manager = Deno.args[0] === "manager" ? await Manager.start() : undefined;
  const dict = await manager?.dict<string, string>();
  const holder = new Process(hello, { args: [kept], stderr: "null" }).start();
  await keep.recv();
  console.log("ready");
  const decoder = new TextDecoder();
  for await (const chunk of Deno.stdin.readable) {
    if (decoder.decode(chunk).includes("end")) break;
    try {
      if (dict === undefined) console.log(await talk());
      else {
        await new Process(put, { args: [dict] }).start().result({ timeout: 8_000 });
        console.log(await dict.get("said"));
      }
    } catch (error) {
      console.log(`failed: ${error}`);
    }
  }
  await manager?.shutdown();
  keep.close();
  kept.close();
  await holder.join();
  Deno.exit(0);
}
