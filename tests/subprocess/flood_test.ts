/**
 * Programs that write very much: what is kept of it, what ends them, and lines as they come.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import {
  checkOutput,
  type Outputs,
  PIPE,
  pipeline,
  Popen,
  run,
  runSync,
  STDOUT,
  TimeoutExpired,
} from "../../lib/subprocess.ts";
import { Collected } from "../../lib/subprocess/collected.ts";
import { Inbox } from "../../lib/subprocess/stdio/inbox.ts";
import { isAlive } from "../_help/alive.ts";
import { pattern, same, sh, test } from "./_limit.ts";

const MIB = 1 << 20;

/** What is given of a run that wrote too much. */
async function overflow(run: () => Promise<unknown>): Promise<RangeError & Outputs> {
  return await assertRejects(run, RangeError) as RangeError & Outputs;
}

test("run({ timeout }) of a flood gives up in time, with what fits", async () => {
  for (const text of [false, true]) {
    const options = { captureOutput: true, timeout: 400, text } as const;
    const error = await assertRejects(() => run(["yes"], options), TimeoutExpired);
    assert(error.stdout!.length > MIB);
    const head = error.stdout!.slice(0, 4);
    assertEquals(typeof head === "string" ? head : new TextDecoder().decode(head), "y\ny\n");
    assertThrows(() => runSync(["yes"], options), TimeoutExpired);
  }
});

test("run() gives timers their turn while a program floods it", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const slow = () => {
    for (const until = performance.now() + 0.02; performance.now() < until;);
  };
  await assertRejects(() => run(["yes"], { onLine: slow, timeout: 500 }), TimeoutExpired);
  clearInterval(timer);
  assert(turns >= 5, `${turns} turns`);
});

test("PipeReader.lines() gives timers their turn while a program floods it", async () => {
  await using child = new Popen(["yes"], { stdout: PIPE });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  let count = 0;
  for await (const line of child.stdout.lines()) {
    count += line.length;
    if (controller.signal.aborted) break;
  }
  assert(count > 0);
});

test("run() keeps 24 MiB whole, which go to a buffer that grows", async () => {
  const size = 24 * MIB;
  const input = pattern(size);
  assert(same((await run(["cat"], { input, captureOutput: true })).stdout, input));
  const { stdout } = runSync(["cat"], { input, captureOutput: true });
  assert(same(stdout, input));
  assertEquals([stdout.byteOffset, stdout.buffer.byteLength], [0, size]);
});

test("run({ maxOutput }) ends a program that writes more, and throws what fitted", async () => {
  for (const text of [false, true]) {
    const options = { captureOutput: true, maxOutput: 1001, text } as const;
    const tries = [
      () => run(["yes"], options),
      () => run(sh("yes >&2"), options),
      () => pipeline(["yes"], ["cat"], { maxOutput: 1001, text }),
      // deno-lint-ignore require-await -- tried as those that reject
      async () => runSync(["yes"], options),
    ];
    for (const attempt of tries) {
      const { message, stdout, stderr } = await overflow(attempt);
      assert(/wrote more than 1001 bytes to std(out|err)$/.test(message), message);
      assertEquals(Math.max(stdout!.length, stderr?.length ?? 0), 1001);
    }
  }
});

test("run({ maxOutput }) ends it as it is told to, and takes as much as that", async () => {
  const script = `trap 'exit 0' TERM; echo $$; while :; do echo more; done`;
  const { stdout } = await overflow(() =>
    run(sh(script), { captureOutput: true, text: true, maxOutput: 100, grace: 20_000 })
  );
  assert(!isAlive(parseInt(stdout as string)));
  const options = { captureOutput: true, text: true } as const;
  assertEquals((await run(["echo", "abc"], { ...options, maxOutput: 4 })).stdout, "abc\n");
  assertEquals((await overflow(() => run(["echo", "é"], { ...options, maxOutput: 1 }))).stdout, "");
  assertEquals((await overflow(() => run(["echo"], { ...options, maxOutput: 0 }))).stdout, "");
  assertEquals(await checkOutput(["true"], { maxOutput: 0, text: true }), "");
  await assertRejects(() => run(["true"], { maxOutput: -1 }), RangeError, "maxOutput must be");
  await assertRejects(() => run(["true"], { maxOutput: "1" as never }), TypeError, "maxOutput");
});

test("What is longer than a string can be is an error with what fits", async () => {
  const chunk = new Uint8Array(16 * MIB).fill(97);
  let left = 2 ** 29 / chunk.length;
  const read = () => Promise.resolve(left-- > 0 ? chunk : null);
  const source = new Inbox({ read, cancel() {} });
  const text = new Collected(source, { mode: { encoding: "utf-8", isStrict: false } });
  await text.collect();
  assertEquals([text.isOver, text.isTooMuch], [true, false]);
  const { length } = text.output(true)!;
  assert(length > 2 ** 29 - 100 && length < 2 ** 29, `${length}`);
});

test("run({ onLine }) tells each line as it comes, and its stream", async () => {
  const said: Record<string, string[]> = { stdout: [], stderr: [] };
  const onLine = (line: string, stream: string) => void said[stream]!.push(line);
  // Waits for an answer after each: what is told only at the end would be told never.
  const script = `printf 'a\\r\\nb'; echo c; read x; echo "$x" >&2; read y; printf "$y"`;
  const { readable, writable } = new TransformStream<string, string>();
  const writer = writable.getWriter();
  const answer = (line: string, stream: "stdout" | "stderr") => {
    onLine(line, stream);
    if (line === "bc") writer.write("d\n");
    if (line === "d") writer.write("e\n").then(() => writer.close());
  };
  const { returncode, stdout, stderr } = await run(sh(script), { onLine: answer, input: readable });
  assertEquals([returncode, stdout, stderr], [0, null, null]);
  assertEquals(said, { stdout: ["a", "bc", "e"], stderr: ["d"] });
  runSync(sh(script), { onLine, input: "f\ng\n" });
  assertEquals(said, { stdout: ["a", "bc", "e", "a", "bc", "g"], stderr: ["d", "f"] });
});

test("run({ onLine }) captures too when asked, and leaves streams that lead elsewhere", async () => {
  const said: string[] = [];
  const onLine = (line: string, stream: string) => void said.push(`${stream} ${line}`);
  const script = sh("echo out; echo err >&2");
  const both = await run(script, { onLine, captureOutput: true, text: true });
  assertEquals([both.stdout, both.stderr], ["out\n", "err\n"]);
  assertEquals(said.splice(0).toSorted(), ["stderr err", "stdout out"]);
  const joined = await run(script, { onLine, stdout: PIPE, stderr: STDOUT });
  assertEquals(new TextDecoder().decode(joined.stdout), "out\nerr\n");
  assertEquals(said.splice(0), ["stdout out", "stdout err"]);
  await run(script, { onLine, stderr: -3 });
  assertEquals(said.splice(0), ["stdout out"]);
  const last = await pipeline(["printf", "b\\na\\n"], ["sort"], { onLine, text: true });
  assertEquals([last.stdout, said.splice(0)], ["a\nb\n", ["stdout a", "stdout b"]]);
});

test("run({ onLine }) waits for what it returns", async () => {
  const said: string[] = [];
  await run(["seq", "3"], {
    async onLine(line) {
      await delay(5);
      said.push(line);
    },
  });
  assertEquals(said, ["1", "2", "3"]);
});

test("run({ onLine }) that throws ends the program, and is the error of the run", async () => {
  const fail = (line: string) => {
    throw new Error(`no ${line}`);
  };
  await assertRejects(() => run(["yes"], { onLine: fail }), Error, "no y");
  await assertRejects(
    () => run(["yes"], { onLine: (line) => Promise.reject(new Error(`no ${line}`)) }),
    Error,
    "no y",
  );
  await assertRejects(() => pipeline(["yes"], ["cat"], { onLine: fail }), Error, "no y");
  assertThrows(() => runSync(["yes"], { onLine: fail }), Error, "no y");
  await assertRejects(() => run(["true"], { onLine: 1 as never }), TypeError, "onLine");
});

test("Lines of UTF-16 are whole", async () => {
  const words = ["ä", "", "\u0a0a\u0d0a", "漢字\r", "end"];
  const text = words.join("\n");
  const encode = (isBig: boolean) => {
    const bytes = new Uint8Array(2 * text.length);
    const view = new DataView(bytes.buffer);
    for (let k = 0; k < text.length; k++) view.setUint16(2 * k, text.charCodeAt(k), !isBig);
    return bytes;
  };
  const lines = words.map((word) => word.replace("\r", ""));
  // Written byte by byte, so that characters are split.
  const slowly = ["dd", "bs=1", "status=none"];
  for (const [encoding, isBig] of [["utf-16le", false], ["utf-16be", true]] as const) {
    const input = encode(isBig);
    const said: string[] = [];
    await run(slowly, { input, encoding, onLine: (line) => void said.push(line) });
    assertEquals(said, lines);
    await using child = new Popen(slowly, { stdin: PIPE, stdout: PIPE, encoding });
    const fed = child.stdin.write(input).then(() => child.stdin.close());
    assertEquals(await child.stdout.readline(), lines[0]);
    assertEquals(await child.stdout.readline(), lines[1]);
    const rest = [];
    for await (const line of child.stdout.lines()) rest.push(line);
    assertEquals(rest, lines.slice(2));
    await fed;
    const read = await run(["cat"], { input, encoding, stdout: PIPE });
    assertEquals(read.stdout, text.replace("\r\n", "\n"));
  }
});
