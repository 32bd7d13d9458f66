/**
 * Which deno.json a program's processes use: the one that applied before the first of them started.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

const LIBRARY = new URL("../../lib/", import.meta.url).href;

// It lies in a folder of the test's, as a deno.json is looked for above it.
const PROGRAM = `
import { Process } from "${LIBRARY}multiprocessing.ts";
import { Thread } from "${LIBRARY}threading.ts";
import { word } from "./word.ts";

const FOLDER = new URL("./", import.meta.url);
const PLANT = JSON.stringify({
  imports: { [new URL("word.ts", FOLDER).href]: new URL("evil.ts", FOLDER).href },
});

export function say() {
  return word;
}

export function plant(name) {
  Deno.writeTextFileSync(new URL("../" + name, FOLDER), PLANT);
}

export async function sayByChild(options = {}) {
  return await new Process(say, options).start().result();
}

/** Starts no child of its own before it has heard that there is a plant. */
export async function waitAndSay() {
  const flag = new URL("flag", FOLDER);
  for (;;) {
    try {
      Deno.statSync(flag);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return await sayByChild();
}

if (import.meta.main) {
  const words = [];
  const [how] = Deno.args;
  if (how === "plant") {
    const early = new Process(waitAndSay).start();
    const thread = new Thread(waitAndSay).start();
    const permissions = {
      read: [new URL("${LIBRARY}"), FOLDER], write: [new URL("..", FOLDER)],
      net: false, env: false, run: false, ffi: false, sys: false, import: false,
    };
    for (const name of ["deno.json", "deno.jsonc"]) {
      await new Process(plant, { args: [name], permissions }).start().result();
    }
    Deno.writeTextFileSync(new URL("flag", FOLDER), "");
    words.push(await sayByChild(), await early.result(), await thread.result());
  } else if (how === "config") {
    words.push(await sayByChild({ config: "other.json", cwd: "/" }), await sayByChild());
  } else {
    words.push(
      await sayByChild(),
      await new Process(sayByChild).start().result(),
      await new Thread(sayByChild).start().result(),
    );
  }
  console.log(words.join());
}
`;

/** Runs the program in a new folder, with these files beside or above it. */
async function run(how: string, files: Record<string, string> = {}, flags = ["-A"]) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/inner`);
    await Deno.writeTextFile(`${folder}/inner/main.js`, PROGRAM);
    await Deno.writeTextFile(`${folder}/inner/word.ts`, `export const word = "good";`);
    await Deno.writeTextFile(`${folder}/inner/evil.ts`, `export const word = "EVIL";`);
    await Deno.writeTextFile(`${folder}/inner/mapped.ts`, `export const word = "mapped";`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", ...flags, `${folder}/inner/main.js`, how],
      cwd: `${folder}/inner`,
      stdin: "null",
      signal: AbortSignal.timeout(30_000),
    }).output();
    const text = new TextDecoder();
    return text.decode(stdout).trim() || text.decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function map(from: string, to: string): string {
  return JSON.stringify({ imports: { [from]: to } });
}

Deno.test("a deno.json that a child has left above is used by no process, thread or child of the program", async () => {
  assertEquals(await run("plant"), "good,good,good");
});

for (const name of ["deno.json", "deno.jsonc", "inner/deno.json"]) {
  Deno.test(`a process, a process's and a thread's use the program's ${name}`, async () => {
    const base = name.startsWith("inner") ? "./" : "./inner/";
    const files = { [name]: map(`${base}word.ts`, `${base}mapped.ts`) };
    assertEquals(await run("say", files), "mapped,mapped,mapped");
  });
}

Deno.test("the nearest deno.json counts, and deno.json before deno.jsonc", async () => {
  const files = {
    "deno.json": map("./inner/word.ts", "./inner/evil.ts"),
    "inner/deno.jsonc": map("./word.ts", "./evil.ts"),
    "inner/deno.json": map("./word.ts", "./mapped.ts"),
  };
  assertEquals(await run("say", files), "mapped,mapped,mapped");
});

Deno.test("config names another deno.json for one process, from the folder of who starts it", async () => {
  const files = { "inner/other.json": map("./word.ts", "./mapped.ts") };
  assertEquals(await run("config", files), "mapped,good");
});
