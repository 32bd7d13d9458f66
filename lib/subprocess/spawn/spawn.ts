/**
 * Starts a child the way that its plan needs.
 *
 * @module
 */
import { tryAll } from "../attempt.ts";
import { denoSpawn } from "./deno.ts";
import type { CommandPlan, ReadEnd, SpawnedProgram, WriteEnd } from "../stdio/stdio.ts";
import { mayHandOver, mayUseNode, nodeSpawn } from "./node.ts";

/**
 * Starts a child.
 *
 * @param wantsDescriptors True if its pipes may be handed on, or used by a blocked thread; they are
 * if it can be.
 * @throws {Deno.errors.NotFound} There is no such program, or no such folder.
 * @throws {Deno.errors.NotCapable} A permission is missing; the message names the flag.
 */
export function start(plan: CommandPlan, wantsDescriptors = false): SpawnedProgram {
  const from = typeof plan.stdin === "object" ? plan.stdin : undefined;
  if (from === undefined) return launch(plan, wantsDescriptors);
  if (from.stream !== undefined && mayHandOver()) {
    const child = launch(plan, wantsDescriptors);
    // The child has the end now. If this process kept it too, the writer would never be told that
    // its reader has gone.
    from.cancel();
    return child;
  }
  const child = launch({ ...plan, stdin: "piped" }, wantsDescriptors);
  pump(from, child.stdin!);
  return { ...child, stdin: null };
}

function launch(plan: CommandPlan, wantsDescriptors: boolean): SpawnedProgram {
  const streams = [plan.stdin, plan.stdout, plan.stderr];
  const needsNode = streams.some((stream) => typeof stream !== "string");
  if (needsNode && !mayUseNode()) {
    throw new Deno.errors.NotCapable(
      `Cannot run ${JSON.stringify(plan.name)}: giving it a file descriptor needs --allow-env, ` +
        "and --allow-run without a list",
    );
  }
  const usesNode = needsNode || wantsDescriptors && streams.includes("piped") && mayUseNode();
  return tryAll(plan, (plan) => {
    const child = usesNode ? nodeSpawn(plan) : undefined;
    if (child !== undefined) return child;
    // Where Node could not start it, this says why. It cannot stand in for it with descriptors.
    const other = denoSpawn(plan);
    if (!needsNode) return other;
    other.kill("SIGKILL");
    throw new Error("its streams could not be connected");
  });
}

/** Carries what one child writes to another, where the pipe itself cannot be handed over. */
async function pump(from: ReadEnd, to: WriteEnd): Promise<void> {
  try {
    for (let chunk; (chunk = await from.read()) !== null;) await to.write(chunk);
  } catch {
    // The reader is gone: the writer is told so by its own pipe.
    from.cancel();
  }
  await to.close();
}
