/** What children see of the program's arguments. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { run } from "../examples/_example.ts";

const PROGRAM = fileURLToPath(new URL("./_arguments.ts", import.meta.url));

for (const args of [[], ["a", "--flag", "b c", ""]]) {
  Deno.test({
    name: `Deno.args of every child are the main script's, of which there are ${args.length}`,
    async fn() {
      const command = [Deno.execPath(), "run", "-A", "--no-prompt", PROGRAM, ...args];
      const { code, lines, stderr } = await run("arguments", [], { command });
      const expected = JSON.stringify([args[0], args, args]);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(
        lines.map((line) => line.slice(line.indexOf(": ") + 2)),
        Array(9).fill(expected),
      );
    },
  });
}
