/**
 * Starts a process with the options in the arguments, has it try something, and prints what came of
 * it.
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";

async function outcome(work: () => unknown): Promise<string> {
  try {
    return String(await work());
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** What a child may try. */
const TRIES: Record<string, (item: string) => unknown> = {
  import: (module) => import(module).then(() => "imported"),
  env: (name) => Deno.env.get(name),
  async connect(address) {
    const { hostname, port } = new URL(`tcp://${address}`);
    using _ = await Deno.connect({ hostname, port: Number(port) });
    return "connected";
  },
  states: () =>
    (["read", "write", "net", "env", "run", "ffi", "sys", "import"] as const).map((name) =>
      Deno.permissions.querySync({ name }).state
    ).join(),
  hosts: (hosts) =>
    hosts.split(",").map((host) => Deno.permissions.querySync({ name: "import", host }).state)
      .join(),
  async stdin() {
    const text = await new Response(Deno.stdin.readable).text();
    return JSON.stringify(text);
  },
  nothing: () => "nothing",
};

export async function attempt(what: string, item: string): Promise<string> {
  return await outcome(() => TRIES[what]!(item));
}

if (import.meta.main) {
  const [what, item, options] = Deno.args as [string, string, string];
  console.log(
    await outcome(() =>
      new Process(attempt, { args: [what, item], ...JSON.parse(options) }).start().result()
    ),
  );
}
