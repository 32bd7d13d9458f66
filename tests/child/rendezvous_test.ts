import { assert, assertEquals } from "@std/assert";
import { connectTo } from "../../lib/channel/socket/place.ts";
import { meetParent, Rendezvous } from "../../lib/child/process/rendezvous.ts";

Deno.test({
  name: "Rendezvous.meet() finds the child behind strangers who say nothing, or the wrong thing",
  async fn() {
    const rendezvous = new Rendezvous(new Uint8Array([1, 2, 3]));
    const silent = await connectTo(rendezvous.folder);
    const wrong = await connectTo(rendezvous.folder);
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
  async fn() {
    const rendezvous = new Rendezvous(new Uint8Array());
    const met = rendezvous.meet();
    const guest = await connectTo(rendezvous.folder);
    rendezvous.end();
    assertEquals(await met, undefined);
    guest.close();
  },
});
