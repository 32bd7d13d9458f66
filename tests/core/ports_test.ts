/**
 * Messages that a blocked thread takes.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { post, take } from "../../lib/core/ports.ts";

const BYTES = 4_000_000;

/** The least time of a few calls, in ms. */
function quickest(fn: () => void): number {
  return Math.min(...Array.from({ length: 3 }, () => {
    const began = performance.now();
    fn();
    return performance.now() - began;
  }));
}

Deno.test("take() gives what post() has sent, and undefined when nothing is there", () => {
  const { port1, port2 } = new MessageChannel();
  try {
    const other = new MessageChannel();
    post(port1, { list: [1, "two"] });
    post(port1, other.port1, [other.port1]);
    post(port1, undefined);
    assertEquals(take(port2), { list: [1, "two"] });
    const port = take(port2);
    assert(port instanceof MessagePort);
    port.close();
    other.port2.close();
    assertEquals(take(port2), undefined);
    assertEquals(take(port2), undefined);
  } finally {
    port1.close();
    port2.close();
  }
});

Deno.test("take() refuses an object that post() has not sent", () => {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage({ bytes: new Uint8Array(1) });
    assertThrows(() => take(port2), Error, "post()");
    port1.postMessage(true);
    assertEquals(take(port2), true);
  } finally {
    port1.close();
  }
});

for (
  const [what, value] of Object.entries({
    "a typed array": new Uint8Array(BYTES),
    "a typed array within": { parts: [{ bytes: new Float64Array(BYTES / 8) }] },
    "a buffer": new ArrayBuffer(BYTES),
    "text": "x".repeat(BYTES),
  })
) {
  // Without its Set a typed array would take 200 times as long.
  Deno.test(`take() gives ${what} of 4 MB in the time that copies take`, () => {
    const { port1, port2 } = new MessageChannel();
    try {
      const copies = quickest(() => structuredClone(value));
      let taken = Infinity;
      // On a busy machine one of many is quick, and of what is slow none.
      for (let round = 0; round < 10 && taken >= 20 * copies + 20; round++) {
        taken = Math.min(taken, quickest(() => (post(port1, value), take(port2))));
      }
      assert(taken < 20 * copies + 20, `${taken} ms, where a copy takes ${copies}`);
    } finally {
      port1.close();
    }
  });
}

/** Runs a program; gives what it prints. */
async function printed(program: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(30_000),
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""]);
  return decoder.decode(stdout);
}

const lib = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href);

for (const face of ["threading.ts", "queue.ts"]) {
  Deno.test(`whenLoaded() is called later in a program that has only imported ${face}`, async () => {
    const out = await printed(`
      import ${lib(face)};
      import { prepareTake, whenLoaded } from ${lib("core/ports.ts")};
      const calls = [];
      whenLoaded(() => calls.push("first"));
      console.log(calls.join());
      await prepareTake();
      whenLoaded(() => calls.push("second"));
      console.log(calls.join());`);
    assertEquals(out, "\nfirst,second\n");
  });
}

Deno.test("whenLoaded() is called at once after loadPorts(), and what waits is called too", async () => {
  const out = await printed(`
    import { loadPorts, prepareTake, whenLoaded } from ${lib("core/ports.ts")};
    const calls = [];
    whenLoaded(() => calls.push("waits"));
    loadPorts();
    whenLoaded(() => calls.push("at once"));
    console.log(calls.join());
    await prepareTake();
    console.log(calls.join());`);
  assertEquals(out, "at once\nat once,waits\n");
});
