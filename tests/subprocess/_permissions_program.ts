/**
 * Tries everything, and prints what comes of it.
 *
 * @module
 */
import { PIPE, pipeline, Popen, run, runSync, STDOUT } from "../../lib/subprocess.ts";

const text = { text: true } as const;
const pipes = { stdin: PIPE, stdout: PIPE, text: true } as const;

async function end(child: Popen): Promise<void> {
  child.kill();
  await child.wait();
}

const TRIES: Record<string, () => Promise<unknown> | unknown> = {
  "run": async () => (await run(["true"])).returncode,
  "run, input": async () => (await run(["cat"], { input: "x", stdout: PIPE, ...text })).stdout,
  "run, timeout": () => run(["cat"], { input: new ReadableStream<string>(), timeout: 50 }),
  "runSync": () => runSync(["true"]).returncode,
  "Popen": async () => (await new Popen(["cat"], pipes).communicate("x"))[0],
  "Popen, joined": async () => {
    const first = new Popen(["cat"], pipes);
    const second = new Popen(["cat"], { stdin: first.stdout, stdout: PIPE, ...text });
    await first.stdin.write("x");
    await first.stdin.close();
    const [stdout] = await second.communicate();
    await first.wait();
    return stdout;
  },
  "pipeline": async () => (await pipeline(["cat"], ["cat"], { input: "x", ...text })).stdout,
  "env without PATH": async () =>
    (await run(["cat"], { env: { A: "1" }, input: "x", stdout: PIPE, ...text })).stdout,
  "env without PATH, runSync": () => runSync(["true"], { env: { A: "1" } }).returncode,
  "env without PATH, another": () => run(["sh"], { env: { A: "1" } }),
  "onLine, maxOutput": async () => {
    const said: string[] = [];
    await run(["cat"], { input: "x\ny", onLine: (line) => said.push(line), maxOutput: 3 });
    return said;
  },
  "stop": () => new Popen(["cat"], pipes).stop(),
  "stop, tree": async () => {
    const child = new Popen(["cat"], pipes);
    try {
      return await child.stop({ tree: true });
    } finally {
      await child.stop();
    }
  },
  "another": () => run(["sh", "-c", ":"]),
  "missing": () => run(["no-such-program"]),
  "STDOUT": async () =>
    (await run(["cat"], { input: "x", stdout: PIPE, stderr: STDOUT, ...text })).stdout,
  "descriptor": async () => (await run(["cat"], { stdin: 0 })).returncode,
  "tree": async () => (await run(["true"], { tree: true, timeout: 5000 })).returncode,
  "waitSync": async () => {
    const child = new Popen(["cat"], { stdin: PIPE });
    try {
      await child.stdin.close();
      return child.waitSync();
    } finally {
      await end(child);
    }
  },
  "communicateSync": async () => {
    const child = new Popen(["cat"], pipes);
    try {
      return child.communicateSync("x")[0];
    } finally {
      child.stdout.close();
      await end(child);
    }
  },
};

const said: Record<string, string> = {};
for (const [name, attempt] of Object.entries(TRIES)) {
  try {
    said[name] = `ok: ${await attempt()}`;
  } catch (error) {
    said[name] = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
console.log(JSON.stringify(said));
