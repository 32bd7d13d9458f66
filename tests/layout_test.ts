/**
 * Where things are, and who may know whom.
 *
 * The library is a stack of layers. An import goes down or stays in its folder, so each layer can
 * be read and tested without those above it. The tables below are the whole rule; `deno info` says
 * what is really imported.
 *
 * @module
 */
import { assert, assertArrayIncludes, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folders of `lib/`, from the bottom. Two on one level never see each other. */
const LAYERS: Record<string, number> = {
  core: 0,
  lint: 0,
  transfer: 1,
  memory: 2,
  sync: 3,
  trace: 3,
  amqp: 3,
  channel: 4,
  child: 5,
  threading: 6,
  multiprocessing: 6,
  subprocess: 7,
  signal: 7,
  os: 7,
  pool: 7,
  futures: 8,
  remote: 9,
};

/** The files directly in `lib/`: the public faces. Only `mod.ts` imports them. */
const FACES = [
  "cli",
  "errors",
  "futures",
  "lint",
  "multiprocessing",
  "os",
  "queue",
  "remote",
  "signal",
  "subprocess",
  "task",
  "threading",
  "time",
  "trace",
].map((name) => `lib/${name}.ts`);
const FACE = 10;
const MOD = 11;

/** What a script of threads loads, and what a thread loads: no FFI and no subprocess in these. */
const THREADS_ONLY = [
  "lib/threading.ts",
  "lib/queue.ts",
  "lib/remote.ts",
  "lib/task.ts",
  "lib/time.ts",
  "lib/child/thread/entry.ts",
];
const PRIVILEGED = /\bDeno\.(?:dlopen|Unsafe\w+|Command)\b|\bbuiltin\("child_process"\)/;

/** How many files may lie directly in a folder. */
const MOST_FILES = 20;
/** The most lines of a file, apart from the reader and the writer of the codec: one idea each. */
const MOST_LINES = 550;
const LONG = ["lib/transfer/codec/reader.ts", "lib/transfer/codec/writer.ts"];
/** A type that a module exports. */
const EXPORTED_TYPE = /^export (?:abstract )?(?:class|interface|type|enum) (\w+)/gm;
/** What threads and processes have each, under the name that it has in Python. */
const OF_BOTH_WORLDS = [
  "Barrier",
  "BoundedSemaphore",
  "Condition",
  "Event",
  "LifoQueue",
  "Lock",
  "PriorityQueue",
  "Queue",
  "RLock",
  "Semaphore",
  "SharedArray",
  "SimpleQueue",
  "Value",
];
/** A comment that is wider than the code; rows of tables cannot be wrapped. */
const WIDE_COMMENT = /^(?=.{101})\s*(?:\/\/|\/\*|\*(?! \|)).*$/gmu;
/** A path that leads to a file above, for a module that is loaded by its name. */
const ABOVE = /new URL\(\s*"(?:\.\.\/)+\w+\.ts"/g;

/** Library code must work from a raw URL, where no import map is. */
const SPECIFIER = /^(?:\.\.?\/|node:|jsr:)/;

const TOP_LEVEL = [
  ".ci",
  ".github",
  ".gitignore",
  "LICENSE",
  "README.md",
  "deno.json",
  "examples",
  "lib",
  "mod.ts",
  "tests",
];

/** What a module imports. */
interface Import {
  /** As it is written. */
  specifier: string;
  /** Where it leads: a path in the repository, or undefined for what is outside. */
  to?: string;
  /** Whether it is of types alone, and so gone when the program runs. */
  erased?: boolean;
  /** Whether it is `import(…)`, done when that is reached. */
  later?: boolean;
}

/** A module of the library. */
interface Module {
  imports: Import[];
  source: string;
}

/** Modules by their path in the repository. */
type Graph = Map<string, Module>;

/** The layer of a module, or undefined for what belongs to none. */
function layerOf(path: string): number | undefined {
  if (path === "mod.ts") return MOD;
  if (FACES.includes(path)) return FACE;
  const folder = folderOf(path);
  return folder === undefined ? undefined : LAYERS[folder];
}

function folderOf(path: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(path)?.[1];
}

/** All that is wrong with a graph, one line each. */
function faultsOf(graph: Graph, threadsOnly = THREADS_ONLY): string[] {
  const faults: string[] = [];
  for (const [path, { imports }] of graph) {
    const layer = layerOf(path);
    if (layer === undefined) {
      const problem = folderOf(path) === undefined ? "is no public face" : "is in no layer";
      faults.push(`${path} ${problem}`);
      continue;
    }
    for (const { specifier, to, erased, later } of imports) {
      // The first import of any costs every start 10 ms.
      if (specifier.startsWith("node:") && !erased && !later) {
        faults.push(`${path} imports "${specifier}" where builtin() of core/node.ts would do`);
      }
      if (!SPECIFIER.test(specifier)) faults.push(`${path} imports "${specifier}"`);
      else if (to !== undefined) faults.push(...faultsOfImport(path, layer, to));
    }
  }
  for (const root of threadsOnly) faults.push(...faultsOfReach(graph, root));
  return [
    ...faults,
    ...faultsOfCircles(graph),
    ...faultsOfText(graph),
    ...faultsOfFolders(graph),
    ...faultsOfNames(graph),
  ];
}

/** The circles of imports, of types as well: who is in one can be understood only with the others. */
function faultsOfCircles(graph: Graph): string[] {
  const faults: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: string[]) => {
    const at = way.indexOf(path);
    if (at >= 0) faults.push(`a circle: ${[...way.slice(at), path].join(" -> ")}`);
    if (at >= 0 || done.has(path)) return;
    for (const { to } of graph.get(path)?.imports ?? []) {
      if (to !== undefined) visit(to, [...way, path]);
    }
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return faults;
}

/** The types that have one name and two meanings. */
function faultsOfNames(graph: Graph): string[] {
  const places = new Map<string, string[]>();
  for (const [path, { source }] of graph) {
    for (const [, name] of source.matchAll(EXPORTED_TYPE)) {
      places.set(name!, [...places.get(name!) ?? [], path]);
    }
  }
  return [...places].flatMap(([name, paths]) =>
    paths.length > (OF_BOTH_WORLDS.includes(name) ? 2 : 1)
      ? `${name} is a type of ${paths.join(" and of ")}`
      : []
  );
}

/** What is wrong with the text of modules. */
function faultsOfText(graph: Graph): string[] {
  const faults: string[] = [];
  for (const [path, { source }] of graph) {
    const lines = source.split("\n").length - 1;
    if (lines > MOST_LINES && !LONG.includes(path)) faults.push(`${path} has ${lines} lines`);
    for (const [line] of source.matchAll(WIDE_COMMENT)) {
      faults.push(`${path} has a comment over 100 columns: ${line.trim()}`);
    }
    for (const [url] of withoutComments(source).matchAll(ABOVE)) {
      faults.push(`${path} names a module above it by its URL: ${url}`);
    }
  }
  return faults;
}

/** The folders with more files than one can look over. */
function faultsOfFolders(graph: Graph): string[] {
  const folders = Map.groupBy(graph.keys(), (path) => path.slice(0, path.lastIndexOf("/")));
  return [...folders].flatMap(([folder, files]) =>
    files.length > MOST_FILES ? `${folder} has ${files.length} files` : []
  );
}

function faultsOfImport(from: string, layer: number, to: string): string[] {
  const target = layerOf(to);
  if (target === undefined) return [`${from} imports ${to}, which is in no layer`];
  if (target > layer) return [`${from} imports ${to}, which is above it`];
  if (FACES.includes(to) && from !== "mod.ts") return [`${from} imports ${to}, a public face`];
  if (target === layer && folderOf(to) !== folderOf(from)) {
    return [`${from} imports ${to}, which is beside it`];
  }
  return [];
}

/** Whether a root reaches privileged code, by imports that are there when the program runs. */
function faultsOfReach(graph: Graph, root: string): string[] {
  if (!graph.has(root)) return [`${root} is missing`];
  const faults: string[] = [];
  const via = new Map<string, string>([[root, root]]);
  for (const [path, way] of via) {
    const { imports, source } = graph.get(path)!;
    const [found] = PRIVILEGED.exec(withoutComments(source)) ?? [];
    if (found !== undefined) faults.push(`${root} reaches ${found}: ${way}`);
    for (const { to, erased } of imports) {
      if (to === undefined || erased || via.has(to) || !graph.has(to)) continue;
      via.set(to, `${way} -> ${to}`);
    }
  }
  return faults;
}

/** The source without the lines that are comments: docs may name what code may not use. */
function withoutComments(source: string): string {
  return source.replaceAll(/^\s*(?:\/\/|\/\*|\* |\*\/).*$/gm, "");
}

const root = new URL("../", import.meta.url);

/** The part of `deno info --json` that is used here. */
interface Info {
  modules: {
    specifier: string;
    dependencies?: {
      specifier: string;
      isDynamic?: boolean;
      code?: { specifier?: string };
      type?: { specifier?: string };
    }[];
  }[];
}

/** Reads the graph of `mod.ts` and of everything in `lib/`, imported by somebody or not. */
async function readGraph(): Promise<Graph> {
  const files = walk(new URL("lib", root), { exts: ["ts"], includeDirs: false });
  const paths = await Array.fromAsync(files, ({ path }) => pathOf(pathToFileURL(path).href)!);
  paths.push("mod.ts");
  const folder = await Deno.makeTempDir();
  let info: Info;
  try {
    const all = `${folder}/all.ts`;
    const lines = paths.map((path) => `import ${JSON.stringify(new URL(path, root).href)};\n`);
    await Deno.writeTextFile(all, lines.join(""));
    const config = fileURLToPath(new URL("deno.json", root));
    info = JSON.parse(await run(Deno.execPath(), ["info", "--json", "--config", config, all]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const graph: Graph = new Map();
  for (const { specifier, dependencies = [] } of info.modules) {
    const path = pathOf(specifier);
    if (path === undefined || !paths.includes(path)) continue;
    const imports = dependencies.map(({ specifier, code, type, isDynamic }) => ({
      specifier,
      to: pathOf(code?.specifier ?? type?.specifier ?? ""),
      erased: code === undefined,
      later: isDynamic === true,
    }));
    graph.set(path, { imports, source: await Deno.readTextFile(new URL(path, root)) });
  }
  assertEquals([...graph.keys()].sort(), paths.sort());
  return graph;
}

function pathOf(specifier: string): string | undefined {
  return specifier.startsWith(root.href) ? specifier.slice(root.href.length) : undefined;
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assert(success, `${command} ${args.join(" ")} failed:\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Whether git knows this folder; a downloaded archive has no list of files. */
function isCheckout(): boolean {
  try {
    const args = ["rev-parse", "--show-prefix"];
    const { success, stdout } = new Deno.Command("git", { args, cwd: root }).outputSync();
    return success && new TextDecoder().decode(stdout).trim() === "";
  } catch {
    return false;
  }
}

Deno.test("layout: imports go down, by relative paths, and threads need no FFI", async () => {
  assertEquals(faultsOf(await readGraph()), []);
});

Deno.test("layout: only the public faces are directly in lib", async () => {
  const files = await Array.fromAsync(Deno.readDir(new URL("lib", root)));
  for (const { name, isDirectory } of files) {
    assert(
      isDirectory ? name in LAYERS : FACES.includes(`lib/${name}`),
      `lib/${name} has no place`,
    );
  }
});

Deno.test("layout: every public face is an export of the package", async () => {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const files = await Array.fromAsync(Deno.readDir(new URL("lib", root)));
  const faces = files.filter((entry) => entry.isFile).map(({ name }) => `./lib/${name}`);
  assertEquals(Object.values(exports).sort(), ["./mod.ts", ...faces].sort());
});

/** The folders that the README's map names, each row's own and those in it. */
function mappedFolders(readme: string): string[] {
  return readme.split("\n").flatMap((row) => {
    const [, folder, text] = /^\| `lib\/(\w+)\/` +\| (.*) \|$/.exec(row) ?? [];
    if (folder === undefined) return [];
    return [folder, ...text.matchAll(/`(\w+)\/`/g).map(([, name]) => `${folder}/${name}`)];
  });
}

Deno.test("layout: the README's map names every folder of lib", async () => {
  const folders = new Set<string>();
  for await (const { path } of walk(new URL("lib", root), { exts: ["ts"], includeDirs: false })) {
    const [folder, ...below] = pathOf(pathToFileURL(path).href)!.split("/").slice(1, -1);
    if (folder !== undefined) folders.add([folder, ...below.slice(-1)].join("/"));
  }
  const readme = await Deno.readTextFile(new URL("README.md", root));
  assertEquals(mappedFolders(readme).sort(), [...folders].sort());
});

for (const book of ["README.md", "README.zh.md"]) {
  Deno.test(`layout: the list of examples names every one [${book}]`, async () => {
    const examples = new URL("examples/", root);
    const scripts: string[] = [];
    for await (const { path } of walk(examples, { exts: ["ts"], includeDirs: false })) {
      scripts.push(pathToFileURL(path).href.slice(examples.href.length));
    }
    const list = await Deno.readTextFile(new URL(book, examples));
    const named = list.matchAll(/\]\((.+?\.ts)\)/g).map(([, path]) => path);
    assertEquals([...named].sort(), scripts.filter((path) => !path.startsWith("_")).sort());
  });
}

Deno.test("layout: the examples run from a URL: they name packages in full, as deno.json does", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const packages = Object.values(imports);
  for await (
    const { path } of walk(new URL("examples", root), { exts: ["ts"], includeDirs: false })
  ) {
    const source = await Deno.readTextFile(path);
    for (const [, specifier] of source.matchAll(/^(?:import|\}) .*from "([^"]+)";$/gm)) {
      const isKnown = /^(?:\.\.?\/|node:)/.test(specifier) || packages.includes(specifier);
      assert(isKnown, `${path}: ${specifier}`);
    }
  }
});

Deno.test({
  name: "layout: the top level of the repository is as short as it was meant to be",
  ignore: !isCheckout(),
  fn: async () => {
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const files = (await run("git", args)).split("\0").filter((path) => path !== "");
    const names = new Set(files.map((path) => path.split("/")[0]));
    assertEquals([...names].filter((name) => !TOP_LEVEL.includes(name)), []);
  },
});

/** A graph of modules: `path: [imports…]`, or with a source. */
function graphOf(modules: Record<string, (Import | string)[] | string>): Graph {
  const graph: Graph = new Map();
  for (const [path, given] of Object.entries(modules)) {
    const imports = typeof given === "string" ? [] : given;
    graph.set(path, {
      imports: imports.map((item) =>
        typeof item === "string" ? { specifier: "./x.ts", to: item } : item
      ),
      source: typeof given === "string" ? given : "",
    });
  }
  return graph;
}

Deno.test("layout: the check finds nothing in a good graph", () => {
  const graph = graphOf({
    "mod.ts": ["lib/threading.ts", "lib/multiprocessing.ts"],
    "lib/threading.ts": ["lib/threading/thread.ts", "lib/sync/lock.ts"],
    "lib/multiprocessing.ts": ["lib/multiprocessing/process.ts"],
    "lib/threading/thread.ts": ["lib/core/errors.ts", {
      specifier: "node:worker_threads",
      erased: true,
    }],
    "lib/multiprocessing/process.ts": ["lib/memory/platform/linux.ts", {
      specifier: "jsr:@std/async@1.5.0",
    }],
    "lib/memory/platform/linux.ts": `Deno.dlopen("libc.so.6", {});`,
    "lib/sync/lock.ts": [{
      specifier: "../memory/platform/linux.ts",
      to: "lib/memory/platform/linux.ts",
      erased: true,
    }],
    "lib/core/errors.ts": "/**\n * Deno.Command is named only in a comment.\n */\n",
  });
  assertEquals(faultsOf(graph, ["lib/threading.ts"]), []);
});

const BAD: Record<string, { graph: Graph; faults: string[] }> = {
  "an import that goes up": {
    graph: graphOf({ "lib/core/errors.ts": ["lib/sync/lock.ts"], "lib/sync/lock.ts": [] }),
    faults: ["lib/core/errors.ts imports lib/sync/lock.ts, which is above it"],
  },
  "an import of mod.ts": {
    graph: graphOf({ "lib/threading.ts": ["mod.ts"], "mod.ts": [] }),
    faults: ["lib/threading.ts imports mod.ts, which is above it"],
  },
  "an import of types that goes up": {
    graph: graphOf({
      "lib/memory/region.ts": [{ specifier: "./x.ts", to: "lib/child/job.ts", erased: true }],
    }),
    faults: ["lib/memory/region.ts imports lib/child/job.ts, which is above it"],
  },
  "threading and multiprocessing that see each other": {
    graph: graphOf({
      "lib/threading/thread.ts": ["lib/multiprocessing/process.ts"],
      "lib/multiprocessing/process.ts": ["lib/threading/thread.ts"],
    }),
    faults: [
      "lib/threading/thread.ts imports lib/multiprocessing/process.ts, which is beside it",
      "lib/multiprocessing/process.ts imports lib/threading/thread.ts, which is beside it",
      "a circle: lib/threading/thread.ts -> lib/multiprocessing/process.ts -> " +
      "lib/threading/thread.ts",
    ],
  },
  "a specifier that needs an import map, npm or the web": {
    graph: graphOf({
      "mod.ts": [{ specifier: "@std/async" }],
      "lib/core/checks.ts": [
        { specifier: "npm:left-pad@1.3.0" },
        { specifier: "https://example.com/x.ts" },
        { specifier: "/x.ts", to: "lib/core/x.ts" },
      ],
    }),
    faults: [
      'mod.ts imports "@std/async"',
      'lib/core/checks.ts imports "npm:left-pad@1.3.0"',
      'lib/core/checks.ts imports "https://example.com/x.ts"',
      'lib/core/checks.ts imports "/x.ts"',
    ],
  },
  "a module of Node that every start would wait for": {
    graph: graphOf({ "lib/child/link.ts": [{ specifier: "node:path" }] }),
    faults: ['lib/child/link.ts imports "node:path" where builtin() of core/node.ts would do'],
  },
  "a circle, of types too": {
    graph: graphOf({
      "lib/core/a.ts": ["lib/core/b.ts"],
      "lib/core/b.ts": [{ specifier: "./x.ts", to: "lib/core/c.ts", erased: true }],
      "lib/core/c.ts": ["lib/core/b.ts"],
    }),
    faults: ["a circle: lib/core/b.ts -> lib/core/c.ts -> lib/core/b.ts"],
  },
  "a module above that is named by its URL": {
    graph: graphOf({
      "lib/child/a.ts": `const FACE = new URL("../threading.ts", import.meta.url);`,
    }),
    faults: ['lib/child/a.ts names a module above it by its URL: new URL("../threading.ts"'],
  },
  "a comment that is wider than the code": {
    graph: graphOf({ "lib/core/a.ts": `// ${"x".repeat(97)}\n// ${"x".repeat(98)}\n` }),
    faults: [`lib/core/a.ts has a comment over 100 columns: // ${"x".repeat(98)}`],
  },
  "a file that nobody can look over": {
    graph: graphOf({ "lib/core/a.ts": "\n".repeat(550), "lib/core/b.ts": "\n".repeat(551) }),
    faults: ["lib/core/b.ts has 551 lines"],
  },
  "types that have one name and two meanings": {
    graph: graphOf({
      "lib/core/a.ts": "export interface Plan {\n}\nexport class Lock {\n}\n",
      "lib/sync/b.ts": "export type Plan = string;\nexport abstract class Lock {\n}\n",
    }),
    faults: ["Plan is a type of lib/core/a.ts and of lib/sync/b.ts"],
  },
  "a folder that nobody can look over": {
    graph: graphOf(
      Object.fromEntries(Array.from({ length: 21 }, (_, k) => [`lib/os/${k}.ts`, []])),
    ),
    faults: ["lib/os has 21 files"],
  },
  "a public face that is imported": {
    graph: graphOf({ "lib/threading.ts": ["lib/errors.ts"], "lib/errors.ts": [] }),
    faults: ["lib/threading.ts imports lib/errors.ts, a public face"],
  },
  "a folder, a file or an import without a place": {
    graph: graphOf({ "lib/misc/a.ts": [], "lib/b.ts": [], "lib/core/c.ts": ["tests/d.ts"] }),
    faults: [
      "lib/misc/a.ts is in no layer",
      "lib/b.ts is no public face",
      "lib/core/c.ts imports tests/d.ts, which is in no layer",
    ],
  },
};

for (const [what, { graph, faults }] of Object.entries(BAD)) {
  Deno.test(`layout: the check fails on ${what}`, () => {
    assertEquals(faultsOf(graph, []), faults);
  });
}

Deno.test("layout: the check fails on threads that reach what needs a permission", () => {
  for (
    const source of [
      `  const library = Deno.dlopen("libc.so.6", {});`,
      `const pointer = new Deno.UnsafePointerView(at);`,
      `await new Deno.Command("deno").output();`,
      `  const child = builtin("child_process").spawn("deno");`,
    ]
  ) {
    const graph = graphOf({
      "lib/threading.ts": ["lib/sync/lock.ts"],
      "lib/sync/lock.ts": ["lib/memory/linux.ts"],
      "lib/memory/linux.ts": source,
    });
    const [fault, ...more] = faultsOf(graph, ["lib/threading.ts"]);
    assert(fault.endsWith(": lib/threading.ts -> lib/sync/lock.ts -> lib/memory/linux.ts"), fault);
    assertEquals(more, []);
  }
  assertArrayIncludes(faultsOf(new Map()), ["lib/threading.ts is missing"]);
});
