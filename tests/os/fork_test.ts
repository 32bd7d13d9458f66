/** fork() is there to say what takes its place. */
import { assertStringIncludes, assertThrows } from "@std/assert";
import { fork } from "../../lib/os.ts";

Deno.test("fork() throws NotSupported, and says why and what takes its place", () => {
  const { message } = assertThrows(() => fork(), Deno.errors.NotSupported);
  assertStringIncludes(message, "Cannot fork: a Deno is many threads");
  assertStringIncludes(message, "new multiprocessing.Process(target, { args })");
  assertStringIncludes(message, "subprocess.run()");
});
