import { assert, assertEquals, assertMatch } from "@std/assert";
import { ensureDir, exists } from "@std/fs";
import { LACKS, temporaryIn, unless } from "../_help/lacks.ts";

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "makePrivateFolder() sweeps away what processes left that are gone, and nothing else",
  async fn() {
    const parent = await Deno.makeTempDir();
    try {
      const gone = new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" })
        .spawn();
      await gone.status;
      const here = isLinux ? Deno.statSync("/proc/self/ns/pid").ino : 1;
      const kept = ["mine", `switchyard-${Deno.pid}-x`, "switchyard-x", `other-${gone.pid}-x`];
      kept.push(`switchyard-${Deno.pid}-${here}-x`, `switchyard-${gone.pid}-x`);
      for (const name of [`switchyard-${gone.pid}-${here}-x`, ...kept]) {
        Deno.mkdirSync(`${parent}/${name}`, { mode: 0o700 });
      }
      const module = new URL("../../lib/channel/socket/private_folder.ts", import.meta.url).href;
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          `import { makePrivateFolder, removeFolder } from "${module}";
          const folder = makePrivateFolder();
          console.log(Deno.statSync(folder).mode & 0o700);
          removeFolder(folder);
          removeFolder(folder);`,
        ],
        env: { ...temporaryIn(parent), NO_COLOR: "1" },
      }).output();
      assertEquals([code, new TextDecoder().decode(stdout)], [0, `${0o700}\n`]);
      assertEquals([...Deno.readDirSync(parent)].map(({ name }) => name).sort(), kept.sort());
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  },
});

/** Makes a folder in a program of its own; gives that, or the error. */
async function makeWith(tmpdir: string, ...flags: string[]): Promise<string> {
  const module = new URL("../../lib/channel/socket/private_folder.ts", import.meta.url).href;
  const code = `
    import { makePrivateFolder, removeFolder } from "${module}";
    try {
      const folder = makePrivateFolder();
      Deno.listen({ transport: "unix", path: folder + "/socket" }).close();
      console.log(folder);
      removeFolder(folder);
    } catch (error) {
      console.log(error.message);
    }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-config", "--allow-read", "--allow-net", "--allow-env=TMPDIR", ...flags],
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    env: { TMPDIR: tmpdir, NO_COLOR: "1" },
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test({
  ...unless(
    LACKS.unixSockets,
    "makePrivateFolder() makes one in /tmp where a socket's path in TMPDIR would be too long",
  ),
  async fn() {
    const parent = await Deno.makeTempDir();
    try {
      for (const length of [40, 60, 61, 62, 63, 64, 65, 66, 67, 68, 70, 80, 100, 200]) {
        const tmpdir = `${parent}/`.padEnd(length, "x");
        await ensureDir(tmpdir);
        const folder = await makeWith(tmpdir, "--allow-write");
        const isShort = length < 60;
        if (isShort) assert(folder.startsWith(`${tmpdir}/switchyard-`), folder);
        else assertMatch(folder, /^\/.*\/switchyard-/);
        if (length >= 100) assert(folder.startsWith("/tmp/switchyard-"), folder);
        assertEquals([...Deno.readDirSync(tmpdir)], []);
        assert(!await exists(folder));
      }
      const tooLong = `${parent}/`.padEnd(100, "x");
      const message = await makeWith(tooLong, `--allow-write=${tooLong}`);
      assertMatch(
        message,
        /^Cannot make a folder.* at most 10\d bytes, TMPDIR .*set TMPDIR to a shorter/,
      );
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  },
});

Deno.test({
  ...unless(LACKS.unixSockets, "makePrivateFolder() names a TMPDIR that is not there"),
  async fn() {
    const message = await makeWith("/not/there", "--allow-write");
    assertMatch(message, /^Cannot make a folder .*TMPDIR is "\/not\/there".*; set TMPDIR/);
  },
});
