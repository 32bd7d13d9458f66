/**
 * What keeps a program alive: its waits for others do, until `unref()`.
 *
 * Each test is a script that has nothing else to do, and whose main() nobody awaits.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { DEVNULL, run } from "../../lib/subprocess.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { test } from "./_limit.ts";

const FACES = ["subprocess", "signal", "os"].map((name) =>
  `import * as ${name} from "${new URL(`../../lib/${name}.ts`, import.meta.url)}";`
).join("\n");

/** Runs a script whose main() says what it has come to; gives what it prints. */
async function script(main: string, flags = ["-A"]): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `${FACES}
    const { DEVNULL, PIPE, Popen, pipeline, run } = subprocess;
    const sh = (script: string) => ["sh", "-c", script];
    async function main() { ${main} }
    main();`,
  );
  try {
    const args = [Deno.execPath(), "run", "--quiet", "--no-config", "--no-check", ...flags, file];
    const ended = await run(args, { captureOutput: true, text: true, stdin: DEVNULL, check: true });
    return ended.stdout;
  } finally {
    await Deno.remove(file);
  }
}

/** A program that writes a line and ends, each after a while. */
const SLOW = `sh("sleep 0.15; echo said; sleep 0.15; exit 3")`;

const WAITS: Record<string, [main: string, prints: string]> = {
  "run()": [`console.log((await run(${SLOW}, { captureOutput: true })).returncode)`, "3\n"],
  "run() of what is not captured": [`console.log((await run(sh("sleep 0.2"))).returncode)`, "0\n"],
  "run({ timeout })": [
    `console.log(await run(["sleep", "60"], { timeout: 200 }).catch((error) => error.name))`,
    "TimeoutExpired\n",
  ],
  "pipeline()": [
    `console.log((await pipeline(${SLOW}, ["cat"], { text: true })).stdout)`,
    "said\n\n",
  ],
  "call()": [`console.log(await subprocess.call(sh("sleep 0.2")))`, "0\n"],
  "checkOutput()": [
    `console.log(await subprocess.checkOutput(sh("sleep 0.2; echo x"), { text: true }))`,
    "x\n\n",
  ],
  "Popen.wait()": [`console.log(await new Popen(${SLOW}, { stdout: PIPE }).wait())`, "3\n"],
  "Popen.wait({ timeout })": [
    `const child = new Popen(["sleep", "60"]);
    console.log(await child.wait({ timeout: 100 }).catch((error) => error.name));
    console.log(await child.stop());`,
    "TimeoutExpired\n-15\n",
  ],
  "Popen.communicate()": [
    `console.log(await new Popen(${SLOW}, { stdout: PIPE, text: true }).communicate())`,
    '[ "said\\n", null ]\n',
  ],
  "Popen.stop()": [
    `const child = new Popen(sh("trap '' TERM; while :; do sleep 0.05; done"));
    console.log([-9, -15].includes(await child.stop({ grace: 200 })))`,
    "true\n",
  ],
  "PipeReader.readline()": [
    `const child = new Popen(${SLOW}, { stdout: PIPE });
    console.log(await child.stdout.readline(), await child.wait())`,
    "said 3\n",
  ],
  "PipeReader.read() when the program has ended and a descendant has not": [
    `const child = new Popen(sh("(sleep 0.4; echo late) &"), { stdout: PIPE, text: true });
    await child.wait();
    console.log(await child.stdout.read())`,
    "late\n\n",
  ],
  "iteration over a PipeReader": [
    `const child = new Popen(${SLOW}, { stdout: PIPE });
    for await (const chunk of child.stdout) console.log(chunk.length);`,
    "5\n",
  ],
  "PipeWriter.write()": [
    `const child = new Popen(sh("sleep 0.3; cat >/dev/null"), { stdin: PIPE });
    await child.stdin.write(new Uint8Array(1 << 20));
    await child.stdin.close();
    console.log(await child.wait());`,
    "0\n",
  ],
  "os.wait() and waitpid()": [
    `new Popen(sh("sleep 0.1; exit 1"));
    const { pid } = new Popen(sh("sleep 0.2; exit 2"));
    console.log((await os.wait())[1] >> 8, (await os.waitpid(pid))[1] >> 8);`,
    "1 2\n",
  ],
  "pause()": [
    `console.log(await signal.pause({ timeout: 200 }).catch((error) => error.name))`,
    "TimeoutError\n",
  ],
};

for (const [name, [main, prints]] of Object.entries(WAITS)) {
  for (const flags of [["-A"], ["--allow-run"]]) {
    test(`${name} keeps the program alive until it settles [${flags}]`, async () => {
      assertEquals(await script(main, flags), prints);
    });
  }
}

const NULL = "stdin: DEVNULL, stderr: DEVNULL";
const STARTED: Record<string, string> = {
  "no pipes": `{ ${NULL}, stdout: DEVNULL }`,
  "piped stdout": `{ ${NULL}, stdout: PIPE }`,
  "three pipes": "{ stdin: PIPE, stdout: PIPE, stderr: PIPE }",
};

for (const flags of [["-A"], ["--allow-run"]]) {
  for (const [name, options] of Object.entries(STARTED)) {
    test(`Popen.unref(): the program ends, what it has started runs on [${name}, ${flags}]`, async () => {
      const pid = Number(
        await script(
          `const child = new Popen(["sleep", "20"], ${options});
          child.unref();
          console.log(child.pid);`,
          flags,
        ),
      );
      assert(isAlive(pid));
      Deno.kill(pid, "SIGKILL");
      await until(() => !isAlive(pid));
    });
  }
}

test("Popen.unref() goes for waits and reads that are going on, ref() takes it back", async () => {
  const started = `const child = new Popen(["sleep", "1"], { stdout: PIPE, stdin: PIPE });`;
  const waits = `child.wait().then(() => console.log("waited"));
    child.stdout.readline().then(() => console.log("read"));`;
  assertEquals(await script(`${started} ${waits} child.unref();`), "");
  assertEquals(await script(`${started} child.unref(); ${waits}`), "");
  const both = (await script(`${started} ${waits} child.unref(); child.ref();`)).trim().split("\n");
  assertEquals(both.toSorted(), ["read", "waited"]);
});

test("A pipe that nobody reads keeps no program alive once its program has ended", async () => {
  const pid = Number(
    await script(
      `const child = new Popen(sh("sleep 30 2>&1 & echo $!"), { stdout: PIPE });
      console.log(await child.stdout.readline());
      await child.wait();`,
    ),
  );
  assert(isAlive(pid));
  Deno.kill(pid, "SIGKILL");
});
