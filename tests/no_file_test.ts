/**
 * A main module that is no file: of `deno run -` and of `deno eval`. Threads run its functions; a
 * process could not import them, and says so.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { within } from "./_help/within.ts";

const PROGRAM = `
  import { Thread, ThreadPoolExecutor, ProcessPoolExecutor, Process, Pool, Manager, task } from "${
  new URL("./_help/no_file.ts", import.meta.url).href
}";
  import { double } from "${new URL("./_help/no_file.ts", import.meta.url).href}";
  export function square(x: number) { return x * x; }
  export const cube = task(import.meta, function cube(x: number) { return x ** 3; });
  export class Point { x = 1; }
  async function outcome(run: () => unknown) {
    try {
      return await run();
    } catch (error) {
      return error.name + ": " + error.message;
    }
  }
  if (import.meta.main) {
    const says = async (run: () => unknown) => console.log(JSON.stringify(await outcome(run)));
    await says(() => new Thread(square, { args: [3] }).start().result());
    await says(() => new Thread(cube, { args: [3] }).start().result());
    await using threads = new ThreadPoolExecutor(1);
    await says(() => threads.submit(square, 4).result());
    await says(() => new Process(double, { args: [4] }).start().result());
    await using processes = new ProcessPoolExecutor(1);
    await says(() => processes.submit(double, 5).result());
    await says(() => new Process(square, { args: [3] }));
    await says(() => new Process(cube, { args: [3] }));
    await says(() => processes.submit(square, 4));
    await says(() => processes.map(square, [4]).next());
    await says(() => new Pool(1, { initializer: square, initArgs: [1] }));
    await says(() => Manager.register("Point", Point));
    await says(() => new Process(double, { args: [cube] }).start());
    await says(() => new Process(double, { args: [new Point()] }).start());
  }
`;

for (
  const [how, args, source] of [
    ["deno run -", ["run", "-A", "--no-config", "-"], "standard input"],
    [
      "deno eval",
      ["eval", "--no-config", "--ext=ts", PROGRAM],
      "`deno eval`",
    ],
  ] as const
) {
  Deno.test(`a main module from ${how} runs in threads, and a process says that it has no file`, async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(PROGRAM)).catch(() => {});
    await writer.close().catch(() => {});
    const { stdout, stderr } = await within(20_000, child.output());
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    const said = lines.map((line) => JSON.parse(line));
    assertEquals(said.slice(0, 5), [9, 27, 16, 8, 10], new TextDecoder().decode(stderr));
    assertEquals(said.length, 13);
    for (const [k, error] of said.slice(5).entries()) {
      const refused = k < 6
        ? /^TypeError: Cannot run "(square|cube|Point)" in a process: /
        : /^ShareError: Cannot share args\[0\]: .*(cube|Point) cannot cross/;
      assertMatch(error, refused);
      assertMatch(error, new RegExp(`came from ${source}, and has no file`));
    }
  });
}
