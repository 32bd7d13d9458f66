import { assertEquals } from "@std/assert";

Deno.test({
  name: "makePrivateFolder() sweeps away what processes left that are gone, and nothing else",
  ignore: Deno.build.os !== "linux", // elsewhere there is no /proc to ask
  async fn() {
    const parent = await Deno.makeTempDir();
    try {
      const gone = new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" })
        .spawn();
      await gone.status;
      const kept = ["mine", `switchyard-${Deno.pid}-x`, "switchyard-x", `other-${gone.pid}-x`];
      for (const name of [`switchyard-${gone.pid}-x`, ...kept]) Deno.mkdirSync(`${parent}/${name}`);
      const module = new URL("../../lib/child/private_folder.ts", import.meta.url).href;
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          `import { makePrivateFolder, removeFolder } from "${module}";
          const folder = makePrivateFolder();
          console.log(Deno.statSync(folder).mode & 0o777);
          removeFolder(folder);
          removeFolder(folder);`,
        ],
        env: { TMPDIR: parent, NO_COLOR: "1" },
      }).output();
      assertEquals([code, new TextDecoder().decode(stdout)], [0, `${0o700}\n`]);
      assertEquals([...Deno.readDirSync(parent)].map(({ name }) => name).sort(), kept.sort());
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  },
});
