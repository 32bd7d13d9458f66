/**
 * The scripts in the docs, run as their readers run them.
 *
 * A script that starts threads or processes has a guarded main part, which `deno test --doc` never
 * enters. So each of them stands in a file of `tests/snippets` as well, with the same lines: here
 * the two are compared, and the file is run.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { walk } from "@std/fs";
import { fileURLToPath } from "node:url";

/** The output of each script. */
const PRINTS: Record<string, string | RegExp> = {
  as_completed: "14\n",
  async_result: "computing\n144\n",
  deadlock: "",
  dict_update: "20\n",
  excepthook: "reader: Error: no such page\n",
  executor: "[ 1, 4, 9 ]\n",
  exit: "tidied up\n3\n",
  future: "2\nCannot divide by zero\n",
  joinable_queue: "job 1\njob 2\njob 3\n",
  lock: "4000\n",
  lost_worker: "true\n144\n",
  os_wait: /^\d+ has won, with code 0\n$/,
  owner_death: "-9\ntrue\n",
  pool: "[ 1, 4, 9 ]\n",
  process: "144\n",
  process_array: "[ 0, 1, 4 ]\n",
  process_barrier: "[ 0, 1, 2 ]\n",
  process_condition: "3\n",
  process_event: "true\n",
  process_pool_executor: "144\n",
  process_value: "2000\n",
  readme_pool: "[ 168, 303, 430 ]\n",
  readme_process: "Hello parent, this is Process-1\n",
  readme_queue: "READY\nSTEADY\nGO\n",
  readme_remote: "12\n",
  readme_thread: "144\n",
  remote_executor: "144\n1\n4\n9\n",
  thread: "144\n",
  thread_pool: "[ 1, 4, 9 ]\n",
  thread_pool_executor: "144\n1\n4\n9\n",
  timer: "",
  trace: /^3 threads, \d+ events in [^]*\nAnn [^]*\nBen [^]*at the till/,
  wait: "3 0\n",
};

/** What is on stderr, where something is. */
const COMPLAINS: Record<string, RegExp> = {
  deadlock:
    /^Exception in thread (there|back):\nDeadlockError: Deadlock: \1 holds '[AB]' and waits /,
};

/** When a script is killed, in ms. */
const LIMIT = 30_000;

const root = new URL("../", import.meta.url);
const folder = new URL("tests/snippets/", root);

/** A piece of TypeScript in the docs. */
interface Snippet {
  /** Where it begins: file and line. */
  at: string;
  /** What stands after the three backticks. */
  language: string;
  text: string;
}

/** The snippets of a file, without the stars of their comments. */
function* snippetsOf(path: string, source: string): Generator<Snippet> {
  let open: { at: string; language: string; prefix: string; lines: string[] } | undefined;
  for (const [k, line] of source.split("\n").entries()) {
    const [, prefix, language] = /^((?: *\* )?)```(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (prefix !== undefined) open = { at: `${path}:${k + 1}`, language, prefix, lines: [] };
    } else if (prefix === undefined) {
      open.lines.push(line.startsWith(open.prefix) ? line.slice(open.prefix.length) : "");
    } else {
      yield { at: open.at, language: open.language, text: open.lines.join("\n") + "\n" };
      open = undefined;
    }
  }
}

/** All snippets of TypeScript in the library and the README. */
async function allSnippets(): Promise<Snippet[]> {
  const paths = ["README.md", "mod.ts"];
  for await (const { path } of walk(new URL("lib", root), { exts: ["ts"], includeDirs: false })) {
    paths.push(path.slice(fileURLToPath(root).length));
  }
  const all: Snippet[] = [];
  for (const path of paths.sort()) {
    const snippets = snippetsOf(path, await Deno.readTextFile(new URL(path, root)));
    all.push(...[...snippets].filter(({ language }) => /^ts\b/.test(language)));
  }
  return all;
}

/** The scripts in `tests/snippets`, as they stand in the docs: the README is beside `mod.ts`. */
async function readScripts(): Promise<Map<string, string>> {
  const scripts = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(new URL(name, folder));
    scripts.set(name.replace(/\.ts$/, ""), text.replaceAll('from "../../lib/', 'from "./lib/'));
  }
  return scripts;
}

/** Runs a script until it has ended, and its children with it. */
async function run(name: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", fileURLToPath(new URL(`${name}.ts`, folder))],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
  try {
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("snippets: every script in the docs is in tests/snippets, with the same lines", async () => {
  const scripts = await readScripts();
  const texts = new Set(scripts.values());
  const inDocs = new Set<string>();
  for (const { at, text } of await allSnippets()) {
    if (!text.includes("import.meta.main")) continue;
    inDocs.add(text);
    assert(texts.has(text), `the script at ${at} is in no file of tests/snippets:\n${text}`);
  }
  assertEquals([...scripts].filter(([, text]) => !inDocs.has(text)).map(([name]) => name), []);
  assertEquals([...scripts.keys()].sort(), Object.keys(PRINTS).sort());
});

Deno.test("snippets: none is kept from being checked", async () => {
  const kept = (await allSnippets()).filter(({ language }) => language !== "ts");
  assertEquals(kept.map(({ at, language }) => `${at} ${language}`), []);
});

for (const [name, expected] of Object.entries(PRINTS)) {
  Deno.test(`snippets: ${name}.ts prints what it says`, async () => {
    const { code, stdout, stderr } = await run(name);
    if (typeof expected === "string") assertEquals(stdout, expected, stderr);
    else assertMatch(stdout, expected, stderr);
    if (name in COMPLAINS) assertMatch(stderr, COMPLAINS[name]);
    else assertEquals(stderr, "");
    assertEquals(code, 0);
  });
}
