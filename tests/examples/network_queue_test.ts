import { assertEquals, assertMatch } from "@std/assert";
import { hasRabbitMQ, sharedBroker } from "../remote/_broker.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-net"];
const script = (...args: string[]) => run("network_queue.ts", args, { flags: FLAGS });

/** The orders in the lines of a kind, in their order. */
function ordersIn(lines: string[], pattern: RegExp): string[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).toSorted();
}

Deno.test("network_queue.ts: every order is cooked once", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const orders = ordersIn(lines, /^guest-\d orders (\d\.\d)$/);
  assertEquals(orders.length, 10);
  assertEquals(ordersIn(lines, /^cook-\d cooks (\d\.\d)$/), orders);
  assertEquals(lines.filter((line) => line.endsWith("goes home")).length, 2);
  assertEquals(lines.at(-1), "10 of 10 orders were cooked: nothing is lost");
});

Deno.test("network_queue.ts --die: what was lent comes to another cook", async () => {
  const { code, lines, stderr, leftovers } = await script("--die");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  const [order] = ordersIn(lines, /^cook-1 vanishes with (\d\.\d) in hand$/);
  assertEquals(ordersIn(lines, /^cook-2 cooks (\d\.\d) \(attempt 2\)$/), [order]);
  assertEquals(lines.at(-1), "10 of 10 orders were cooked: nothing is lost");
});

Deno.test("network_queue.ts --die --way get: what was given is lost", async () => {
  const { code, lines, stderr } = await script("--die", "--way", "get", "--lang", "zh");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines.at(-1), "点了 10 个菜，做好 9 个：丢了");
});

Deno.test({
  name: "network_queue.ts over RabbitMQ, in two halves",
  ignore: !hasRabbitMQ,
  async fn() {
    const url = `${await sharedBroker()}/?prefix=kitchen${Deno.pid}`;
    const guests = await script("--role", "guests", "--url", url);
    assertEquals([guests.code, guests.stderr], [0, ""]);
    assertEquals(
      guests.lines.at(-1),
      "10 orders are with the broker; the kitchen closes after them",
    );
    const cooks = await script("--role", "cooks", "--url", url);
    assertEquals([cooks.code, cooks.stderr], [0, ""]);
    assertEquals(
      ordersIn(cooks.lines, /^cook-\d cooks (\d\.\d)$/),
      ordersIn(guests.lines, /^guest-\d orders (\d\.\d)$/),
    );
    assertMatch(cooks.lines.at(-1)!, /^10 orders cooked here$/);
    const whole = await script("--die", "--url", url);
    assertEquals([whole.code, whole.stderr], [0, ""]);
    assertEquals(whole.lines.at(-1), "10 of 10 orders were cooked: nothing is lost");
  },
});

Deno.test("network_queue.ts in a file: the cooks come when the guests have gone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "switchyard-test-" });
  const flags = ["--allow-read", `--allow-write=${folder}`];
  const half = (role: string) =>
    run("network_queue.ts", ["--role", role, "--url", `file:${folder}/kitchen.db`], { flags });
  try {
    const guests = await half("guests");
    assertEquals([guests.code, guests.stderr], [0, ""]);
    const cooks = await half("cooks");
    assertEquals([cooks.code, cooks.stderr], [0, ""]);
    assertEquals(
      ordersIn(cooks.lines, /^cook-\d cooks (\d\.\d)$/),
      ordersIn(guests.lines, /^guest-\d orders (\d\.\d)$/),
    );
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["kitchen.db"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

testUsage("network_queue.ts", script, ["--url", "--role", "--way", "--die", "--lang"], [
  [["--menu"], 'network_queue: unknown argument "--menu"'],
  [["--way", "x"], 'network_queue: --way must be take or get, received "x"'],
  [["--role", "cooks"], "network_queue: --role guests and --role cooks need a broker"],
  [["--die", "--cooks", "1"], "network_queue: --die needs a second cook"],
]);
