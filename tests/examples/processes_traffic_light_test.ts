import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { ROUNDS, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const FLAGS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-ffi"];
const script = (...args: string[]) => run("processes/traffic_light.ts", args, { flags: FLAGS });

Deno.test(
  unless(LACKS.memory, "processes/traffic_light.ts lets cars cross on green only"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr, leftovers } = await script();
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "8 crossed on green, 0 on red, 1 turned round: orderly");
      assertEquals(code, 0);
      assertEquals(lines.slice(-2), ["car-9 stops", "car-9 turns round: still red after 100 ms"]);
      checkPhases(lines, 3);
      assertEquals(leftovers, []);
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/traffic_light.ts --no-wait lets them cross on red, every time"),
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { code, lines, stderr } = await script("--no-wait", "--rounds", "1");
      assertEquals(stderr, "");
      assertEquals(lines.pop(), "1 crossed on green, 3 on red, 1 turned round: DANGEROUS");
      assertEquals(code, 1);
      assertEquals(lines.slice(lines.indexOf("GREEN")), [
        "GREEN",
        "car-4 crosses on green",
        "RED",
        "car-5 stops",
        "car-5 turns round: still red after 100 ms",
      ]);
    }
  },
);

Deno.test(
  unless(LACKS.memory, "processes/traffic_light.ts has as many cars and rounds as it is told"),
  async () => {
    const { code, lines, stderr } = await script("--cars", "5", "--rounds", "1");
    assertEquals(stderr, "");
    assertEquals(lines.pop(), "6 crossed on green, 0 on red, 1 turned round: orderly");
    assertEquals(code, 0);
    checkPhases(lines, 5);
  },
);

Deno.test({
  ...unless(LACKS.ctrlC, "processes/traffic_light.ts ends cleanly on Ctrl-C"),
  async fn() {
    const { code, signal, stderr, leftovers } = await run("processes/traffic_light.ts", [], {
      detached: true,
      ctrlCAt: "GREEN",
    });
    assertEquals(stderr, "");
    assertEquals([code, signal], [130, null]);
    assertEquals(leftovers, []);
  },
});

Deno.test(unless(LACKS.memory, "processes/traffic_light.ts --lang zh speaks Chinese"), async () => {
  const { code, lines, stderr } = await script("--cars", "1", "--rounds", "1", "--lang", "zh");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(lines.slice(0, 3), ["红灯", "1 号车停下", "绿灯"]);
  assertEquals(lines.at(-1), "绿灯通过 2 辆，闯红灯 0 辆，掉头 1 辆：秩序井然");
});

testUsage("processes/traffic_light.ts", script, ["--cars", "--rounds", "--no-wait", "--lang"], [
  [["--amber"], 'traffic_light: unknown argument "--amber"'],
  [["--cars", "0"], 'traffic_light: --cars must be a whole number from 1 to 100, received "0"'],
  [["--rounds", "x"], 'traffic_light: --rounds must be a whole number from 1 to 100, received "x"'],
]);

/** Stops belong to red, crossings to green: `cars` that had stopped, and one that had not. */
function checkPhases(lines: string[], cars: number): void {
  let light = "";
  let stops = 0;
  let crossings = 0;
  for (const line of lines) {
    if (line === "RED" || line === "GREEN") {
      if (light === "GREEN") assertEquals(crossings, cars + 1);
      if (line === "GREEN") assertEquals(stops, cars);
      light = line;
      stops = crossings = 0;
    } else if (line.endsWith(" stops")) {
      assertEquals(light, "RED", line);
      stops++;
    } else if (line.includes(" crosses ")) {
      assertEquals([light, line.endsWith("crosses on green")], ["GREEN", true], line);
      crossings++;
    }
  }
  assertEquals(light, "RED");
}
