import { assertEquals } from "@std/assert";
import { hasRabbitMQ, sharedBroker } from "../remote/_broker.ts";
import { run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-net"];
const script = (...args: string[]) => run("network_tasks.ts", args, { flags: FLAGS });
const plates = [1, 2, 3, 4, 5].map((dish) => `dish ${dish} comes to the table`);

Deno.test("network_tasks.ts: every dish comes to the table", async () => {
  const { code, lines, stderr, leftovers } = await script();
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines, [...plates, "5 of 5 dishes came to the table"]);
});

Deno.test("network_tasks.ts --die: another cook gets the dish", async () => {
  const { code, lines, stderr, leftovers } = await script("--die", "1");
  assertEquals([code, stderr, leftovers], [0, "", []]);
  assertEquals(lines[0], "dish 1 comes to the table, cooked at attempt 2");
  assertEquals(lines.slice(1, 5), plates.slice(1));
});

Deno.test("network_tasks.ts --die --retries 0: the dish is lost with its cook", async () => {
  const { code, lines, stderr } = await script("--die", "1", "--retries", "0", "--lang", "zh");
  assertEquals([code, stderr], [1, ""]);
  assertEquals(lines[0], "第 1 个菜丢了：WorkerLostError");
  assertEquals(lines.at(-1), "点了 5 个菜，上桌 4 个");
});

Deno.test({
  name: "network_tasks.ts over RabbitMQ",
  ignore: !hasRabbitMQ,
  async fn() {
    const url = `${await sharedBroker()}/?prefix=tasks${Deno.pid}`;
    const { code, lines, stderr } = await script("--die", "2", "--url", url);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(lines[1], "dish 2 comes to the table, cooked at attempt 2");
  },
});

testUsage("network_tasks.ts", script, ["--url", "--role", "--dishes", "--die", "--lang"], [
  [["--menu"], 'network_tasks: unknown argument "--menu"'],
  [["--role", "x"], 'network_tasks: --role must be all or guest or cook, received "x"'],
  [["--role", "cook"], "network_tasks: --role guest and --role cook need a broker"],
]);
