/**
 * Mistakes that pass every check and are told on stderr: an await that was forgotten, and an object
 * that a child made anew. Here are programs, as each place is told once in a program.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";

/** How long a program may take, in ms: some start five processes, and all cores may be busy. */
const LIMIT = 60_000;
const PROGRAMS = {
  forgotten: new URL("_forgotten_program.ts", import.meta.url),
  waits: new URL("_forgotten_waits_program.ts", import.meta.url),
  anew: new URL("_made_anew_program.ts", import.meta.url),
};

/** Runs a program, which ends with `expected`; gives what it tells, line by line. */
async function run(
  program: keyof typeof PROGRAMS,
  mode: string,
  expected = 0,
): Promise<string[]> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(PROGRAMS[program]), mode],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    signal: AbortSignal.timeout(LIMIT),
  }).output();
  const lines = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line !== "" && !line.startsWith("Check "));
  assertEquals(code, expected, lines.join("\n"));
  return lines;
}

/** The places of a program that are marked so, each with what is told of it. */
async function marks(program: keyof typeof PROGRAMS, mark: RegExp): Promise<[string, string][]> {
  const url = PROGRAMS[program];
  const text = await Deno.readTextFile(url);
  return text.split("\n").flatMap((line, k): [string, string][] => {
    const found = mark.exec(line);
    return found === null ? [] : [[`${url}:${k + 1}:`, found[1]!]];
  });
}

const FORGOTTEN: [string, string[]][] = [
  ["threads", ["Lock(A)"]],
  ["processes", ["Lock(B)"]],
  ["manager", ["LockProxy", "SemaphoreProxy"]],
  ["going on", ["Lock(C)"]],
  ["often", ["Semaphore(D)"]],
  ["here", ["RLock(E)", "Lock(F)", "BoundedSemaphore", "Lock(G)"]],
];

for (const [mode, objects] of FORGOTTEN) {
  Deno.test(`acquire() that nobody awaits is told once for each place [${mode}]`, async () => {
    const lines = await run("forgotten", mode);
    const places = await marks("forgotten", /\/\/ told: (.+)$/);
    const told = lines.filter((line) => line !== "it went on");
    assertEquals(told.length, objects.length, lines.join("\n"));
    for (const object of objects) {
      const [place] = places.find(([, marked]) => marked === object)!;
      const line = told.find((line) => line.includes(place));
      assert(line !== undefined, `${place} is not in:\n${lines.join("\n")}`);
      assertMatch(
        line,
        /^Forgotten await: acquire\(\) at .+ took .+, and nobody awaited it: write "/,
      );
      assert(line.includes(` took ${object}, `), line);
    }
    if (mode === "going on") assertEquals(lines.at(-1), "it went on");
  });
}

Deno.test("acquire() that is awaited, raced, returned or given a then() is in order", async () => {
  assertEquals(await run("forgotten", "in order"), []);
});

for (const mode of ["script", "thread", "process", "manager", "many"]) {
  const name =
    `join(), wait() and put() that nobody ever awaits are told once at the end [${mode}]`;
  Deno.test(name, async () => {
    const lines = await run("waits", mode);
    const places = await marks("waits", new RegExp(`// (?:\\w+ )*${mode}(?: \\w+)*: (.+)$`));
    assert(places.length > 0);
    for (const [place, mark] of places) {
      const [, title, call, method] = /^(\S+) (\w+\.(\w+)\(.*)$/.exec(mark)!;
      const line = lines.find((line) => line.includes(place));
      assert(line !== undefined, `${place} is not in:\n${lines.join("\n")}`);
      assert(line.startsWith(`Forgotten await: ${method}() at ${place}`), line);
      // A queue of processes has no other name than its class; it may be of the other class here.
      const of = line.replace("JoinableQueue", "Queue");
      assert(of.endsWith(` was not awaited: write "await ${call}" for ${title}`), line);
    }
    assertEquals(lines.length, places.length, lines.join("\n"));
  });
}

Deno.test("join(), wait() and put() that are done at once, awaited, raced, returned or given a then() are in order", async () => {
  assertEquals(await run("waits", "in order"), []);
});

Deno.test("wait() is not told where the program or task fails before it could await it", async () => {
  const lines = await run("waits", "failed", 3);
  assert(lines.some((line) => line.includes("on its way")), lines.join("\n"));
  assertEquals(lines.filter((line) => line.includes("Forgotten")), []);
});

for (const mode of ["thread", "process"]) {
  const name =
    `An object that a child made anew by importing the main module is told once [${mode}]`;
  Deno.test(name, async () => {
    const lines = await run("anew", mode);
    const places = await marks("anew", new RegExp(`// (?:both|${mode}): (.+)$`));
    for (const [place, object] of places) {
      const line = lines.find((line) => line.includes(place));
      assert(line !== undefined, `${place} is not in:\n${lines.join("\n")}`);
      assert(line.startsWith(`Made anew: ${object} of `), line);
      assert(line.endsWith("give it as an argument"), line);
    }
    assertEquals(lines.length, places.length, lines.join("\n"));
  });
}
