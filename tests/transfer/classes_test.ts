/**
 * Which classes of the main module cross, and that others are refused at the call.
 *
 * @module
 */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ShareError } from "../../lib/errors.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";
import { Thread } from "../../lib/threading.ts";

const PROGRAM = fileURLToPath(new URL("_classes_program.ts", import.meta.url));

async function run(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(30_000),
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

Deno.test("An instance crosses if a child finds its class; else ShareError at the call", async () => {
  const lines = await run("-A", PROGRAM);
  assertEquals(lines.length, 16, lines.join("\n"));
  for (const half of [lines.slice(0, 8), lines.slice(8)]) {
    assertEquals(half.slice(0, 5), ["Exported", "Renamed", "Variable", "Inner", "Marked"]);
    for (const [k, name] of [[5, "Unexported"], [6, "Local"]] as const) {
      assertEquals(
        half[k],
        `ShareError: Cannot share args[0].list[0]: an object of class ${name} cannot cross to a ` +
          "child; export the class from the main module, mark it with task(import.meta, ...), or " +
          "send plain data",
      );
    }
    assertMatch(
      half[7]!,
      /^TypeError: Cannot run "arrow" in a child: it is an arrow function, which/,
    );
    assertMatch(
      half[7]!,
      /`export function f\(\) \{ \.\.\. \}`.* or mark it with task\(import\.meta, /,
    );
  }
});

const nothing = task(import.meta, (..._args: unknown[]) => {});

const REFUSED: [value: object, advice: string][] = [
  [new URL("http://localhost"), "send its text, as in url.href"],
  [new URLSearchParams(), "send its text, as in String(params)"],
  [new Headers(), "send its entries, as in [...headers]"],
  [new FormData(), "send its entries, as in [...form]"],
  [new Request("http://localhost"), "send what it holds: request.url"],
  [new Response(), "send what it holds, as in await response.arrayBuffer()"],
  [new AbortController(), "use the signal of the call, or context().signal"],
];

for (const Kind of [Thread, Process] as (typeof Thread)[]) {
  Deno.test(`What holds its value out of reach is refused with what to send instead [${Kind.name}]`, () => {
    for (const [value, advice] of REFUSED) {
      const error = assertThrows(
        () => new Kind(nothing, { args: [{ a: [value] }] }).start(),
        ShareError,
        `an object of class ${value.constructor.name} cannot cross to a child; ${advice}`,
      );
      assertEquals(error.place, "args[0].a[0]");
    }
  });
}
