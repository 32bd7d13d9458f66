/**
 * `--timeline`, which each example has.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "./_example.ts";

/** Runs an example with a file for its timeline; gives what is in there. */
async function drawn(script: string, kind: string, ...args: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/timeline.${kind}`;
    const outcome = await run(script, ["--timeline", file, ...args]);
    return { ...outcome, picture: await Deno.readTextFile(file) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("--timeline - of an example prints who waited for whom, when it has ended", async () => {
  const { code, lines } = await run("threads/deadlock.ts", ["--way", "none", "--timeline", "-"]);
  assertEquals(code, 1);
  const end = lines.findIndex((line) => line.endsWith("DEADLOCK"));
  const text = lines.slice(end + 1).join("\n");
  assertStringIncludes(text, "B: accounts-2 has it");
  assertStringIncludes(text, "A: accounts-1 has it");
  assertStringIncludes(text, "stopped✗");
});

Deno.test("--timeline FILE.svg of an example draws its processes", async () => {
  const { code, picture } = await drawn("processes/deadlock.ts", "svg", "--way", "order");
  assertEquals(code, 0);
  assert(picture.startsWith("<svg ") && picture.endsWith("</svg>\n"));
  assertStringIncludes(picture, "<title>deadlock --way order</title>");
  assertStringIncludes(picture, ">MainProcess</text>");
});

Deno.test("--timeline FILE.json of an example is for Perfetto", async () => {
  const { picture } = await drawn("threads/timer.ts", "json");
  assert(JSON.parse(picture).traceEvents.length > 2);
});

Deno.test("--timeline is drawn when Ctrl-C ends an example", async () => {
  const args = ["--timeline=-"];
  const { code, lines } = await run("threads/ping_pong.ts", args, {
    flags: ["-A"],
    onLine: (_, child) => Deno.kill(child.pid, "SIGINT"),
  });
  assert(code === 130 || code === 0, `${code}`);
  assertStringIncludes(lines.join("\n"), "MainThread ─");
});

Deno.test("--timeline wants a kind of file that it knows, and one that it may write", async () => {
  for (const args of [["--timeline", "x.png"], ["--timeline"], ["--timeline", "--way", "none"]]) {
    const { code, stderr } = await run("threads/deadlock.ts", args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "--timeline must be - or end in .svg or .json, received");
  }
  const { code, lines, stderr } = await run("threads/deadlock.ts", ["--timeline", "x.svg"], {
    flags: ["--allow-read", "--no-prompt"],
  });
  assertEquals([code, lines], [1, []]);
  assertStringIncludes(stderr, "add --allow-write=x.svg");
});

Deno.test("--help of an example tells of --timeline, in its language", async () => {
  const { lines } = await run("threads/deadlock.ts", ["--lang", "zh", "--help"]);
  assert(lines.some((line) => line.startsWith("  --timeline 文件")));
});
