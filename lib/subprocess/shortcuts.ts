/**
 * Short forms of run().
 *
 * @module
 */
import type { Args } from "./command.ts";
import { type OutputOf, PIPE, type RunOptions, STDOUT } from "./options.ts";
import { type None, run } from "./run.ts";

/**
 * Runs a program to its end and gives its return code.
 *
 * @example Ask a program
 * ```ts
 * import { call } from "@switchyard/switchyard/subprocess";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await call(["test", "-d", "/"]), 0);
 * assertEquals(await call(["test", "-f", "/"]), 1);
 * ```
 */
export async function call(args: Args, options?: RunOptions): Promise<number> {
  return (await run(args, options ?? {})).returncode;
}

/**
 * Runs a program to its end and gives 0.
 *
 * @throws {CalledProcessError} It ended with another code than 0.
 *
 * @example Go on only if it went well
 * ```ts
 * import { CalledProcessError, checkCall } from "@switchyard/switchyard/subprocess";
 * import { assertRejects } from "@std/assert";
 *
 * await checkCall(["true"]);
 * await assertRejects(() => checkCall(["false"]), CalledProcessError);
 * ```
 */
export async function checkCall(args: Args, options?: RunOptions): Promise<0> {
  await run(args, { ...options, check: true });
  return 0;
}

/**
 * Runs a program to its end and gives what it wrote to standard output.
 *
 * @throws {CalledProcessError} It ended with another code than 0; with the output.
 *
 * @example Have what it writes
 * ```ts
 * import { checkOutput } from "@switchyard/switchyard/subprocess";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await checkOutput(["echo", "hello"], { text: true }), "hello\n");
 * ```
 */
export async function checkOutput<
  const O extends Omit<RunOptions, "stdout" | "captureOutput"> = None,
>(
  args: Args,
  options?: O | Omit<RunOptions, "stdout" | "captureOutput">,
): Promise<OutputOf<O>> {
  const { stdout } = await run(args, { ...options as RunOptions, stdout: PIPE, check: true });
  return stdout as unknown as OutputOf<O>;
}

/**
 * Runs a script with `/bin/sh` and gives what it wrote, stderr included, without the last newline.
 *
 * @example A line of shell
 * ```ts
 * import { getoutput } from "@switchyard/switchyard/subprocess";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await getoutput("echo $((6 * 7))"), "42");
 * ```
 */
export async function getoutput(script: string, options?: RunOptions): Promise<string> {
  return (await getstatusoutput(script, options))[1];
}

/** As {@linkcode getoutput}, with the return code before it. */
export async function getstatusoutput(
  script: string,
  options?: RunOptions,
): Promise<[status: number, output: string]> {
  const { returncode, stdout } = await run(script, {
    ...options,
    text: true,
    shell: true,
    stdout: PIPE,
    stderr: STDOUT,
  });
  return [returncode, (stdout as string).replace(/\n$/, "")];
}
