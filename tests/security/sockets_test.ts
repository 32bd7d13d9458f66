/**
 * Private sockets, when strangers come: those who have no token keep nobody out, whatever they do.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { delay } from "@std/async";
import { fileURLToPath } from "node:url";
import { makePrivateFolder } from "../../lib/channel/socket/private_folder.ts";
import { connect, newToken, PrivateSocket } from "../../lib/channel/socket/private_socket.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { within } from "../_help/within.ts";

const PLACES = 32;
const PATIENCE = 5_000;

function test(name: string, fn: () => Promise<void>, lack?: string, limit = 20_000): void {
  Deno.test({ ...unless(lack, name), fn: () => within(limit, fn()) });
}

/** A socket whose guests are gathered. */
function open(): {
  socket: PrivateSocket;
  token: Uint8Array<ArrayBuffer>;
  guests: Deno.Conn[];
  end(): void;
} {
  const [token, guests] = [newToken(), [] as Deno.Conn[]];
  const socket = new PrivateSocket(makePrivateFolder(), token, (conn) => void guests.push(conn));
  const end = () => {
    socket.end();
    for (const guest of guests) guest.close();
  };
  return { socket, token, guests, end };
}

/** Somebody who connects and says nothing, or these bytes. */
async function stranger({ folder }: PrivateSocket, bytes = new Uint8Array()): Promise<Deno.Conn> {
  return await connect(folder, bytes);
}

async function isTurnedAway(conn: Deno.Conn): Promise<boolean> {
  return await conn.read(new Uint8Array(1)).catch(() => null) === null;
}

test("PrivateSocket lets in who shows the token, and nobody else", async () => {
  const { socket, token, guests, end } = open();
  const wrong = await Promise.all(
    [0, 15, 31].map((at) => stranger(socket, token.with(at, token[at]! ^ 1))),
  );
  for (const conn of wrong) {
    assertEquals(await isTurnedAway(conn), true);
    conn.close();
  }
  // In two parts, with what comes behind it.
  const right = await stranger(socket, token.slice(0, 10));
  await right.write(new Uint8Array([...token.slice(10), 7]));
  while (guests.length === 0) await delay(1);
  const first = new Uint8Array(10);
  assertEquals(await guests[0]!.read(first), 1);
  assertEquals(first[0], 7);
  right.close();
  end();
});

test("PrivateSocket turns the oldest stranger away when there are too many", async () => {
  const { socket, token, guests, end } = open();
  const silent: Deno.Conn[] = [];
  for (let k = 0; k < PLACES + 3; k++) silent.push(await stranger(socket));
  const right = await stranger(socket, token);
  while (guests.length === 0) await delay(1);
  for (const conn of silent.slice(0, 3)) assertEquals(await isTurnedAway(conn), true);
  // The last is there still: it shows the token.
  await silent.at(-1)!.write(token);
  while (guests.length === 1) await delay(1);
  for (const conn of [...silent, right]) conn.close();
  end();
});

test("PrivateSocket turns a stranger away that takes too long", async () => {
  const { socket, token, end } = open();
  const began = performance.now();
  const slow = await stranger(socket, token.slice(0, 31));
  assertEquals(await isTurnedAway(slow), true);
  const took = performance.now() - began;
  assert(took >= PATIENCE - 50, `${took}`);
  assertLess(took, PATIENCE + 3_000);
  slow.close();
  end();
});

test("PrivateSocket.settled() waits for those who came before, and for no stranger for long", async () => {
  const { socket, token, guests, end } = open();
  const silent = await stranger(socket);
  const right = await stranger(socket, token);
  const began = performance.now();
  await Promise.all([socket.settled(), socket.settled(), socket.settled()]);
  assertEquals(guests.length, 1);
  assertLess(performance.now() - began, 2 * 2_000 + 500);
  silent.close();
  right.close();
  end();
  await socket.settled();
});

/** Starts a program with few open files in a temporary folder of its own. */
function program(how: string, folder: string): {
  ask: (what: string) => Promise<string>;
  ready: Promise<string>;
  end: () => Promise<Deno.CommandStatus>;
} {
  const script = fileURLToPath(new URL("./_sockets_program.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const run = [Deno.execPath(), "run", "-A", "--no-check", "--config", config, script, how];
  const child = new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 160; exec "$@"', "sh", ...run],
    stdin: "piped",
    stdout: "piped",
    env: { TMPDIR: folder, NO_COLOR: "1" },
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  const line = async () => (await lines.read()).value?.trim() ?? "gone";
  return {
    ready: line(),
    async ask(what) {
      await writer.write(new TextEncoder().encode(what));
      return await line();
    },
    async end() {
      await writer.write(new TextEncoder().encode("end")).catch(() => {});
      const status = await child.status;
      await writer.close().catch(() => {});
      await lines.cancel();
      return status;
    },
  };
}

/** Opens connections to all sockets below a folder, and holds them. */
const HOG = `
  const [folder, count] = Deno.args;
  const held = [];
  let open = 0;
  console.log("begun");
  for (;;) {
    for (const { name } of Deno.readDirSync(folder)) {
      for (let k = 0; k < Number(count); k++) {
        const path = folder + "/" + name + "/socket";
        const conn = await Deno.connect({ transport: "unix", path }).catch(() => undefined);
        if (conn === undefined) break;
        held.push(conn);
        open++;
      }
    }
    if (open > 0) console.log(open);
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (open >= Number(count)) break;
  }
  setInterval(() => {}, 1000);
`;

for (const how of ["pipe", "manager"]) {
  test(
    `1,100 silent connections to a program with 160 open files end nothing [${how}]`,
    async () => {
      const folder = await Deno.makeTempDir();
      const victim = program(how, folder);
      try {
        assertEquals(await victim.ready, "ready");
        assertEquals(await victim.ask("talk"), "hello");
        const hog = new Deno.Command("sh", {
          args: [
            "-c",
            'ulimit -n 4096; exec "$@"',
            "sh",
            ...[Deno.execPath(), "run", "-A", "--no-config"],
            `data:text/javascript,${encodeURIComponent(HOG)}`,
            ...[folder, "1100"],
          ],
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const said = hog.stdout.pipeThrough(new TextDecoderStream()).getReader();
        let heard = "";
        while (!heard.includes("1100") && !/\n[1-9]/.test(heard)) {
          const { value, done } = await said.read();
          if (done) break;
          heard += value;
        }
        // While they are there, and when they have gone.
        assertEquals(await victim.ask("talk"), "hello");
        hog.kill("SIGKILL");
        await said.cancel();
        await hog.status;
        assertEquals(await victim.ask("talk"), "hello");
      } finally {
        const { code } = await victim.end();
        assertEquals(code, 0);
        assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), []);
        await Deno.remove(folder, { recursive: true });
      }
    },
    LACKS.posix,
    60_000,
  );
}

test(
  "PrivateSocket goes on when there are no open files left",
  async () => {
    const folder = await Deno.makeTempDir();
    const library = new URL("../../lib/", import.meta.url).href;
    const code = `
    import { makePrivateFolder } from "${library}channel/socket/private_folder.ts";
    import { connect, newToken, PrivateSocket } from "${library}channel/socket/private_socket.ts";
    const token = newToken();
    const met = Promise.withResolvers();
    const socket = new PrivateSocket(makePrivateFolder(), token, met.resolve);
    const files = [];
    // Deno itself falls over where it needs a descriptor for signals, and has none: it has it from
    // now on.
    Deno.addSignalListener("SIGUSR2", () => {});
    try {
      for (;;) files.push(Deno.openSync("/dev/null"));
    } catch {}
    files.pop().close();
    // The one that is free is taken by who connects: nobody can be received.
    const guest = connect(socket.folder, token);
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const file of files) file.close();
    await met.promise;
    (await guest).close();
    socket.end();
    console.log("met");
    Deno.exit(0);`;
    try {
      const { stdout } = await new Deno.Command("sh", {
        args: [
          "-c",
          'ulimit -n 64; exec "$@"',
          "sh",
          ...[Deno.execPath(), "run", "-A", "--no-check", "--no-config"],
          `data:text/typescript,${encodeURIComponent(code)}`,
        ],
        env: { TMPDIR: folder },
        stderr: "inherit",
      }).output();
      assertEquals(new TextDecoder().decode(stdout), "met\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  LACKS.posix,
);
