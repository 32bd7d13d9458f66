/**
 * What the toolkit stands on and Deno does not promise: one test for each thing, so that after an
 * upgrade of Deno the first red test names the cause. Where Deno itself has changed for the better,
 * the code that works around it may go.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import {
  type MessagePort as NodePort,
  receiveMessageOnPort,
  Worker as NodeWorker,
} from "node:worker_threads";
import { isAlive } from "./_help/alive.ts";
import { within } from "./_help/within.ts";

const LIMIT = 10_000;
const LINUX = Deno.build.os === "linux";
const UNIX = Deno.build.os !== "windows";

function test(name: string, fn: () => Promise<void> | void, unless = ""): void {
  Deno.test({
    name: `Deno: ${name}${unless && ` (skipped: ${unless})`}`,
    ignore: unless !== "",
    fn: async () => {
      // What is awaited here may hold nothing by itself.
      const hold = setInterval(() => {}, LIMIT);
      try {
        await within(LIMIT, fn());
      } finally {
        clearInterval(hold);
      }
    },
  });
}

const onLinux = LINUX ? "" : "it concerns Linux";
const onUnix = UNIX ? "" : "there is nothing like it on Windows";

/** Runs a program of its own. */
async function run(
  code: string,
  flags: string[] = ["-A"],
): Promise<{ code: number; out: string; err: string }> {
  const child = start(code, flags);
  const { code: exitcode, stdout, stderr } = await child.output();
  return { code: exitcode, out: text(stdout), err: text(stderr) };
}

function start(code: string, flags: string[] = ["-A"]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-prompt", ...flags, data(code)],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

function data(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** What the worker of a code posts first. */
async function answerOf(code: string): Promise<unknown> {
  const worker = new Worker(data(code), { type: "module" });
  const answer = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
  worker.terminate();
  return answer;
}

// Memory, and waiting on it

test("Atomics are exact on memory that FFI maps into two processes", async () => {
  const open = `
    const libc = Deno.dlopen("libc.so.6", {
      open: { parameters: ["buffer", "i32"], result: "i32" },
      mmap: { parameters: ["pointer", "u64", "i32", "i32", "i32", "i64"], result: "pointer" },
    });
    const path = new TextEncoder().encode(Deno.args[0] + "\\0");
    const fd = libc.symbols.open(path, 2);
    const at = libc.symbols.mmap(null, 4096n, 3, 1, fd, 0n);
    const words = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(at, 4096));
    Atomics.add(words, 1, 1);
    while (Atomics.load(words, 1) < 2);
    for (let k = 0; k < 100000; k++) Atomics.add(words, 0, 1);
    console.log(Atomics.load(words, 0) > 100000);`;
  const file = await Deno.makeTempFile();
  try {
    await Deno.truncate(file, 4096);
    const both = [0, 1].map(() =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-config", data(open), file],
        stderr: "null",
      }).output()
    );
    for (const { code } of await Promise.all(both)) assertEquals(code, 0);
    assertEquals(new Int32Array((await Deno.readFile(file)).buffer)[0], 200_000);
  } finally {
    await Deno.remove(file);
  }
}, onLinux);

test("the functions of a library work after it was closed", () => {
  const library = Deno.dlopen("libc.so.6", { getpid: { parameters: [], result: "i32" } });
  const { symbols } = library;
  library.close();
  assertEquals(symbols.getpid(), Deno.pid);
}, onLinux);

test("Atomics.wait works in the main thread", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  assertEquals(Atomics.wait(words, 0, 0, 1), "timed-out");
});

test("Atomics.wait refuses memory that is not shared in Deno's sense", () => {
  assertThrows(() => Atomics.wait(new Int32Array(1), 0, 0, 1), TypeError);
});

test("Atomics.waitAsync keeps no program alive, whatever its timeout", async () => {
  const { code, out } = await run(`
    const words = new Int32Array(new SharedArrayBuffer(4));
    Atomics.waitAsync(words, 0, 0).value.then(() => console.log("woken"));
    Atomics.waitAsync(words, 0, 0, 50).value.then(() => console.log("timed out"));`);
  assertEquals([code, out], [0, ""]);
});

test("Atomics.waitAsync that nobody awaits any more still takes a wake-up", async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const first = Atomics.waitAsync(words, 0, 0).value as Promise<string>;
  const second = Atomics.waitAsync(words, 0, 0).value as Promise<string>;
  assertEquals(Atomics.notify(words, 0, 1), 1);
  assertEquals(await Promise.race([first, second.then(() => "second")]), "ok");
  Atomics.notify(words, 0);
  await second;
});

test("a promise alone keeps no program alive", async () => {
  const { code, out } = await run(`
    (async () => {
      await new Promise(() => {});
    })();
    console.log("ends");`);
  assertEquals([code, out], [0, "ends"]);
});

test("a timer of more than 2^31 ms fires at once", async () => {
  const began = performance.now();
  await new Promise((fire) => setTimeout(fire, 2 ** 31));
  assert(performance.now() - began < 5_000);
});

// Modules

test("a module that imports itself in the first turn of its top-level await never gets it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/main.js`;
    const runFile = async (code: string) => {
      await Deno.writeTextFile(path, code);
      const { code: exitcode, stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-config", path],
        stderr: "null",
      }).output();
      return [exitcode, text(stdout)];
    };
    assertEquals(await runFile("await import(import.meta.url); console.log(1);"), [1, ""]);
    // One turn later it does.
    const late = "await new Promise((next) => setTimeout(next, 0)); import(import.meta.url).then(";
    assertEquals(await runFile(`${late}() => console.log(2));`), [0, "2"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

test("import.meta.main is true in a worker's entry, false in what that imports", async () => {
  const inner = data("export const main = import.meta.main;");
  const entry = `import { main } from ${JSON.stringify(inner)};
    postMessage([import.meta.main, main]);`;
  assertEquals(await answerOf(entry), [true, false]);
});

test("Deno.mainModule is not known in a worker", async () => {
  assertEquals(await answerOf("postMessage(String(Deno.mainModule))"), "undefined");
});

test("the main module of stdin and of eval has a name that tells", async () => {
  const args = ["eval", "--no-config", "console.log(Deno.mainModule)"];
  const evaluated = await new Deno.Command(Deno.execPath(), { args }).output();
  assertMatch(text(evaluated.stdout), /\/\$deno\$eval\.\w+$/);
});

// Workers and their messages

test("a message to a Web Worker that has no handler yet is lost", async () => {
  const worker = new Worker(
    data(`
      setTimeout(() => {
        onmessage = ({ data }) => postMessage(data);
        postMessage("ready");
      }, 20);`),
    { type: "module" },
  );
  const heard: unknown[] = [];
  const last = new Promise<void>((resolve) => {
    worker.onmessage = ({ data }) => {
      heard.push(data);
      if (data === "ready") worker.postMessage("late");
      else if (data === "late") resolve();
    };
  });
  worker.postMessage("early");
  await last;
  worker.terminate();
  assertEquals(heard, ["ready", "late"]);
});

test("receiveMessageOnPort() takes from a port that nobody listens on", async () => {
  const { port1, port2 } = new MessageChannel();
  const take = () => receiveMessageOnPort(port2 as unknown as NodePort)?.message;
  port1.postMessage({ n: 1 });
  port1.postMessage(2);
  assertEquals([take(), take(), take()], [{ n: 1 }, 2, undefined]);
  // Also across threads, while this one blocks.
  const { port1: there, port2: here } = new MessageChannel();
  const word = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    data(`onmessage = ({ data: { there, word } }) => {
      there.postMessage("from there");
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
    };
    postMessage(0);`),
    { type: "module" },
  );
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage({ there, word }, [there]);
  while (Atomics.load(word, 0) === 0) Atomics.wait(word, 0, 0, 100);
  assertEquals(receiveMessageOnPort(here as unknown as NodePort)?.message, "from there");
  worker.terminate();
  for (const port of [port1, port2, here]) port.close();
});

test("Node's built-in modules are there without an import, and the same as by one", () => {
  // deno-lint-ignore no-process-global -- it is what is looked at
  const { receiveMessageOnPort: same } = process.getBuiltinModule("node:worker_threads");
  assertEquals(same, receiveMessageOnPort);
});

// lib/core/ports.ts: loadPorts() or whenLoaded() comes before the first port that is listened to.
test("unref() of a port takes no hold once node:worker_threads was there before it", async () => {
  const program = `
    const node = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {};
    port1.unref();
    const code = "import { parentPort } from 'node:worker_threads';" +
      "parentPort.once('message', (port) => { port.onmessage = () => {}; port.postMessage(1); });";
    const worker = new node.Worker(new URL("data:text/javascript," + code));
    worker.postMessage(port2, [port2]);
    worker.unref();
    setTimeout(() => console.log("over"), 200);`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    signal: AbortSignal.timeout(10_000),
  }).output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "over\n"]);
});

test("receiveMessageOnPort() of a closed port gives nothing, or throws a TypeError", () => {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  let found: unknown;
  try {
    found = receiveMessageOnPort(port1 as unknown as NodePort);
  } catch (error) {
    assert(error instanceof TypeError); // before 2.9.6
  }
  assertEquals(found, undefined);
});

test("structured clone drops the class of an error, its code, and AggregateError's errors", () => {
  class Mine extends Error {
    code = 5;
    override name = "Mine";
  }
  const mine = structuredClone(new Mine("m"));
  assertEquals([mine.constructor, mine.message, "code" in mine], [Error, "m", false]);
  const all = structuredClone(new AggregateError([new Error("one")], "all"));
  assertEquals([all.constructor === AggregateError, all.errors], [false, undefined]);
});

test("structured clone makes an AbortSignal into nothing, without a word", () => {
  const cloned = structuredClone(AbortSignal.abort() as unknown);
  assertEquals([cloned, cloned instanceof AbortSignal], [{}, false]);
});

test("Deno.exit can be replaced in a worker", async () => {
  const code = `const exit = Deno.exit;
    Deno.exit = (code) => { postMessage("caught " + code); exit(code); };
    Deno.exit(3);`;
  assertEquals(await answerOf(code), "caught 3");
});

test("Deno.exit() in a worker ends that alone", async () => {
  const { code, out } = await run(`
    const worker = new Worker(${
    JSON.stringify(data("postMessage(0); setTimeout(() => Deno.exit(7), 0);"))
  }, { type: "module" });
    worker.onmessage = () => setTimeout(() => {
      worker.terminate();
      console.log("goes on");
    }, 100);`);
  assertEquals([code, out], [0, "goes on"]);
});

test("a Web Worker's end is told to nobody", async () => {
  const worker = new Worker(data("postMessage(0); setTimeout(() => close(), 5);"), {
    type: "module",
  });
  const heard: string[] = [];
  for (const type of ["exit", "close", "error"]) {
    worker.addEventListener(type, () => heard.push(type));
  }
  await new Promise((resolve) => worker.onmessage = resolve);
  await delay(100);
  worker.terminate();
  assertEquals(heard, []);
});

test("a worker of node:worker_threads starts from a data: URL, with the parent's environment", async () => {
  const code = `import { parentPort } from "node:worker_threads"; parentPort.postMessage("up");`;
  const worker = new NodeWorker(new URL(data(code)));
  const said = await new Promise((resolve) => worker.on("message", resolve));
  await worker.terminate();
  assertEquals(said, "up");
});

test("a worker of node:worker_threads that never pauses counts as ended at once, and holds up no end", async () => {
  const { code, out } = await run(`
    import { Worker } from "node:worker_threads";
    const loop = new URL(${JSON.stringify(data("for (;;);"))});
    const worker = new Worker(loop);
    worker.on("exit", () => console.log("ended"));
    setTimeout(() => worker.terminate(), 50);`);
  assertEquals([code, out], [0, "ended"]);
});

test(
  "a Web Worker that never pauses goes on after terminate(), and the program does not end",
  async () => {
    const child = start(`
    const worker = new Worker(${
      JSON.stringify(data("postMessage(0); for (;;);"))
    }, { type: "module" });
    worker.onmessage = () => {
      worker.terminate();
      console.log("terminated");
    };`);
    const reader = child.stdout.getReader();
    assertEquals(text((await reader.read()).value!), "terminated");
    const ended = await Promise.race([child.status.then(() => true), delay(300).then(() => false)]);
    child.kill("SIGKILL");
    await reader.cancel();
    await child.stderr.cancel();
    await child.status;
    assertEquals(ended, false);
  },
  onUnix,
);

/** Deno has no types for them. */
const { locks } = navigator as unknown as {
  locks: { request(name: string, fn: () => unknown): Promise<unknown> };
};

test("the locks of navigator.locks that a worker holds are freed at its end", async () => {
  const hold = (name: string, tell: string) =>
    `navigator.locks.request("${name}", () => { ${tell}(0); return new Promise(() => {}); }).catch(() => {});`;
  const name = crypto.randomUUID();
  const worker = new Worker(data(hold(name, "postMessage")), { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  let isFree = false;
  const freed = locks.request(name, () => void (isFree = true));
  await delay(20);
  assert(!isFree);
  worker.terminate();
  await freed;
  const code = `import { parentPort } from "node:worker_threads";
    const tell = (value) => parentPort.postMessage(value); ${hold(name, "tell")}`;
  const node = new NodeWorker(new URL(data(code)));
  await new Promise((resolve) => node.on("message", resolve));
  await node.terminate();
  await locks.request(name, () => {});
});

// The end of a program

test("unload is told at every end of a program's own", async () => {
  for (const end of ["", "Deno.exit(0);", "setTimeout(() => Deno.exit(0), 5);"]) {
    const { code, out } = await run(`
      addEventListener("unload", () => console.log("unload"));
      ${end}`);
    assertEquals([end, code, out], [end, 0, "unload"]);
  }
});

test("beforeunload can be prevented, and the program goes on", async () => {
  const { code, out } = await run(`
    let left = 2;
    addEventListener("beforeunload", (event) => {
      if (left-- === 0) return;
      event.preventDefault();
      setTimeout(() => console.log("on"), 1);
    });`);
  assertEquals([code, out], [0, "on\non"]);
});

test("Deno.exit() tells no beforeunload", async () => {
  const { out } = await run(`
    addEventListener("beforeunload", () => console.log("beforeunload"));
    Deno.exit(0);`);
  assertEquals(out, "");
});

// Children and signals

test(
  "a child that has ended waits for Deno to reap it: its end can be looked at before",
  async () => {
    const libc = Deno.dlopen("libc.so.6", {
      waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
    });
    const child = new Deno.Command("sh", { args: ["-c", "exit 5"] }).spawn();
    // Without a turn of the event loop nobody reaps. WEXITED | WNOWAIT.
    const info = new Int32Array(32);
    assertEquals(libc.symbols.waitid(1, child.pid, info, 4 | 0x1000000), 0);
    assertEquals([info[4], info[6]], [child.pid, 5]);
    assertEquals((await child.status).code, 5);
    libc.close();
  },
  onLinux,
);

test("PR_SET_PDEATHSIG follows the thread that started the child", async () => {
  const die = `
    const libc = Deno.dlopen("libc.so.6", { prctl: { parameters: ["i32", "u64"], result: "i32" } });
    libc.symbols.prctl(1, 9n);
    console.log("armed");
    setTimeout(() => {}, 20_000);`;
  const worker = new Worker(
    data(`
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-config", ${JSON.stringify(data(die))}],
        stdin: "null", stdout: "piped", stderr: "null",
      }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      postMessage(child.pid);`),
    { type: "module" },
  );
  const pid = await new Promise<number>((resolve) =>
    worker.onmessage = ({ data }) => resolve(data)
  );
  assert(isAlive(pid));
  worker.terminate();
  const deadline = performance.now() + 5_000;
  while (isAlive(pid) && performance.now() < deadline) await delay(5);
  assert(!isAlive(pid));
}, onLinux);

test("Deno.exit() leaves children running", async () => {
  const { out } = await run(`
    const child = new Deno.Command("sleep", { args: ["20"], stdin: "null", stdout: "null",
      stderr: "null" }).spawn();
    console.log(child.pid);
    Deno.exit(0);`);
  assert(isAlive(Number(out)));
  Deno.kill(Number(out), "SIGKILL");
}, onLinux);

test("a child that was unref()ed runs on after the program's end", async () => {
  const { code, out } = await run(`
    const child = new Deno.Command("sleep", { args: ["20"], stdin: "null", stdout: "null",
      stderr: "null" }).spawn();
    child.unref();
    console.log(child.pid);`);
  assertEquals([code, isAlive(Number(out))], [0, true]);
  Deno.kill(Number(out), "SIGKILL");
}, onLinux);

test("a child that a signal without a name has killed rejects its status", async () => {
  const { out } = await run(`
    const options = { args: ["-c", "kill -34 $$"] };
    const child = new Deno.Command("sh", options).spawn();
    console.log(await child.status.catch(String));
    try {
      new Deno.Command("sh", options).outputSync();
    } catch (error) {
      console.log(String(error));
    }
    import { spawn } from "node:child_process";
    addEventListener("unhandledrejection", (event) => {
      console.log(String(event.reason), /child_process/.test(event.reason.stack));
      event.preventDefault();
    });
    spawn("sh", options.args).on("exit", () => console.log("exit"));`);
  const error = "TypeError: Invalid signal: 34";
  assertEquals(out, `${error}\n${error}\n${error} true`);
}, onLinux);

test("a child has what it is given by number open a second time", async () => {
  const { out } = await run(`
    import { spawn } from "node:child_process";
    import { openSync } from "node:fs";
    const args = ["-c", "readlink /proc/$$/fd/* | grep -c hostname"];
    spawn("sh", args, { stdio: [openSync("/etc/hostname"), "inherit", "inherit"] });`);
  assertEquals(out, "2");
}, onLinux);

test("outputSync() blames the program for a folder that is not there", () => {
  const command = new Deno.Command("sh", { cwd: "/no/such/folder" });
  assertStringIncludes(assertThrows(() => command.outputSync(), Error).message, "/sh'");
  assertThrows(() => command.spawn(), Deno.errors.NotFound, "cwd");
}, onUnix);

test("SIGUSR1 opens the inspector, whoever listens", async () => {
  const child = start(`
    Deno.addSignalListener("SIGUSR1", () => console.log("heard"));
    console.log("ready");
    setTimeout(() => {}, 20_000);`);
  const reader = child.stdout.getReader();
  await reader.read();
  // The first may come before Deno listens for it.
  const again = setInterval(() => Deno.kill(child.pid, "SIGUSR1"), 50);
  const err = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  // Another program may have the port: then it says that. (With --quiet it says nothing.)
  while (!/debugger|inspector/i.test(said)) {
    const { value, done } = await err.read();
    if (done) break;
    said += value;
  }
  clearInterval(again);
  child.kill("SIGKILL");
  await child.status;
  await Promise.all([reader.cancel(), err.cancel()]);
  assertMatch(said, /debugger|inspector/i);
}, onUnix);

test("a sandboxed program with --allow-run may start this Deno, with flags of its own", async () => {
  const { out } = await run(
    `
    const args = ["eval", "console.log(Deno.permissions.querySync({ name: 'env' }).state)"];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    console.log(new TextDecoder().decode(stdout));`,
    ["--allow-run", "--allow-read"],
  );
  assertEquals(out, "granted");
});

// Permissions

test("permissions.query() says partial of a grant that something was taken from", async () => {
  const ask = `const { state, partial } = await Deno.permissions.query({ name: "read" });
    console.log(state, partial);`;
  const outcomes = [];
  for (
    const flags of [["--allow-read"], ["--allow-read", "--deny-read=/etc"], ["--allow-read=/"]]
  ) {
    outcomes.push((await run(ask, flags)).out);
  }
  assertEquals(outcomes.slice(0, 2), ["granted false", "granted true"]);
  assertMatch(outcomes[2]!, /^(prompt false|granted false)$/);
});

test("--deny-import without hosts does not close the default ones", async () => {
  const ask = `const state = async (host) =>
      (await Deno.permissions.query({ name: "import", host })).state;
    console.log(await state("jsr.io:443"), await state("example.com:443"));`;
  assertEquals((await run(ask, [])).out, "granted prompt");
  assertEquals((await run(ask, ["--deny-import"])).out, "granted denied");
});

test("worker permissions need --unstable-worker-options, else the program ends with code 70", async () => {
  const { code, err } = await run(`
    new Worker("data:text/javascript,", { type: "module", deno: { permissions: "none" } });
    setTimeout(() => {}, 50);`);
  assertEquals(code, 70);
  assertStringIncludes(err, "worker-options");
});

// Sockets

test("the path of a Unix socket has 107 bytes at most", async () => {
  const dir = await Deno.makeTempDir({ dir: "/tmp" });
  try {
    const path = (length: number) => `${dir}/`.padEnd(length, "x");
    Deno.listen({ transport: "unix", path: path(107) }).close();
    const error = assertThrows(() => Deno.listen({ transport: "unix", path: path(108) }), Error);
    assertStringIncludes(error.message, "SUN_LEN");
    await assertRejects(() => Deno.connect({ transport: "unix", path: path(108) }), Error);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}, onLinux);

// lib/child/run.ts: a child's arguments are replaced in place.
test("Deno.args can be changed, and process.argv is made of it at its first use", async () => {
  const { out } = await run(`
    Deno.args.splice(0, Infinity, "a", "b");
    const { default: process } = await import("node:process");
    console.log(JSON.stringify([Deno.args, process.argv.slice(2)]));`);
  assertEquals(out, '[["a","b"],["a","b"]]');
});

// lib/core/signals.ts: statusOf().
test(
  "the status of a child that a signal without a name has killed is a TypeError with its number",
  async () => {
    const { out } = await run(`
    const child = new Deno.Command("sh", { args: ["-c", "kill -34 $$"] }).spawn();
    await child.status.catch((error) => console.log(error.name + ": " + error.message));`);
    assertEquals(out, "TypeError: Invalid signal: 34");
  },
  onLinux,
);

// lib/core/ports.ts: post().
test("receiveMessageOnPort() takes longer for a typed array than for a Set with it", async () => {
  const { out } = await run(`
    import { receiveMessageOnPort } from "node:worker_threads";
    const { port1, port2 } = new MessageChannel();
    const time = (message) => Math.min(...[1, 2, 3].map(() => {
      port1.postMessage(message);
      const began = performance.now();
      receiveMessageOnPort(port2);
      return performance.now() - began;
    }));
    const bytes = new Uint8Array(1_000_000);
    console.log(time(bytes) > 5 * time(new Set([bytes])));
    port1.close();`);
  assertEquals(out, "true");
});
