import { assert, assertEquals } from "@std/assert";
import { meetParent, Rendezvous } from "../../lib/child/process/rendezvous.ts";

const isWindows = Deno.build.os === "windows";

Deno.test({
  name: "Rendezvous.meet() finds the child behind strangers who say nothing, or the wrong thing",
  ignore: isWindows,
  async fn() {
    const rendezvous = new Rendezvous(new Uint8Array([1, 2, 3]));
    const path = `${rendezvous.folder}/socket`;
    const silent = await Deno.connect({ transport: "unix", path });
    const wrong = await Deno.connect({ transport: "unix", path });
    await wrong.write(new Uint8Array(32));
    const met = rendezvous.meet();
    const { link, boot } = await meetParent(
      rendezvous.folder,
      Uint8Array.fromHex(rendezvous.keyFor(false)),
    );
    const parent = await met;
    assert(parent !== undefined);
    assertEquals(boot, new Uint8Array([1, 2, 3]));
    parent.send(new Uint8Array([4]));
    const { value } = await link.frames().next();
    assertEquals(value, new Uint8Array([4]));
    // Both have been turned away.
    assertEquals(await silent.read(new Uint8Array(1)), null);
    assertEquals(await wrong.read(new Uint8Array(1)).catch(() => null), null);
    for (const end of [silent, wrong, link, parent]) end.close();
  },
});

Deno.test({
  name: "Rendezvous.meet() gives nobody once it has been ended",
  ignore: isWindows,
  async fn() {
    const rendezvous = new Rendezvous(new Uint8Array());
    const met = rendezvous.meet();
    const guest = await Deno.connect({ transport: "unix", path: `${rendezvous.folder}/socket` });
    rendezvous.end();
    assertEquals(await met, undefined);
    guest.close();
  },
});
