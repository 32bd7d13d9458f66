/**
 * The toolkit imported from a raw http URL: library, workers and child processes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";

const CHECKOUT = new URL("../", import.meta.url);

/** Serves the checkout on loopback while `use` runs. */
async function served(use: (origin: string) => Promise<void>): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    try {
      const text = await Deno.readTextFile(new URL(path, CHECKOUT));
      return new Response(text, { headers: { "content-type": "application/typescript" } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Runs a project's main script in a Deno with an empty cache; gives what it prints. */
async function runProject(files: Record<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--reload", pathToFileURL(`${folder}/main.ts`).href],
      env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
      cwd: folder,
      stdin: "null",
      signal: AbortSignal.timeout(30_000),
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(code, 0);
    return decoder.decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Thread and Process run from a library that was imported by http", async () => {
  await served(async (origin) => {
    const printed = await runProject({
      "deno.json": "{}",
      "main.ts": `
        import { Process } from "${origin}/lib/multiprocessing.ts";
        import { Thread } from "${origin}/lib/threading.ts";
        export const square = (x: number) => x * x;
        export function cube(x: number) { return x * square(x); }
        if (import.meta.main) {
          console.log(await new Thread(cube, { args: [2] }).start().result());
          console.log(await new Thread(cube, { args: [3], killable: true }).start().result());
          const process = new Process(cube, { args: [4] }).start();
          console.log(await process.result());
          await process.join();
        }`,
    });
    assertEquals(printed, "8\n27\n64\n");
  });
});

Deno.test("Process resolves the bare imports of the main script's own deno.json", async () => {
  await served(async (origin) => {
    const printed = await runProject({
      "deno.json": JSON.stringify({
        imports: { helper: "./helper.ts", "switchyard/": `${origin}/lib/` },
      }),
      "helper.ts": "export const double = (x: number) => 2 * x;",
      "main.ts": `
        import { double } from "helper";
        import { Process } from "switchyard/multiprocessing.ts";
        export function twice(x: number) { return double(x); }
        if (import.meta.main) {
          const process = new Process(twice, { args: [21] }).start();
          console.log(await process.result());
          await process.join();
        }`,
    });
    assertEquals(printed, "42\n");
  });
});
