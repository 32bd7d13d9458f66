import { assertEquals } from "@std/assert";
import { limited as test, run } from "../signal/_program.ts";

const LINES = `
  import { _exit, exit } from "LIB/os.ts";
  function leave() {
    try {
      using _ = { [Symbol.dispose]: () => console.log("disposed") };
      CALL;
    } finally {
      console.log("finally");
    }
  }
  leave();
  console.log("not here");`;

test("exit() runs finally blocks, _exit() does not", async () => {
  const left = async (call: string) => {
    const { code, stdout, stderr } = await run(LINES.replace("CALL", call));
    return [code, stdout, stderr];
  };
  assertEquals(await left("exit(3)"), [3, "disposed\nfinally\n", ""]);
  assertEquals(await left("exit()"), [0, "disposed\nfinally\n", ""]);
  assertEquals(await left('exit("why")'), [1, "disposed\nfinally\n", "why\n"]);
  assertEquals(await left("_exit(4)"), [4, "", ""]);
});
