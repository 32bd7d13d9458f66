/**
 * Mistakes that pass every check and are told on stderr: an await that was forgotten, and an object that a
 * child made anew. Here are programs, as each place is told once in a program.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";

/** How long a program may take, in ms: some start five processes, and all cores may be busy. */
const LIMIT = 60_000;
const PROGRAMS = {
  forgotten: new URL("_forgotten_program.ts", import.meta.url),
  anew: new URL("_made_anew_program.ts", import.meta.url),
};

/** Runs a program; gives what it tells, line by line. */
async function run(program: keyof typeof PROGRAMS, mode: string): Promise<string[]> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(PROGRAMS[program]), mode],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    signal: AbortSignal.timeout(LIMIT),
  }).output();
  const lines = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line !== "" && !line.startsWith("Check "));
  assertEquals(code, 0, lines.join("\n"));
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
