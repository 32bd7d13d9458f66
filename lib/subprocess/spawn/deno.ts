/**
 * Starts a child with Deno.Command: the quicker way, which asks for `--allow-run` only.
 *
 * @module
 */
import { statusOf } from "../../core/signals.ts";
import type {
  Bytes,
  CommandPlan,
  ReadEnd,
  SpawnedProgram,
  StdioTarget,
  WriteEnd,
} from "../stdio/stdio.ts";

/** Starts a child. A stream that Deno.Command cannot connect must not be in the plan. */
export function denoSpawn(plan: CommandPlan): SpawnedProgram {
  const child = new Deno.Command(plan.program, commandOptions(plan)).spawn();
  const status = statusOf(child.status);
  let isReaped = false;
  status.then(() => isReaped = true, () => isReaped = true);
  return {
    pid: child.pid,
    status,
    stdin: plan.stdin === "piped" ? writeEndOf(child.stdin) : null,
    stdout: plan.stdout === "piped" ? readEndOf(child.stdout) : null,
    stderr: plan.stderr === "piped" ? readEndOf(child.stderr) : null,
    hasDescriptors: false,
    kill(signal) {
      // Of a child that a signal without a name has killed, Deno still holds the pid.
      if (!isReaped) killChild(child, signal);
    },
    unref: () => child.unref(),
  };
}

/** A plan in Deno's words. */
export function commandOptions(plan: CommandPlan): Deno.CommandOptions {
  return {
    args: plan.args,
    windowsRawArguments: plan.isRaw,
    ...(plan.cwd === undefined ? {} : { cwd: plan.cwd }),
    ...(plan.env === undefined ? {} : { env: plan.env, clearEnv: !plan.extendsEnv }),
    stdin: wordOf(plan.stdin),
    stdout: wordOf(plan.stdout),
    stderr: wordOf(plan.stderr),
    detached: plan.detached,
  };
}

function wordOf(stdio: StdioTarget): "inherit" | "null" | "piped" {
  return typeof stdio === "string" ? stdio : "null";
}

function killChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (cause) {
    // It has been reaped, or is about to be.
    if (!(cause instanceof TypeError || cause instanceof Deno.errors.NotFound)) throw cause;
  }
}

function readEndOf(stream: ReadableStream<Bytes>): ReadEnd {
  let reader: ReadableStreamDefaultReader<Bytes> | undefined;
  return {
    async read() {
      reader ??= stream.getReader();
      const { value, done } = await reader.read();
      return done ? null : value;
    },
    cancel() {
      (reader ?? stream).cancel().catch(() => {});
    },
  };
}

function writeEndOf(stream: WritableStream<Bytes>): WriteEnd {
  let writer: WritableStreamDefaultWriter<Bytes> | undefined;
  return {
    async write(bytes) {
      writer ??= stream.getWriter();
      try {
        await writer.write(bytes);
      } catch (cause) {
        if (cause instanceof Deno.errors.BrokenPipe) throw cause;
        throw new Deno.errors.BrokenPipe(
          `Cannot write to the program: ${(cause as Error).message}`,
          { cause },
        );
      }
    },
    async close() {
      try {
        await (writer ?? stream).close();
      } catch {
        // It is closed: by an error of its own, or by an earlier call.
      }
    },
  };
}
