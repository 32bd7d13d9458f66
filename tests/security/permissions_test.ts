/**
 * A child may never do more than its parent, nor more than it was given.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type Permissions, Process } from "../../lib/multiprocessing.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { idle, LEAST } from "./_targets.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = new URL("./_permissions_program.ts", import.meta.url).href;
const READ = { ...LEAST, read: [ROOT] };

/** What a parent needs to start a process, beside what a test is about. */
const START = ["--allow-read", "--allow-write", "--allow-run"];

interface Try {
  /** The parent's flags. */
  flags: string[];
  permissions?: Permissions;
  options?: object;
  env?: Record<string, string>;
  stdin?: string;
}

/** What becomes of a child's attempt. */
async function attempt(what: string, item: string, how: Try): Promise<string> {
  const options = { permissions: how.permissions, ...how.options };
  const program = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      ...how.flags,
      PROGRAM,
      what,
      item,
      JSON.stringify(options),
    ],
    env: { NO_COLOR: "1", ...how.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(30_000),
  }).spawn();
  const writer = program.stdin.getWriter();
  await writer.write(new TextEncoder().encode(how.stdin ?? ""));
  await writer.close();
  const { stdout, stderr } = await program.output();
  const text = new TextDecoder();
  return text.decode(stdout).trim() || text.decode(stderr);
}

// Environment

for (const flag of ["--deny-env=SECRET", "--ignore-env=SECRET"]) {
  for (const item of ["*", "S*", "SECRET*"]) {
    Deno.test(`env: ["${item}"] of a parent with --allow-env ${flag} is refused, by name and reason`, async () => {
      const flags = [...START, "--allow-net", "--allow-env", flag];
      const env = { SECRET: "hidden" };
      const permissions = { ...READ, env: [item] };
      assertEquals(
        await attempt("env", "SECRET", { flags, permissions, env }),
        `NotCapable: Cannot start a process: permissions.env[0] "${item}" cannot be passed on: ` +
          "a pattern may cover what its parent is denied",
      );
    });
  }
}

Deno.test("env: patterns of a parent whose own list they are in are refused: a denial could hide behind them", async () => {
  const flags = [...START, "--allow-net", "--allow-env=S*", "--deny-env=SECRET"];
  const permissions = { ...READ, env: ["S*"] };
  assertStringIncludes(
    await attempt("env", "SECRET", { flags, permissions, env: { SECRET: "hidden" } }),
    "a pattern may cover what its parent is denied",
  );
});

Deno.test("env: names pass on one by one, and patterns of a parent that may read all", async () => {
  const env = { SECRET: "hidden", SHOWN: "yes" };
  const flags = [...START, "--allow-net", "--allow-env", "--deny-env=SECRET"];
  const permissions = { ...READ, env: ["SHOWN"] };
  assertEquals(await attempt("env", "SHOWN", { flags, permissions, env }), "yes");
  assertMatch(
    await attempt("env", "SECRET", { flags, permissions, env }),
    /^NotCapable: Requires env/,
  );
  const patterns = { ...READ, env: ["S*"] };
  assertEquals(await attempt("env", "SHOWN", { flags: ["-A"], permissions: patterns, env }), "yes");
});

// Net

for (
  const [item, why] of [
    ["127.0.0.0/8", "a range may cover what its parent is denied"],
    ["localhost", "its parent is denied some addresses, so only IP:PORT can be told from them"],
    [
      "localhost:PORT",
      "its parent is denied some addresses, so only IP:PORT can be told from them",
    ],
    ["127.1:PORT", "its parent is denied some addresses, so only IP:PORT can be told from them"],
    [
      "2130706433:PORT",
      "its parent is denied some addresses, so only IP:PORT can be told from them",
    ],
    ["127.0.0.1", "its parent is denied some addresses, so only IP:PORT can be told from them"],
    ["*.example.com", "a pattern may cover what its parent is denied"],
  ] as const
) {
  Deno.test(`net: ["${item}"] of a parent with a denied address is refused`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const host = item.replace("PORT", `${port}`);
    // Denied on one port only: without a port an address says nothing of that.
    const flags = [...START, "--allow-net", `--deny-net=127.0.0.1:${port}`];
    assertEquals(
      await attempt("connect", `127.0.0.1:${port}`, {
        flags,
        permissions: { ...READ, net: [host] },
      }),
      `NotCapable: Cannot start a process: permissions.net[0] "${host}" cannot be passed on: ${why}`,
    );
  });
}

Deno.test("net: an address and port that is not denied passes on, and no other with it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const address = `127.0.0.1:${port}`;
  const permissions = { ...READ, net: [address] };
  const near = [...START, "--allow-net", "--deny-net=127.0.0.1:1"];
  assertEquals(await attempt("connect", address, { flags: near, permissions }), "connected");
  assertMatch(
    await attempt("connect", "127.0.0.1:1", { flags: near, permissions }),
    /^NotCapable: Requires net access/,
  );
  const denied = [...START, "--allow-net", `--deny-net=${address}`];
  assertStringIncludes(
    await attempt("connect", address, { flags: denied, permissions }),
    `its parent does not have the permission net=${address}`,
  );
});

Deno.test("net: names and ranges pass on where the parent is denied nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  for (const item of [`localhost:${port}`, "127.0.0.0/8"]) {
    const permissions = { ...READ, net: [item] };
    const address = item.startsWith("local") ? item : `127.0.0.1:${port}`;
    assertEquals(await attempt("connect", address, { flags: ["-A"], permissions }), "connected");
  }
});

// Import

const MODULES: [module: string, refused: RegExp][] = [
  ["https://esm.sh/left-pad", /Requires import access to "esm.sh:443"/],
  [
    "https://raw.githubusercontent.com/a/b/c.ts",
    /Requires import access to "raw.githubusercontent.com:443"/,
  ],
  ["jsr:@std/assert@1.0.0", /Requires import access to "jsr.io:443"/],
  ["npm:left-pad@1.3.0", /--no-npm is specified/],
];

for (const [module, refused] of MODULES) {
  for (const permissions of [READ, { ...READ, import: ["example.com"] }] as const) {
    Deno.test(`import: ${JSON.stringify(permissions.import)} lets a child import nothing from ${module}`, async () => {
      assertMatch(await attempt("import", module, { flags: ["-A"], permissions }), refused);
    });
  }
  Deno.test(`a child of a parent with --allow-import=example.com imports nothing from ${module}`, async () => {
    const flags = [...START, "--allow-net", "--allow-import=example.com"];
    assertMatch(await attempt("import", module, { flags }), refused);
  });
}

const USUAL = "deno.land:443,jsr.io:443,esm.sh:443,raw.githubusercontent.com:443,example.com";

Deno.test("a child imports from Deno's usual hosts if its parent may, less those that it is denied", async () => {
  const flags = [...START, "--allow-net"];
  const granted = (await attempt("hosts", USUAL, { flags })).split(",");
  assertEquals(granted, ["granted", "granted", "granted", "granted", "prompt"]);
  const denied = ["-A", "--deny-import=esm.sh:443"];
  assertEquals((await attempt("hosts", USUAL, { flags: denied })).split(",")[2], "prompt");
  const all = await attempt("hosts", USUAL, { flags: ["-A"] });
  assertEquals(all, "granted,granted,granted,granted,granted");
});

Deno.test("import: a list passes on what the parent has", async () => {
  const flags = [...START, "--allow-net", "--allow-import=example.com,example.org"];
  const permissions = { ...READ, import: ["example.org"] };
  assertEquals(
    await attempt("hosts", "example.org,example.com,esm.sh:443", { flags, permissions }),
    "granted,prompt,prompt",
  );
  assertStringIncludes(
    await attempt("nothing", "", { flags, permissions: { ...READ, import: ["esm.sh"] } }),
    "its parent does not have the permission import=esm.sh",
  );
});

// All eight

Deno.test("what a child is not given it is denied, of every kind", async () => {
  assertEquals(
    await attempt("states", "", { flags: ["-A"], permissions: READ }),
    // Of read, write, net and env it has what starting takes; no import that there is.
    "prompt,prompt,prompt,prompt,denied,denied,denied,prompt",
  );
});

Deno.test({
  ...unless(
    LACKS.modes,
    "a temporary folder that would split a flag is refused, and grants nothing",
  ),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${folder}/a,/etc`, { recursive: true });
      assertEquals(
        (await attempt("nothing", "", {
          flags: ["-A"],
          permissions: READ,
          env: { TMPDIR: `${folder}/a,/etc` },
        })).replace(/received .*/, "received it"),
        "TypeError: Cannot start a process: the temporary folder must be without commas, received it",
      );
      assertEquals([...Deno.readDirSync(`${folder}/a,/etc`)], []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

// Standard input

Deno.test("a child with fewer permissions reads no standard input, unless it is told to", async () => {
  const stdin = "the user's password";
  const flags = ["-A"];
  assertEquals(await attempt("stdin", "", { flags, permissions: READ, stdin }), '""');
  const options = { stdin: "inherit" };
  assertEquals(
    await attempt("stdin", "", { flags, permissions: READ, options, stdin }),
    JSON.stringify(stdin),
  );
  assertEquals(await attempt("stdin", "", { flags, stdin }), JSON.stringify(stdin));
});

// Variables

const SECRET = "hunter2";
const BAD_ENV: [env: unknown, message: string][] = [
  [{ [`A=${SECRET}`]: SECRET }, 'a name in env must be without "=", one begins with "A"'],
  [{ "": SECRET }, "a name in env must not be empty"],
  [{ "A\0B": SECRET }, 'a name in env must be without NUL, received "A\\u0000B"'],
  [{ TOKEN: `${SECRET}\0` }, "env.TOKEN must be without NUL"],
  [{ TOKEN: [SECRET] }, "env.TOKEN must be a string, received object"],
  [{ SWITCHYARD_KEY: SECRET }, "env.SWITCHYARD_KEY is what the toolkit gives each child itself"],
  [[SECRET], "env must be an object of strings"],
  [SECRET, "env must be an object of strings"],
];

for (const [env, message] of BAD_ENV) {
  Deno.test(`Process refuses variables without showing their values: ${message}`, () => {
    assertThrows(
      () => new Process(idle, { env: env as Record<string, string> }),
      TypeError,
      `Cannot create a process: ${message}`,
    );
    try {
      new Process(idle, { env: env as Record<string, string> });
    } catch (error) {
      assertEquals(`${error}`.includes(SECRET), false);
    }
  });
}

Deno.test("Process refuses arguments that are no list without showing them", () => {
  const options = { args: SECRET } as never;
  try {
    new Process(idle as never, options);
    throw new Error("not refused");
  } catch (error) {
    assertEquals(
      `${error}`,
      "TypeError: Cannot create a process: args must be an array, received one string",
    );
  }
});
