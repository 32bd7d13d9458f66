import { assertEquals, assertRejects } from "@std/assert";
import {
  exitcodeOf,
  isSignalNumber,
  killedBy,
  namelessSignal,
  signalName,
  signalNumber,
  statusOf,
} from "../../lib/core/signals.ts";

Deno.test("a signal has a number and a name, and a name made of the number without", () => {
  assertEquals([signalNumber("SIGTERM"), signalName(15), isSignalNumber(15)], [
    15,
    "SIGTERM",
    true,
  ]);
  // Of two names for a number the first is the usual one.
  assertEquals(signalName(signalNumber("SIGIOT")), "SIGABRT");
  assertEquals(
    [signalName(34), signalNumber("SIG34"), isSignalNumber(34)],
    ["SIG34" as Deno.Signal, 34, false],
  );
  assertEquals([signalNumber("SIGNONE"), signalNumber("toString"), signalNumber("")], [0, 0, 0]);
});

Deno.test("a child's end is its code, or the signal's number below zero", () => {
  assertEquals(exitcodeOf({ success: false, code: 3, signal: null }), 3);
  assertEquals(exitcodeOf({ success: false, code: 137, signal: "SIGKILL" }), -9);
  assertEquals(exitcodeOf(killedBy(34)), -34);
  // Windows tells of no signal: whom this program has ended counts as ended by SIGTERM.
  const ended = { success: false, code: 1, signal: null };
  assertEquals(exitcodeOf(ended, true), Deno.build.os === "windows" ? -15 : 1);
  assertEquals([exitcodeOf(ended), exitcodeOf({ ...ended, code: 3 }, true)], [1, 3]);
  assertEquals(killedBy(34), { success: false, code: 162, signal: "SIG34" as Deno.Signal });
});

Deno.test("statusOf() tells of a child that a signal without a name has killed, as of any", async () => {
  assertEquals(namelessSignal(new TypeError("Invalid signal: 34")), 34);
  for (
    const other of [new TypeError("Invalid signal: SIGX"), new Error("no"), "Invalid signal: 34"]
  ) {
    assertEquals(namelessSignal(other), undefined);
    await assertRejects(
      () =>
        statusOf(Promise.reject(other)).catch((error) => {
          assertEquals(error, other);
          throw new Error("passed on");
        }),
      Error,
      "passed on",
    );
  }
  assertEquals(await statusOf(Promise.reject(new TypeError("Invalid signal: 34"))), killedBy(34));
  const status = { success: true, code: 0, signal: null };
  assertEquals(await statusOf(Promise.resolve(status)), status);
});
