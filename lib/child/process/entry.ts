/**
 * The entry of a child process: it meets its parent, takes the boot, runs the task and ends.
 *
 * @module
 */
import { SystemExit } from "../../core/errors.ts";
import { beforeEnd, childrenFirst } from "../../core/hooks.ts";
import { mayMap, platform } from "../../memory/platform/mod.ts";
import { CONFIG } from "../../memory/roster.ts";
import { leave, self, twins } from "../../memory/this_thread.ts";
import { modulesOf } from "../../transfer/codec/codec.ts";
import { tame } from "../../transfer/failure.ts";
import type { End } from "../job.ts";
import type { Link } from "../../channel/socket/link.ts";
import { advise, printUncaught, traceOf } from "../outcome.ts";
import {
  errorToBytes,
  fromBytes,
  type FromProcess,
  type ProcessBoot,
  type SpareBoot,
  toBytes,
} from "./protocol.ts";
import { meetParent, takeKey } from "./rendezvous.ts";
import { setThisProcess } from "../context.ts";
import { exitCode, record, run } from "../run.ts";

/** The exit code of a child whose parent is gone. */
const ORPHANED = 1;

async function main(folder: string): Promise<void> {
  const { link, boot: bytes } = await meetParent(folder, takeKey());
  const boot = await bootOf(fromBytes(bytes) as ProcessBoot | SpareBoot, link);
  setThisProcess(boot.me);
  Atomics.store(self().words, CONFIG, boot.config);
  self().roster.rename(self().slot, "MainThread");
  // The family's memory is opened when it is first needed.
  twins.inherited = boot.arena;
  twins.process = boot.me.name;
  if (boot.watched && !boot.orphan && mayMap()) platform().endWithParent(boot.me.parent!.pid);
  watch(link, boot.orphan);
  if (boot.trace !== undefined && mayMap()) await record(boot.trace);
  await work(boot, link);
}

/** The boot; a spare gets ready and waits for it. */
async function bootOf(first: ProcessBoot | SpareBoot, link: Link): Promise<ProcessBoot> {
  if (first.type === "boot") return first;
  const args = toBytes(first.faces, "args");
  const value = await (await import("../warm_up.ts")).rehearse(first, {
    modules: modulesOf(args),
    args: () => fromBytes(args),
  });
  toBytes({ type: "done", value: toBytes(value, "result") }, "result");
  if (mayMap()) platform();
  link.send(new Uint8Array(0));
  const frame = await link.frames().next();
  if (frame.done) Deno.exit(ORPHANED);
  return fromBytes(frame.value) as ProcessBoot;
}

/** Ends the child when its parent is gone. */
async function watch(link: Link, orphan: boolean): Promise<void> {
  try {
    for await (const _ of link.frames());
  } catch {
    // Somebody has come between: its parent cannot be heard any more.
  }
  if (!orphan) Deno.exit(ORPHANED);
}

async function work(boot: ProcessBoot, link: Link): Promise<void> {
  let ended = false;
  const end = async (message: End<Uint8Array>, code: number, dead: boolean) => {
    if (ended) return;
    ended = true;
    const bytes = toBytes(message, "result");
    if (boot.box !== undefined && mayMap()) {
      platform().leaveInBox(boot.box, bytes);
      link.send(toBytes({ type: "boxed" } satisfies FromProcess, "result"));
    } else link.send(bytes);
    for (const wait of [...childrenFirst, ...beforeEnd]) await wait(dead);
    const { slot, ident } = self();
    leave(slot, ident, dead, true);
    await link.flushed();
    Deno.exit(code);
  };
  const fail = (thrown: unknown) => {
    const error = advise(tame(thrown));
    if (error instanceof SystemExit) {
      const code = exitCode(error);
      return end({ type: "exit", code }, code, code !== 0);
    }
    if (!ended && !boot.quiet) printUncaught(`Process ${boot.me.name}`, error);
    return end({ type: "failed", error: errorToBytes(error), terminated: false }, 1, true);
  };
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  try {
    const value = await run({
      ...boot,
      modules: modulesOf(boot.args),
      args: () => fromBytes(boot.args),
      context: {
        signal: new AbortController().signal,
        name: boot.me.name,
        report(value) {
          link.send(toBytes({ type: "report", value: toBytes(value, "report") }, "report"));
        },
      },
    });
    await end({ type: "done", value: toBytes(value, "result") }, 0, false);
  } catch (error) {
    await fail(error);
  }
}

await main(Deno.args[0]!).catch((error) => {
  console.error(`Cannot start the process: ${traceOf(error)}`);
  Deno.exit(1);
});
