import { assertEquals } from "@std/assert";
import { printable } from "../../lib/core/inspect.ts";

Deno.test("printable() shows what would spoil a terminal as in a source", () => {
  assertEquals(printable("plain, ä, 中"), "plain, ä, 中");
  assertEquals(printable("a\nb\x1b[2J"), "a\\nb\\u001b[2J");
  assertEquals(printable("\x7f\x9b2J"), "\\x7f\\x9b2J");
});
