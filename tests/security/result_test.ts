/**
 * What a child may cost its parent: frames, states and sizes that are not as they should be.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { MOST_FROM_BELOW } from "../../lib/channel/socket/link.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { WorkerLostError } from "../../lib/errors.ts";
import { task } from "../../lib/task.ts";
import { memoryOf } from "../_help/memory.ts";
import { within } from "../_help/within.ts";
import { claim, done, error, failed, Forged, forged, LEAST, report, say } from "./_forge.ts";

const LIMIT = 30_000;

/** What a child below its parent gives that says these frames, and how it ended. */
async function endOf(frames: Uint8Array[], onReport = (_: unknown) => {}) {
  const child = new Process(say, { args: [frames], permissions: LEAST, onReport }).start();
  const settled = child.result().then((value) => ({ value }), (error) => ({ error }));
  const result: { value?: unknown; error?: unknown } = await within(LIMIT, settled);
  await within(LIMIT, child.join());
  return { ...result, exitcode: child.exitcode };
}

const FRAMES: Record<string, () => Uint8Array> = {
  "no bytes": () => new Uint8Array(0),
  "no value of the codec": () => new Uint8Array([1, 2, 3]),
  "nothing": () => forged(undefined),
  "a number": () => forged(5),
  "a list": () => forged(["done", new Uint8Array(3)]),
  "no type": () => forged({ value: new Uint8Array(3) }),
  "an unknown type": () => forged({ type: "boot", value: new Uint8Array(3) }),
  "a type of the prototype": () => forged({ type: "toString", value: new Uint8Array(3) }),
  "a type that is an object": () => forged({ type: { done: 1 }, value: new Uint8Array(3) }),
  "a result that is no bytes": () => forged({ type: "done", value: "text" }),
  "an error that is no bytes": () => forged({ type: "failed" }),
  "a function in its place": () =>
    forged(new Forged({ kind: "target", module: "data:,", name: "f", state: 0 })),
  "a shared object in its place": () =>
    forged({ type: "done", value: new Forged({ kind: "share", module: "", name: "", state: 1 }) }),
};

for (const [what, frame] of Object.entries(FRAMES)) {
  Deno.test(`a frame from below that is ${what} settles the result with an error`, async () => {
    const { error } = await endOf([frame()]);
    assertInstanceOf(error, Error);
    assert(/^Cannot (read|decode) /.test(error.message), error.message);
  });
}

const VALUES: Record<string, Uint8Array> = {
  "the state of an error is nothing": failed(
    forged(new Forged({ kind: "error", module: "", name: "Error", state: undefined })),
  ),
  "the message of an error is an object": failed(forged(error("", "Error", { message: {} }))),
  "the stack of an error is a list": failed(forged(error("", "Error", { stack: [1] }))),
  "the fields of an error are a number": failed(forged(error("", "Error", { fields: 5 }))),
  "a field of an error is nothing": failed(forged(error("", "Error", { fields: [undefined] }))),
  "the name of a field is an object": failed(forged(error("", "Error", { fields: [[{}, 1]] }))),
  "a field of an error is its message": failed(
    forged(error("", "Error", { fields: [["message", {}, true]] })),
  ),
  "the name of an error is a list": failed(
    forged(error("", "DOMException", { fields: [["name", [], true]] })),
  ),
  "the state of an object is nothing": done(
    forged(new Forged({ kind: "instance", module: "x:y", name: "A", state: undefined })),
  ),
  "the fields of an object are text": done(
    forged(
      new Forged({
        kind: "instance",
        module: "x:y",
        name: "A",
        state: { print: 1, fields: "text", place: "result" },
      }),
    ),
  ),
};

for (const [what, frame] of Object.entries(VALUES)) {
  Deno.test(`a result from below where ${what} is a clear error`, async () => {
    const { error } = await endOf([frame]);
    assertInstanceOf(error, TypeError);
    assert(/^Cannot decode (an error|an object of class "A"): /.test(error.message), error.message);
  });
}

Deno.test("an error from below has no prototype that its fields chose", async () => {
  const fields = [["__proto__", { code: 1 }, true]];
  const { error: thrown } = await endOf([failed(forged(error("", "TypeError", { fields })))]);
  assertEquals(Object.getPrototypeOf(thrown), TypeError.prototype);
});

Deno.test("a message from below of more than 64 MiB ends the child, and the result says why", async () => {
  const before = memoryOf();
  const child = new Process(claim, {
    args: [MOST_FROM_BELOW + 1, 8],
    permissions: LEAST,
  }).start();
  await assertRejects(
    () => within(LIMIT, child.result()),
    RangeError,
    `a message has ${MOST_FROM_BELOW + 1} bytes, and at most ${MOST_FROM_BELOW} are taken`,
  );
  await within(LIMIT, child.join());
  assertEquals(child.exitcode, -9);
  assert(memoryOf() - before < 64 << 20);
});

Deno.test("a length that is claimed and never comes ends with the child, as lost", async () => {
  const child = new Process(claim, { args: [MOST_FROM_BELOW, 2], permissions: LEAST }).start();
  await assertRejects(() => within(LIMIT, child.result()), WorkerLostError);
  await within(LIMIT, child.join());
});

export const large = task(import.meta, (size: number) => new Uint8Array(size));

Deno.test("a result of more than 64 MiB comes from an equal", async () => {
  await using child = new Process(large, { args: [MOST_FROM_BELOW + (1 << 20)] }).start();
  const bytes = await within(LIMIT, child.result()) as Uint8Array;
  assertEquals(bytes.length, MOST_FROM_BELOW + (1 << 20));
});

Deno.test("a report that cannot be read ends the child below, and the result says why", async () => {
  const heard: unknown[] = [];
  const bad = new Forged({ kind: "instance", module: "file:///x.ts", name: "A", state: 1 });
  const frames = [report(forged("good")), report(forged(bad)), report(forged("late"))];
  const { error } = await endOf(frames, (value) => heard.push(value));
  assertInstanceOf(error, TypeError);
  assertEquals(heard, ["good"]);
});

Deno.test("a small heap survives a result that would become many objects", async () => {
  const program = new URL("./_small_heap.ts", import.meta.url).href;
  const { code, stdout, stderr } = await within(
    60_000,
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--v8-flags=--max-old-space-size=512", program],
      env: { NO_COLOR: "1" },
    }).output(),
  );
  const text = new TextDecoder();
  assertEquals([code, text.decode(stdout)], [0, "RangeError\n"], text.decode(stderr));
});
