/**
 * The lint plugin: which calls it takes for forgotten awaits, and which not.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import plugin from "../lib/lint.ts";

const IMPORTS = `
import { Condition, Event, Lock, pipe, Thread, Value } from "jsr:@switchyard/switchyard/threading";
import * as multiprocessing from "https://example.com/switchyard/lib/multiprocessing.ts";
import { Queue as Q } from "../lib/queue.ts";
import { futures, threading as t } from "./switchyard/mod.ts";
import { sleep } from "@switchyard/switchyard/time";
import * as subprocess from "../../lib/subprocess.ts";
`;

/** The calls that are found in a source, and what it is when it has been fixed. */
function lint(source: string): { found: string[]; fixed: string } {
  const text = IMPORTS + source;
  const diagnostics = Deno.lint.runPlugin(plugin, "main.ts", text);
  const found = diagnostics.map(({ range: [from, to] }) => text.slice(from, to));
  let fixed = text;
  const fixes = diagnostics.flatMap(({ fix }) => fix ?? []);
  for (const { range: [from, to], text: by } of fixes.sort((a, b) => b.range[0] - a.range[0])) {
    fixed = fixed.slice(0, from) + (by ?? "") + fixed.slice(to);
  }
  return { found, fixed: fixed.slice(IMPORTS.length) };
}

/** Sources, with the calls that are found in them. */
const FOUND: [what: string, source: string, ...found: string[]][] = [
  ["a lock", `const lock = new Lock(); lock.acquire();`, "lock.acquire()"],
  ["a lock of a namespace", `const l = new multiprocessing.Lock(); l.acquire();`, "l.acquire()"],
  ["a lock of mod.ts", `const lock = new t.RLock(); lock.acquire({});`, "lock.acquire({})"],
  ["a queue with another name", `const q = new Q<number>(3); q.put(1);`, "q.put(1)"],
  ["an exported const", `export const q = new Q(); q.get();`, "q.get()"],
  ["a parameter", `function f(lock: Lock) { lock.acquire(); }`, "lock.acquire()"],
  ["a parameter of a namespace's class", `const f = (e: t.Event) => { e.wait(); };`, "e.wait()"],
  [
    "a parameter that may be missing",
    `function f(l?: Lock | null) { l?.acquire(); }`,
    "l?.acquire()",
  ],
  [
    "a parameter property",
    `class A { constructor(readonly lock: Lock) {}
    f() { this.lock.acquire(); } }`,
    "this.lock.acquire()",
  ],
  [
    "a field",
    `class A { #ready = new Event(); f() { this.#ready.wait(); } }`,
    "this.#ready.wait()",
  ],
  ["a field with a type", `class A { q?: Q<number>; f() { this.q!.put(1); } }`, "this.q!.put(1)"],
  ["a thread", `new Thread(f).start().join();`, "new Thread(f).start().join()"],
  ["a started thread", `const x = new Thread(f).start(); x.result();`, "x.result()"],
  [
    "threads in a list",
    `const all = [1, 2].map(() => new Thread(f).start());
    for (const one of all) one.join();`,
    "one.join()",
  ],
  [
    "locks by index",
    `const locks = [new Lock(), new Lock()]; locks[0].acquire();`,
    "locks[0].acquire()",
  ],
  ["a list of a type", `function f(a: readonly Lock[]) { a[1].acquire(); }`, "a[1].acquire()"],
  ["the lock of a value", `new Value("i32").lock.acquire();`, `new Value("i32").lock.acquire()`],
  ["ends of a pipe", `const [a, b] = pipe(); a.send(1); b.recv();`, "a.send(1)", "b.recv()"],
  [
    "a future",
    `const pool = new futures.ThreadPoolExecutor(); const x = pool.submit(f);
    x.result(); pool.shutdown();`,
    "x.result()",
    "pool.shutdown()",
  ],
  ["a condition", `const c = new Condition(); c.waitFor(() => true);`, "c.waitFor(() => true)"],
  [
    "a manager and its proxies",
    `const m = await multiprocessing.Manager.start();
    const d = await m.dict(); d.set(1, 2); m.shutdown();`,
    "d.set(1, 2)",
    "m.shutdown()",
  ],
  ["functions", `sleep(10); subprocess.run(["ls"]);`, "sleep(10)", `subprocess.run(["ls"])`],
  ["a subclass", `class Mutex extends Lock {} const m = new Mutex(); m.acquire();`, "m.acquire()"],
  [
    "half of an expression",
    `const l = new Lock(); x && l.acquire(); x ? l.acquire() : f();`,
    "l.acquire()",
    "l.acquire()",
  ],
  [
    "tests",
    `const l = new Lock(); if (l.acquire()) f(); if (!l.acquire({ timeout: 0 })) f();`,
    "l.acquire()",
    "l.acquire({ timeout: 0 })",
  ],
  [
    "five at once",
    `const [l, e, q] = [1, 2, 3]; async function f(l: Lock, e: Event, q: Q, t: Thread) {
    l.acquire(); e.wait(); q.put(1); q.get(); t.join(); }`,
    "l.acquire()",
    "e.wait()",
    "q.put(1)",
    "q.get()",
    "t.join()",
  ],
];

for (const [what, source, ...calls] of FOUND) {
  Deno.test(`no-floating-wait finds a forgotten await of ${what}`, () => {
    assertEquals(lint(source).found, calls);
  });
}

/** What is in order. */
const FINE = {
  "an await": `const l = new Lock(); await l.acquire(); using _ = await l.acquire();`,
  "void": `const l = new Lock(); void l.acquire();`,
  "a return": `const l = new Lock(); function f() { return l.acquire(); }`,
  "an arrow": `const l = new Lock(); const f = () => l.acquire();`,
  "what is kept":
    `const l = new Lock(); const p = l.acquire(); x = l.acquire(); all.push(l.acquire());`,
  "a then()": `const l = new Lock(); l.acquire().then(f); l.acquire().catch(f);`,
  "Promise.all()": `const l = new Lock(); await Promise.all([l.acquire()]);`,
  "a Sync form": `const l = new Lock(); l.acquireSync(); new Thread(f).start().joinSync();`,
  "what does not wait": `const l = new Lock(); l.release(); l.locked(); new Thread(f).start();`,
  "a method of another class": `import { Lock as Other } from "./other.ts"; new Other().acquire();`,
  "a name that was declared anew": `const l = new Lock(); function f(l: Foo) { l.acquire(); }`,
  "a name of an inner block": `const l = new Lock(); { const l = new Foo(); l.acquire(); }`,
  "an unknown value": `function f(l) { l.acquire(); } declare const k: any; k.acquire();`,
  "a queue of somebody else": `import { Queue } from "./queue.ts"; new Queue().put(1);`,
  "shutdown() that does not wait": `new futures.ThreadPoolExecutor().shutdown({ wait: false });`,
};

for (const [what, source] of Object.entries(FINE)) {
  Deno.test(`no-floating-wait leaves ${what} in peace`, () => {
    assertEquals(lint(source).found, []);
  });
}

Deno.test("no-floating-wait puts the await in where one may stand", () => {
  const { fixed } = lint(`const l = new Lock();
    l.acquire();
    async function f() { if (x) l.acquire(); if (!l.acquire()) return; }
    function g() { l.acquire(); }`);
  assertEquals(
    fixed,
    `const l = new Lock();
    await l.acquire();
    async function f() { if (x) await l.acquire(); if (!await l.acquire()) return; }
    function g() { l.acquire(); }`,
  );
});

Deno.test("deno lint with the plugin is red on forgotten awaits, and says what to do", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const config = {
      lint: { plugins: [fileURLToPath(new URL("../lib/lint.ts", import.meta.url))] },
    };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    const url = new URL("../lib/threading.ts", import.meta.url).href;
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { Lock } from ${JSON.stringify(url)};\nconst lock = new Lock();\nlock.acquire();\n`,
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["lint", "main.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(code, 1, text);
    assertStringIncludes(text, "switchyard/no-floating-wait");
    assertStringIncludes(text, "Lock.acquire() is not awaited: what follows does not wait for it");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
