/**
 * What a child is told, and what it says, is between it and its parent: whatever siblings may do in
 * the temporary folder, and whoever else is on the machine.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Process } from "../../lib/multiprocessing.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { within } from "../_help/within.ts";
import { childKey, childOfChild, environ, LEAST, tellMuch } from "./_targets.ts";

const LIMIT = 30_000;
const PROGRAM = new URL("./_boot_program.ts", import.meta.url).href;

interface Said {
  /** What became of each victim. */
  results: string[];
  /** What the attacker has done. */
  did: string[];
  stderr: string;
}

/** Runs an attack in a temporary folder of its own. */
async function attacked(name: string): Promise<Said> {
  const folder = await Deno.makeTempDir();
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", PROGRAM, name, folder],
      env: { TMPDIR: folder, NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(LIMIT),
    }).output();
    const text = new TextDecoder();
    const said = text.decode(stdout).trim();
    if (said === "") throw new Error(text.decode(stderr));
    return { ...JSON.parse(said), stderr: text.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a process returns, when it has ended. */
async function resultOf<R>(process: Process<R>): Promise<R> {
  const result = await within(LIMIT, process.start().result());
  await process.join();
  return result;
}

const GOOD = "told 28";
/**
 * What becomes of one whose link somebody has cut, or come between: whether its parent hears of the
 * one or the other first goes by how fast the machine is.
 */
const PARTED =
  /^(?:TypeError: Cannot read the link: somebody has come between its two ends|WorkerLostError: .* ended with exit code [01] before it gave the result)/;

/** Checks that nobody has been heard in a victim's name. */
function assertTrue(results: string[]): void {
  assertEquals(results.filter((result) => /FORGED|EVIL/.test(result)), []);
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ ...unless(LACKS.unixSockets, name), fn });
}

test("a sibling that reads the temporary folder learns nothing of a child's arguments, nor of a manager", async () => {
  const { results, did } = await attacked("read");
  assertEquals(results, [GOOD, GOOD, GOOD, GOOD]);
  // It has seen them, and there was nothing to see.
  assert(did.length >= 4);
  assertEquals(did.filter((word) => word !== "acted"), []);
});

for (
  const [name, what] of [
    ["replace", "replaces the boot does not choose what the child runs"],
    ["alter", "alters the boot does not go unseen"],
  ] as const
) {
  test(`a sibling that ${what}: its parent is told`, async () => {
    const { results, did, stderr } = await attacked(name);
    assert(did.includes("acted"), `${did}`);
    assertTrue(results);
    for (const result of results) {
      if (result === GOOD) continue; // It came too late.
      assertMatch(result, /^WorkerLostError: .* ended with exit code 1 before it gave the result/);
      assertMatch(stderr, /Cannot start the process: .*its boot was replaced or altered/);
    }
    assert(results.some((result) => result !== GOOD));
  });
}

test("a sibling that connects in a child's place is turned away", async () => {
  const { results, did } = await attacked("forge");
  assert(did.includes("acted"), `${did}`);
  assertTrue(results);
  assertEquals(results, [GOOD, GOOD, GOOD, GOOD]);
});

test("a sibling that comes between can part a child from its parent, and not speak in its name", async () => {
  const { results, did } = await attacked("relay");
  assert(did.includes("acted"), `${did}`);
  assertTrue(results);
  for (const result of results) {
    if (result === GOOD) continue; // It came too late.
    assertMatch(result, PARTED);
  }
  assert(results.some((result) => result !== GOOD));
});

test("a sibling that comes between and passes all on hears nothing", async () => {
  const { results, did } = await attacked("listen");
  assert(did.includes("acted"), `${did}`);
  assert(!did.includes("heard the result"));
  // What it passes on may come too late, or find nobody between two of its steps.
  for (const result of results) if (result !== GOOD) assertMatch(result, PARTED);
  assert(results.includes(GOOD), `${results}`);
});

Deno.test({
  name: "another user reads neither the folder where a child meets its parent nor its key",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0, // only root can be another
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.chmod(folder, 0o755);
      // It starts while the other looks.
      const other = new Deno.Command("/bin/sh", {
        args: [
          "-c",
          `until ls -d ${folder}/switchyard-*; do :; done
          for k in 1 2 3 4 5 6 7 8 9 10; do
            cat ${folder}/switchyard-*/boot; ls ${folder}/switchyard-*
            grep -az SWITCHYARD_KEY /proc/[0-9]*/environ
          done 2>/dev/null`,
        ],
        uid: 65534,
        gid: 65534,
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const { code } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", PROGRAM, "read", folder],
        env: { TMPDIR: folder },
        stdin: "null",
        stdout: "null",
        signal: AbortSignal.timeout(LIMIT),
      }).output();
      assertEquals(code, 0);
      const { stdout } = await within(LIMIT, other.output());
      // It has seen that there is a folder, by its name, and nothing else.
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      assertMatch(lines[0]!, /switchyard-/);
      assertEquals(lines.filter((line) => !/^\S+\/switchyard-\d+-\d+-\w+$/.test(line)), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

// The key

test("a child's key is gone when the first code of the user's runs, for it and for its own children", async () => {
  for (const permissions of [{}, LEAST] as const) {
    assertEquals(await resultOf(new Process(childKey, { permissions })), undefined);
  }
  assertEquals(await resultOf(new Process(childOfChild)), [undefined, undefined, ""]);
});

test("a child may not read its environment from /proc, whatever files it may read", async () => {
  const permissions = { ...LEAST, read: true };
  assertMatch(await resultOf(new Process(environ, { permissions })), /^NotCapable/);
});

test("a variable of the key's name that was there before is the child's, if it may read its environment", async () => {
  Deno.env.set("SWITCHYARD_KEY", "mine");
  try {
    assertEquals(await resultOf(new Process(childKey)), "mine");
    assertEquals(await resultOf(new Process(childOfChild)), ["mine", "mine", "mine"]);
    assertEquals(await resultOf(new Process(childKey, { permissions: LEAST })), undefined);
  } finally {
    Deno.env.delete("SWITCHYARD_KEY");
  }
});

test("a child that is started by hand, without a key, says so", async () => {
  const entry = new URL("../../lib/child/process/entry.ts", import.meta.url).href;
  const folder = await Deno.makeTempDir();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-config", entry, folder],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 1);
  assertMatch(
    new TextDecoder().decode(stderr),
    /Cannot start the process: Error: its environment has no SWITCHYARD_KEY/,
  );
});

test("reports and results of any size come through the seal", async () => {
  const reports: number[] = [];
  const child = new Process(tellMuch, {
    args: [[0, 1, 63, 64, 65, 100_000, 3_000_001]],
    permissions: LEAST,
    onReport: (bytes: Uint8Array) => reports.push(bytes.length),
  });
  const bytes = await resultOf(child);
  assertEquals(reports, [0, 1, 63, 64, 65, 100_000, 3_000_001]);
  assertEquals(bytes.length, 3_000_001);
  assert(bytes.every((byte, k) => byte === (k & 0xff)));
});
