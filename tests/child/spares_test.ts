import { assertEquals, assertRejects } from "@std/assert";
import { Spares } from "../../lib/child/spares.ts";
import { until } from "../_help/until.ts";

/** Makes children of which only every `good`th lives to stand ready. */
function nursery(good: number, quiet?: number) {
  let made = 0;
  const spares = new Spares<number>(
    () => {
      const lives = ++made % good === 0;
      const never = new Promise<void>(() => {});
      const soon = Promise.resolve();
      return { spare: made, ready: lives ? soon : never, dead: lives ? never : soon };
    },
    () => Promise.resolve(),
    quiet,
  );
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

Deno.test("spares are not made anew while starts come", async () => {
  const { spares, made } = nursery(1, 3_600_000);
  await using _ = await spares.hold(8);
  for (let k = 1; k <= 8; k++) {
    assertEquals(spares.take(), k);
    await new Promise((next) => setTimeout(next, 2));
  }
  assertEquals([spares.take(), made()], [undefined, 8]);
});

Deno.test("spares are made anew when no starts come any more", async () => {
  const { spares, made } = nursery(1, 1);
  await using _ = await spares.hold(4);
  for (let k = 1; k <= 4; k++) assertEquals(spares.take(), k);
  await until(() => made() === 8);
  for (let k = 5; k <= 8; k++) assertEquals(spares.take(), k);
  await until(() => made() === 12);
});

Deno.test("spares that all die are not made anew for ever", async () => {
  let lives = true;
  let made = 0;
  const spares = new Spares<number>(
    () => {
      const [never, soon] = [new Promise<void>(() => {}), Promise.resolve()];
      return { spare: ++made, ready: lives ? soon : never, dead: lives ? never : soon };
    },
    () => Promise.resolve(),
    1,
  );
  await using _ = await spares.hold(2);
  lives = false;
  spares.take();
  await until(() => made === 5);
  await new Promise((next) => setTimeout(next, 20));
  assertEquals(made, 5);
});
