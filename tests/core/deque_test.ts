import { assertEquals } from "@std/assert";
import { Deque } from "../../lib/core/deque.ts";
import { randoms } from "../_help/random.ts";

Deno.test("Deque does what an array does, in every order of calls", () => {
  const random = randoms(7);
  const deque = new Deque<number>();
  const model: number[] = [];
  for (let k = 0; k < 20_000; k++) {
    const what = random(8);
    if (what < 4) {
      deque.push(k);
      model.push(k);
    } else if (what < 7 && model.length > 0) {
      assertEquals(deque.peek(), model[0]);
      assertEquals(deque.pop(), model.shift());
    } else {
      const back = Array.from({ length: random(5) }, (_, n) => -n);
      deque.putBack(back);
      model.unshift(...back);
    }
    assertEquals(deque.length, model.length);
  }
  assertEquals(Array.from({ length: deque.length }, () => deque.pop()), model);
});
