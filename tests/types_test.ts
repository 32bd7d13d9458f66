/**
 * What the compiler says of calls: args and results are inferred, and what is forgotten or wrong
 * does not compile.
 *
 * Each case is a small source file; a line that must not compile ends with `// error`. One
 * `deno check` sees them all.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = new URL("../", import.meta.url);

/**
 * Each case begins with this. `exact<T>()(value)` compiles when the type of value is T, not any.
 */
const PROLOGUE = `
import * as threading from "${new URL("lib/threading.ts", root)}";
import * as multiprocessing from "${new URL("lib/multiprocessing.ts", root)}";
import { WORLD } from "${new URL(`lib/WORLD_MODULE.ts`, root)}";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? [] : [never];
export const exact = <E>() => <A>(_value: A, ..._same: Same<A, E>): void => {};
export { multiprocessing, threading, WORLD };

export const none = () => 1;
export const add = (a: number, b: number) => a + b;
export const addLater = async (a: number, b: number) => await Promise.resolve(a + b);
export const greet = (who: string, greeting = "hello") => \`\${greeting}, \${who}\`;
export const perhaps = (n?: number) => n;
export const sum = (...numbers: number[]) => numbers.length;
export const nothing = (_lock: threading.Lock) => {};
`;

/** Cases of a Thread or Process, `WORLD` in the text. */
const CHILD: Record<string, string> = {
  "infers the result of a sync target": `
    exact<Promise<number>>()(new WORLD(add, { args: [1, 2] }).result());
    exact<Promise<string>>()(new WORLD(greet, { args: ["you"] }).result());
    exact<Promise<string>>()(new WORLD(add, { args: [1, 2] }).result()); // error
    exact<Promise<any>>()(new WORLD(add, { args: [1, 2] }).result()); // error
  `,
  "infers the result of an async target": `
    exact<Promise<number>>()(new WORLD(addLater, { args: [1, 2] }).result());
    exact<Promise<Promise<number>>>()(new WORLD(addLater, { args: [1, 2] }).result()); // error
  `,
  "infers the result of a target that returns nothing": `
    const lock = new threading.Lock();
    exact<Promise<void>>()(new WORLD(nothing, { args: [lock] }).result());
  `,
  "keeps the result through start()": `
    exact<Promise<number>>()(new WORLD(add, { args: [1, 2] }).start().result());
  `,
  "needs no args for a target without parameters": `
    exact<Promise<number>>()(new WORLD(none).result());
    new WORLD(none, {});
    new WORLD(none, { name: "idle", daemon: true });
    new WORLD(none, { args: [] });
    new WORLD(none, { args: [1] }); // error
  `,
  "needs no args for a target whose parameters are optional": `
    exact<Promise<number | undefined>>()(new WORLD(perhaps).result());
    new WORLD(perhaps, { args: [1] });
    new WORLD(sum);
    new WORLD(sum, { args: [1, 2, 3] });
    new WORLD(greet, { args: ["you", "good morning"] });
    new WORLD(perhaps, { args: ["1"] }); // error
    new WORLD(sum, { args: [1, "2"] }); // error
  `,
  "does not compile when the args are forgotten": `
    new WORLD(add); // error
    new WORLD(add, {}); // error
    new WORLD(add, { name: "adder" }); // error
    new WORLD(addLater); // error
    new WORLD(greet, { daemon: true }); // error
  `,
  "does not compile with args of a wrong type": `
    new WORLD(add, { args: [1, 2] });
    new WORLD(add, { args: [1, "2"] }); // error
    new WORLD(addLater, { args: ["1", 2] }); // error
    new WORLD(greet, { args: [1] }); // error
    new WORLD(add, { args: 1 }); // error
  `,
  "does not compile with too few or too many args": `
    new WORLD(add, { args: [] }); // error
    new WORLD(add, { args: [1] }); // error
    new WORLD(add, { args: [1, 2, 3] }); // error
  `,
  "does not compile with an unknown or a wrong option": `
    new WORLD(none, { demon: true }); // error
    new WORLD(none, { name: 1 }); // error
    new WORLD(add, { args: [1, 2], daemon: "yes" }); // error
  `,
  "does not compile with a target that is no function": `
    new WORLD("add", { args: [1, 2] }); // error
    new WORLD(undefined); // error
  `,
  "takes a multiprocessing.Lock where a threading.Lock is asked for": `
    new WORLD(nothing, { args: [new threading.Lock()] });
    new WORLD(nothing, { args: [new multiprocessing.Lock()] });
    new WORLD(nothing, { args: [{}] }); // error
  `,
  "takes a target that task() marked": `
    exact<Promise<number>>()(new WORLD(task(import.meta, add), { args: [1, 2] }).result());
    exact<(a: number, b: number) => number>()(task(import.meta, add));
    new WORLD(task(import.meta, add), { args: ["1", 2] }); // error
  `,
  "is Python's join(): whether it has ended": `
    exact<Promise<boolean>>()(new WORLD(none).join({ timeout: 5, signal: AbortSignal.timeout(9) }));
    exact<boolean>()(new WORLD(none).joinSync({ timeout: 5 }));
    new WORLD(none).join(5); // error
  `,
  "can be extended with super(import.meta, ...) and run()": `
    export class Greeter extends WORLD<number> {
      constructor(public who: string) {
        super(import.meta, { name: \`greet-\${who}\` });
      }
      override run(): number {
        return this.who.length;
      }
    }
    exact<Promise<number>>()(new Greeter("you").start().result());
    new Greeter(); // error
    export class Later extends WORLD<string> {
      constructor() {
        super(import.meta);
      }
      override async run(): Promise<string> {
        return await Promise.resolve("late");
      }
    }
    exact<Promise<string>>()(new Later().result());
  `,
  "refuses a run() of another type than the subclass said": `
    export class Greeter extends WORLD<number> {
      constructor() {
        super(import.meta, { args: [1] }); // error
      }
      override run(): string { // error
        return "you";
      }
    }
    export class Nowhere extends WORLD<number> {
      constructor() {
        super({ name: "nowhere" }); // error
      }
    }
  `,
};

/** Cases of a Thread alone. */
const THREAD: Record<string, string> = {
  "infers the result of resultSync()": `
    exact<number>()(new WORLD(add, { args: [1, 2] }).resultSync());
    exact<number>()(new WORLD(addLater, { args: [1, 2] }).resultSync());
  `,
};

/** Cases of a Lock, `WORLD` in the text. */
const LOCK: Record<string, string> = {
  "starmap() of an executor takes lists of the target's arguments": `
    import type { Executor } from "${new URL("lib/futures.ts", root)}";
    declare const executor: Executor;
    const results = executor.starmap(add, [[1, 2], [3, 4]]);
    exact<AsyncIterableIterator<number> & AsyncDisposable>()(results);
    executor.starmap(greet, [["you"], ["me", "hi"]]);
    executor.starmap(addLater, new Map([[1, 2]]));
    executor.starmap(add, [[1]]); // error
    executor.starmap(add, [["1", "2"]]); // error
    executor.starmap(add, [1, 2]); // error
  `,
  "acquire() gives a guard": `
    const lock = new WORLD();
    exact<Promise<threading.Guard>>()(lock.acquire());
    exact<Promise<threading.Guard>>()(lock.acquire({ signal: AbortSignal.timeout(9) }));
    using guard = await lock.acquire();
    exact<boolean>()(guard.abandoned);
  `,
  "acquire() with a timeout may give none": `
    const lock = new WORLD({ name: "till" });
    exact<Promise<threading.Guard | undefined>>()(lock.acquire({ timeout: 5 }));
    exact<Promise<threading.Guard | undefined>>()(lock.acquire({ blocking: false }));
    const signal = AbortSignal.timeout(9);
    exact<Promise<threading.Guard | undefined>>()(lock.acquire({ timeout: 5, signal }));
    (await lock.acquire({ timeout: 5 })).release(); // error
    exact<Promise<threading.Guard>>()(lock.acquire({ timeout: 5 })); // error
  `,
  "acquireSync() alike": `
    const lock = new WORLD();
    exact<threading.Guard>()(lock.acquireSync());
    exact<threading.Guard | undefined>()(lock.acquireSync({ timeout: 5 }));
    exact<threading.Guard | undefined>()(lock.acquireSync({ blocking: false }));
    lock.acquireSync({ signal: AbortSignal.timeout(9) }); // error
    lock.acquireSync({ timeout: 5 }).release(); // error
  `,
  "has the options of acquire() checked": `
    const lock = new WORLD();
    lock.acquire({ timeout: "5" }); // error
    lock.acquire(5); // error
    new WORLD("till"); // error
  `,
  "is a threading.Lock": `
    const lock: threading.Lock = new WORLD();
    exact<boolean>()(lock.locked());
    exact<void>()(lock.release());
  `,
};

/** A case, as a file. */
interface Case {
  name: string;
  source: string;
  /** The lines that must not compile. */
  errors: number[];
}

const cases: Case[] = [
  ...Object.entries(CHILD).flatMap(([name, text]) => [
    caseOf(`Thread ${name}`, text, "Thread", "threading"),
    caseOf(`Process ${name}`, text, "Process", "multiprocessing"),
  ]),
  ...Object.entries(THREAD).map(([name, text]) =>
    caseOf(`Thread ${name}`, text, "Thread", "threading")
  ),
  ...Object.entries(LOCK).flatMap(([name, text]) => [
    caseOf(`Lock ${name} [threads]`, text, "Lock", "threading"),
    caseOf(`Lock ${name} [processes]`, text, "Lock", "multiprocessing"),
  ]),
];

function caseOf(name: string, text: string, world: string, module: string): Case {
  const usesTask = text.includes("task(");
  const imports = usesTask ? `import { task } from "${new URL("lib/task.ts", root)}";` : "";
  const source = `${imports}${PROLOGUE}${text}`
    .replaceAll("WORLD_MODULE", module)
    .replaceAll("WORLD", world);
  const lines = source.split("\n");
  const errors = lines.flatMap((line, k) => line.endsWith("// error") ? [k + 1] : []);
  return { name, source, errors };
}

/** What `deno check` says of all cases: the lines with errors, per case. */
async function check(): Promise<{ lines: Set<number>[]; text: string }> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const files = cases.map((_, k) => `${folder}/case_${k}.ts`);
    await Promise.all(files.map((file, k) => Deno.writeTextFile(file, cases[k].source)));
    const config = fileURLToPath(new URL("deno.json", root));
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--config", config, ...files],
      cwd: root,
      env: { NO_COLOR: "1" },
      stdout: "null",
    }).output();
    const text = new TextDecoder().decode(stderr);
    const lines = files.map(() => new Set<number>());
    for (const [, url, line] of text.matchAll(/^ {4}at (file:\S+):(\d+):\d+$/gm)) {
      const found = lines[files.findIndex((file) => pathToFileURL(file).href === url)];
      assert(found !== undefined, `an error outside the cases:\n${text}`);
      found.add(Number(line));
    }
    return { lines, text };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("types: args and results are inferred and checked", async (t) => {
  const { lines, text } = await check();
  for (const [k, { name, source, errors }] of cases.entries()) {
    await t.step(name, () => {
      const shown = (numbers: Iterable<number>) =>
        [...numbers].map((line) => source.split("\n")[line - 1].trim());
      const found = [...lines[k]].sort((a, b) => a - b);
      assertEquals(
        shown(found),
        shown(errors),
        text.split("\n\n").filter(of(k)).join("\n\n") || text,
      );
    });
  }
});

/** Whether a paragraph of the compiler's is about the case. */
function of(k: number): (paragraph: string) => boolean {
  return (paragraph) => paragraph.includes(`/case_${k}.ts:`);
}
