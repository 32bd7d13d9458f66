/**
 * What the compiler knows of streams and results: wrong types would not compile.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  checkOutput,
  PIPE,
  pipeline,
  type PipeReader,
  type PipeWriter,
  Popen,
  type PopenOptions,
  run,
  type RunOptions,
  runSync,
} from "../../lib/subprocess.ts";
import { test } from "./_limit.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true
  : false;

/** Fails to compile unless the value's type is exactly `T`. */
function isOf<T>() {
  return <V>(_value: V, _same: Same<V, T>): void => {};
}

test("types: results follow the options", async () => {
  const text = await run(["true"], { captureOutput: true, text: true });
  isOf<string>()(text.stdout, true);
  isOf<string>()(text.stderr, true);
  const bytes = await run(["true"], { stdout: PIPE, input: "x" });
  isOf<Bytes>()(bytes.stdout, true);
  isOf<null>()(bytes.stderr, true);
  isOf<null>()((await run(["true"])).stdout, true);
  isOf<string>()((await run(["true"], { stdout: PIPE, encoding: "latin1" })).stdout, true);
  const options: RunOptions = {};
  isOf<Bytes | string | null>()((await run(["true"], options)).stdout, true);
  isOf<string>()(await checkOutput(["true"], { text: true }), true);
  isOf<Bytes>()(await checkOutput(["true"]), true);
  isOf<string>()((await pipeline(["true"], ["cat"], { text: true })).stdout, true);
  isOf<Bytes>()((await pipeline(["true"], ["cat"])).stdout, true);
});

test("types: onLine's arguments are known, and the result follows the other options", async () => {
  const { stdout } = await run(["true"], {
    text: true,
    stdout: PIPE,
    onLine(line, stream) {
      isOf<string>()(line, true);
      isOf<"stdout" | "stderr">()(stream, true);
    },
  });
  isOf<string>()(stdout, true);
  isOf<null>()(runSync(["true"], { onLine: (line) => line.length }).stdout, true);
  isOf<string>()(await checkOutput(["true"], { onLine: (line) => line.at(0), text: true }), true);
});

test("types: streams follow the options", async () => {
  const piped = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, text: true });
  isOf<PipeWriter>()(piped.stdin, true);
  isOf<PipeReader<string>>()(piped.stdout, true);
  isOf<null>()(piped.stderr, true);
  isOf<[stdout: string, stderr: null]>()(await piped.communicate("x"), true);
  const options: PopenOptions = {};
  const some = new Popen(["true"], options);
  isOf<PipeWriter | null>()(some.stdin, true);
  await some.wait();
  const any: Popen = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  await any.stdin.write("a\n");
  await any.stdin.close();
  for await (const line of any.stdout.lines()) assertEquals(line, "a");
  await any.wait();
});
