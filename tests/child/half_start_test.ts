/**
 * Starts that throw: nothing of what they had made by then is left, so the program ends.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { run } from "../examples/_example.ts";
import { LACKS, unless } from "../_help/lacks.ts";

const PROGRAM = fileURLToPath(new URL("./_half_start.ts", import.meta.url));

for (
  const [name, error] of [
    ["Thread", "ShareError"],
    ["killable Thread", "ShareError"],
    ["daemon Thread", "ShareError"],
    ["Thread from a spare", "ShareError"],
    ["Thread started by a thread", "ShareError"],
    ["Timer", "ShareError"],
    ["ThreadPool with bad initArgs", "TypeError"],
    ["ThreadPoolExecutor with bad initArgs", "TypeError"],
    ["Process in no folder", "NotFound"],
    ["Process with more permissions than there are", "TypeError"],
    ["Pool in a program without --allow-run", "NotCapable"],
  ]
) {
  Deno.test({
    ...unless(LACKS.proc, `${name} that fails to start leaves nothing, and the program ends`),
    async fn() {
      const flags = name.includes("without --allow-run")
        ? ["--allow-read", "--allow-write", "--allow-net", "--allow-ffi", "--allow-env"]
        : ["-A"];
      const command = [Deno.execPath(), "run", ...flags, "--no-prompt", PROGRAM, name];
      const { code, lines, leftovers } = await run(name, [], { command });
      assertEquals([code, lines, leftovers], [0, [error, "0 descriptors more"], []]);
    },
  });
}
