import { assertEquals, assertRejects } from "@std/assert";
import { Spares } from "../../lib/child/spares.ts";

/** Makes children of which only every `good`th lives to stand ready. */
function nursery(good: number) {
  let made = 0;
  const spares = new Spares<number>(() => {
    const lives = ++made % good === 0;
    const never = new Promise<void>(() => {});
    const soon = Promise.resolve();
    return { spare: made, ready: lives ? soon : never, dead: lives ? never : soon };
  }, () => Promise.resolve());
  return { spares, made: () => made };
}

Deno.test("spares that all die before they stand ready are not made for ever", async () => {
  const { spares, made } = nursery(Infinity);
  await assertRejects(() => spares.hold(1), Error, "3 children died before they stood ready");
  assertEquals(made(), 3);
});

Deno.test("spares of which some die before they stand ready are made until there are enough", async () => {
  const { spares, made } = nursery(3);
  await using _ = await spares.hold(4);
  assertEquals(made(), 12);
});
