/**
 * Programs that die while they use the queues in a file: nothing that was confirmed is lost, and
 * what they held goes to others.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { builtin } from "../../lib/core/node.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { FileBroker } from "../../lib/remote/file/broker.ts";
import { limited } from "../_help/within.ts";
import { fileForTests } from "./_file.ts";

const DYING = fileURLToPath(new URL("_file_dying.ts", import.meta.url));
const MOST_STEPS = 2000;

/** Runs it, killed at a step; gives its lines. */
async function dieAt(path: string, step: number): Promise<string[]> {
  const args = ["run", "-A", "--no-check", "--quiet", DYING, path, String(step)];
  const { stdout, stderr, signal, success } = await new Deno.Command(Deno.execPath(), { args })
    .output();
  assert(success || signal === "SIGKILL", new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").filter((line) => line !== "");
}

/** All that is left in the queues: what is in which, and at which attempt. */
async function leftIn(path: string): Promise<Map<string, { queue: string; attempt: number }>> {
  const left = new Map<string, { queue: string; attempt: number }>();
  const letGo = holdProgram();
  const broker = new FileBroker(`file:${path}`);
  try {
    await broker.declare({ name: "dead", kind: "plain" });
    await broker.declare({ name: "q", kind: "counted", deadTo: "dead", limit: 100 });
    // What is delayed is due by then.
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const queue of ["q", "dead"]) {
      const { ready, consumers } = (await broker.depth(queue))!;
      assertEquals(consumers, 0);
      let count = 0;
      const all = Promise.withResolvers<void>();
      if (ready === 0) all.resolve();
      await broker.consume(queue, { prefetch: 100 }, (delivery) => {
        const text = new TextDecoder().decode(delivery.body);
        assert(!left.has(text), `${text} is there twice`);
        left.set(text, { queue, attempt: delivery.attempt });
        delivery.ack();
        if (++count === ready) all.resolve();
      });
      await all.promise;
      assertEquals((await broker.depth(queue))!.ready, 0);
    }
  } finally {
    await broker.close();
    letGo();
  }
  return left;
}

/** What is wrong with what is left, after a program has said that. */
function check(lines: string[], left: Map<string, { queue: string; attempt: number }>): void {
  const taken = new Map<string, number>();
  for (const line of lines) {
    const [, body, attempt] = /^taken (\d) (\d)$/.exec(line) ?? [];
    if (body === undefined) continue;
    const times = (taken.get(body) ?? 0) + 1;
    assertEquals(Number(attempt), times);
    taken.set(body, times);
  }
  for (const body of ["1", "2", "3", "4"]) {
    const found = left.get(body);
    if (body === "1" && lines.includes("acked 1")) assertEquals(found, undefined);
    // It may have been killed between the end of a step and its word of it.
    else if (lines.includes(`put ${body}`) && !(body === "1" && taken.has("1"))) {
      assert(found !== undefined, `${body} is lost`);
    }
    if (found === undefined) continue;
    const times = taken.get(body) ?? 0;
    if (body === "2" && lines.includes("buried 2")) assertEquals(found.queue, "dead");
    // That of the dead is by a delivery more: the one that has just been made here.
    const known = [times + 1, times + 2];
    assert(
      known.includes(found.attempt),
      `${body}: attempt ${found.attempt}, taken ${times} times`,
    );
  }
}

Deno.test("FileBroker: killed before any of its steps it has lost and doubled nothing", () =>
  limited(async () => {
    const path = fileForTests("dying");
    // Each in a file of its own; the first that is not killed says how many steps there are.
    let step = 1;
    let end = MOST_STEPS;
    const worker = async () => {
      while (step < end) {
        const mine = step++;
        const file = `${path}.${mine}`;
        const lines = await dieAt(file, mine);
        if (lines.at(-1)?.startsWith("closed")) end = Math.min(end, mine);
        try {
          check(lines, await leftIn(file));
          const { DatabaseSync } = builtin("sqlite");
          const database = new DatabaseSync(file);
          assertEquals(database.prepare("PRAGMA integrity_check").get()!.integrity_check, "ok");
          assertEquals(database.prepare("SELECT * FROM parties").all(), []);
          database.close();
          await assertGone(`${file}-users`);
        } catch (error) {
          throw new Error(`killed at step ${mine}, after: ${lines.join(", ")}`, { cause: error });
        }
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    assert(end > 100, `only ${end} steps`);
    assert(end < MOST_STEPS, "it has never come to its end");
  }, 240_000));

async function assertGone(path: string): Promise<void> {
  const found = await Deno.stat(path).then(() => true, () => false);
  assert(!found, `${path} is left`);
}
