/**
 * What becomes of queues in a file when the file is not as it should be: of somebody else, changed
 * by hand, locked, removed, on a disk that is full or may not be written.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { DatabaseSync } from "node:sqlite";
import { BrokerLostError, Empty, TimeoutError } from "../../lib/errors.ts";
import { builtin } from "../../lib/core/node.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { RemoteQueue } from "../../lib/remote.ts";
import { FileBroker } from "../../lib/remote/file/broker.ts";
import { parseFileUrl } from "../../lib/remote/file/url.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { fileForTests } from "./_file.ts";
import { takeAndEnd } from "./_targets.ts";

const base = fileForTests("faults");
let files = 0;

/** The path of a file that is not there yet. */
const newPath = () => base.replace(/\.db$/, `-${++files}.db`);

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn, 40_000));

function sqlite<T>(path: string, fn: (database: DatabaseSync) => T): T {
  const database = new (builtin("sqlite").DatabaseSync)(path, { timeout: 5000 });
  try {
    return fn(database);
  } finally {
    database.close();
  }
}

/** What the first use of a file is refused with. */
async function refusal(path: string): Promise<string> {
  await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
  const error = await assertRejects(() => queue.put(1), BrokerLostError);
  assertThrows(() => queue.getSync(), BrokerLostError);
  assert(error.message.startsWith(`Cannot reach the broker file:${path}: `), error.message);
  return error.message;
}

/** A file with items in it that nobody uses. */
async function fileWith(...items: number[]): Promise<string> {
  const path = newPath();
  await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
  for (const item of items) await queue.put(item);
  return path;
}

test("RemoteQueue in a file that is none of ours says so, and leaves it as it was", async () => {
  const text = newPath();
  await Deno.writeTextFile(text, "This is no database. ".repeat(100));
  assertMatch(await refusal(text), /none of ours \(file is not a database\)/);
  assertMatch(await Deno.readTextFile(text), /^This is no database/);

  const strange = newPath();
  sqlite(strange, (database) => {
    database.exec("CREATE TABLE queues(id INTEGER); INSERT INTO queues VALUES (7)");
  });
  assertMatch(await refusal(strange), /it is a database of another program/);
  assertEquals(
    sqlite(strange, (database) => database.prepare("SELECT * FROM queues").all().length),
    1,
  );
  assertMatch(await refusal("/nowhere/at/all/x.db"), /the folder \/nowhere\/at\/all is not there/);
  assertMatch(await refusal(base.replace(/\/[^/]*$/, "")), /it cannot be opened/);
});

test("RemoteQueue in a file with a trigger of somebody else's runs nothing of it", async () => {
  const path = await fileWith(1);
  sqlite(path, (database) => {
    database.exec("CREATE TRIGGER evil AFTER INSERT ON messages BEGIN DELETE FROM messages; END");
  });
  assertMatch(await refusal(path), /its tables are not as they were made/);
  sqlite(path, (database) => {
    assertEquals(database.prepare("SELECT count(*) AS n FROM messages").get()!.n, 1);
    database.exec("DROP TRIGGER evil; PRAGMA user_version = 2");
  });
  assertMatch(await refusal(path), /it was made by another version: 2, and this one reads 1/);
});

test("RemoteQueue in a file: rows that were changed by hand are put aside, or told", async () => {
  const path = await fileWith(1, 2, 3, 4);
  sqlite(path, (database) => {
    const set = database.prepare("UPDATE messages SET headers = ? WHERE id = ?");
    set.run("no JSON", 1);
    set.run('{"type":"item","id":1,"format":"","headers":{}}', 2);
    set.run('{"type":"item","id":"","format":"","headers":{"a":{}}}', 3);
    // A party that never was, whose name leads elsewhere.
    database.prepare("INSERT INTO parties(token) VALUES (?)").run("../keep.txt");
  });
  const keep = base.replace(/[^/]*$/, "keep.txt");
  await Deno.writeTextFile(keep, "not yours");
  {
    await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
    assertEquals(await queue.get({ timeout: 5000 }), 4);
    assertEquals(await queue.size(), 0);
  }
  assertEquals(await Deno.readTextFile(keep), "not yours");
  sqlite(path, (database) => {
    const rows = database.prepare("SELECT headers FROM messages").all();
    assertEquals(rows.length, 3);
    for (const { headers } of rows) {
      assertMatch(JSON.parse(String(headers)).headers.reason, /^unreadable: /);
    }
    database.exec(`UPDATE queues SET spec = '{"name":"q.q","kind":"evil"}'`);
  });
  await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
  const error = await assertRejects(() => queue.put(1), BrokerLostError);
  assertMatch(error.message, /it is damaged: the properties of a queue are/);
});

test("RemoteQueue in a file that is damaged says so", async () => {
  const path = await fileWith(...Array.from({ length: 200 }, (_, k) => k));
  const bytes = await Deno.readFile(path);
  // All pages but the first: the schema is as it was.
  await Deno.writeFile(path, bytes.fill(0xa5, 4096 * 6));
  await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
  const error = await assertRejects(async () => {
    for (let k = 0; k < 200; k++) await queue.get({ timeout: 5000 });
  }, BrokerLostError);
  assertMatch(error.message, /it is damaged|none of ours/);
});

test("RemoteQueue in a file that somebody has locked waits, and says why", async () => {
  const path = await fileWith();
  await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
  await queue.put(1);
  await using hasty = new RemoteQueue<number>("q", { url: `file:${path}`, patience: 1500 });
  const other = new (builtin("sqlite").DatabaseSync)(path);
  try {
    other.exec("BEGIN IMMEDIATE");
    const lost = assertRejects(() => hasty.put(9), BrokerLostError, "out of reach for 1500 ms");
    const put = queue.put(2);
    await assertRejects(
      () => queue.put(3, { timeout: 1500 }),
      TimeoutError,
      "the broker is out of reach: another program has it locked",
    );
    await lost;
    other.exec("COMMIT");
    await put;
    assertEquals([await queue.get(), await queue.get()], [1, 2]);
    // What was given up has not been put.
    assertEquals(await queue.size(), 0);
  } finally {
    other.close();
  }
});

test("RemoteQueue in a file that was removed or replaced is told, not written on", async () => {
  for (const how of ["removed", "replaced"] as const) {
    const path = await fileWith();
    await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
    await queue.put(1);
    for (const end of ["", "-wal", "-shm"]) await Deno.remove(path + end);
    if (how === "replaced") await Deno.writeTextFile(path, "");
    const error = await assertRejects(() => queue.put(2), BrokerLostError);
    const text = how === "removed" ? "the file was removed" : "another file is in its place";
    assert(error.message.includes(text), error.message);
  }
});

/** A broker of a file, closed when the test ends. */
function brokerOf(stack: AsyncDisposableStack, path: string): FileBroker {
  const broker = new FileBroker(`file:${path}`);
  const letGo = holdProgram();
  stack.defer(letGo);
  stack.defer(() => broker.close());
  return broker;
}

const messageOf = (text: string) => ({
  body: new TextEncoder().encode(text),
  headers: {},
  type: "",
  id: text,
  format: "",
});

test("FileBroker: where the file cannot be watched, who waits looks for himself", async () => {
  await using stack = new AsyncDisposableStack();
  const { watchFs } = Deno;
  stack.defer(() => void (Deno.watchFs = watchFs));
  Deno.watchFs = () => {
    throw new Error("too many watchers");
  };
  const path = newPath();
  const [a, b] = [brokerOf(stack, path), brokerOf(stack, path)];
  await a.declare({ name: "q", kind: "counted" });
  const { promise, resolve } = Promise.withResolvers<string>();
  await a.consume("q", { prefetch: 1 }, ({ id }) => resolve(id));
  await b.publish("q", messageOf("found"));
  assertEquals(await promise, "found");
});

test("FileBroker: of the dead the oldest are dropped when there are too many", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = brokerOf(stack, newPath());
  await broker.declare({ name: "dead", kind: "plain", max: 2, overflow: "drop" });
  await broker.declare({ name: "q", kind: "counted", deadTo: "dead" });
  for (const text of ["1", "2", "3"]) await broker.publish("q", messageOf(text));
  await broker.consume("q", { prefetch: 1 }, (delivery) => void delivery.bury("for a test"));
  const buried: string[] = [];
  await until(async () => (await broker.depth("q"))?.ready === 0);
  assertEquals((await broker.depth("dead"))?.ready, 2);
  await broker.consume("dead", { prefetch: 5 }, ({ id }) => void buried.push(id));
  await until(() => buried.length === 2);
  assertEquals(buried, ["2", "3"]);
});

test("FileBroker.publish() refuses what a file cannot hold", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = brokerOf(stack, newPath());
  await broker.declare({ name: "q", kind: "counted" });
  const endless = { ...messageOf("1"), headers: { size: Infinity } };
  await assertRejects(() => broker.publish("q", endless), TypeError, '"size" must be finite');
  const large = { ...messageOf("2"), body: { length: 1e9 } as Uint8Array<ArrayBuffer> };
  await assertRejects(() => broker.publish("q", large), RangeError, "a file takes 999000000");
  assertEquals((await broker.depth("q"))?.ready, 0);
});

/** Mounts a small file system on a folder; whether that may be. */
function mount(folder: string, options: string): boolean {
  try {
    const args = ["-t", "tmpfs", "-o", options, "tmpfs", folder];
    return new Deno.Command("mount", { args, stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const small = Deno.makeTempDirSync({ prefix: "switchyard-test-" });
const canMount = mount(small, "size=2m");
addEventListener("unload", () => {
  if (canMount) new Deno.Command("umount", { args: [small] }).outputSync();
  Deno.removeSync(small);
});

Deno.test({
  name: "RemoteQueue in a file: puts wait while the disk is full, and say so",
  ignore: !canMount,
  fn: () =>
    limited(async () => {
      const path = `${small}/full.db`;
      await using queue = new RemoteQueue<Uint8Array>("q", { url: `file:${path}`, patience: 8000 });
      for (const size of [1000, 2000]) await queue.put(new Uint8Array(size));
      await Deno.writeFile(`${small}/ballast`, new Uint8Array(1_500_000));
      const put = queue.put(new Uint8Array(600_000));
      await assertRejects(
        () => queue.put(new Uint8Array(600_000), { timeout: 700 }),
        TimeoutError,
        "the broker is blocked: its disk is full (database or disk is full)",
      );
      // What is there can be taken all the same.
      assertEquals((await queue.get({ timeout: 5000 })).length, 1000);
      assertEquals(await queue.size(), 1);
      await Deno.remove(`${small}/ballast`);
      await put;
      assertEquals((await queue.get()).length, 2000);
      assertEquals((await queue.get()).length, 600_000);
      await assertRejects(() => queue.get({ timeout: 50 }), Empty);
    }, 40_000),
});

Deno.test({
  name: "RemoteQueue in a file that may not be written says so",
  ignore: !canMount,
  fn: () =>
    limited(async () => {
      const path = `${small}/read.db`;
      {
        await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
        await queue.put(1);
      }
      const remount = (mode: string) => {
        const args = ["-o", `remount,${mode}`, small];
        assert(new Deno.Command("mount", { args }).outputSync().success);
      };
      remount("ro");
      try {
        assertMatch(await refusal(path), /it may not be written|it cannot be opened|Read-only/);
      } finally {
        remount("rw");
      }
      await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
      assertEquals(await queue.get(), 1);
    }, 40_000),
});

test("RemoteQueue: a URL of a file is read as it is written", async () => {
  const good: [string, string, string][] = [
    ["file:/a/b.db", "/a/b.db", "sy"],
    ["file:///a/b.db", "/a/b.db", "sy"],
    ["FILE://localhost/a/b.db?prefix=shop", "/a/b.db", "shop"],
    ["file:/a/../c%20d%3f%25#e.db", "/c d?%#e.db", "sy"],
    ["file:b.db", `${Deno.cwd()}/b.db`, "sy"],
    ["file:./b.db?prefix=%C3%BC%26", `${Deno.cwd()}/b.db`, "ü&"],
  ];
  for (const [url, path, prefix] of good) {
    const address = parseFileUrl(url);
    assertEquals([address.path, address.prefix, address.place], [path, prefix, `file:${path}`]);
    assertEquals(parseFileUrl(address.url), address);
  }
  const bad: [string, RegExp][] = [
    ["file:", /it must name a file/],
    ["file:/tmp/", /it must name a file/],
    ["file://host/a.db", /it must be as file:jobs\.db/],
    ["file:/a%zz", /two hexadecimal digits/],
    ["file:/a%00b", /zero/],
    ["file:/a.db?sync=off", /its option is prefix, received "sync"/],
    ["file:/a.db?prefix=", /prefix must not be empty/],
  ];
  for (const [url, text] of bad) {
    const error = assertThrows(() => new RemoteQueue("q", { url }), TypeError);
    assertMatch(error.message, text);
  }
  await using queue = new RemoteQueue("jobs", { url: "file:/a/jobs.db" });
  assertEquals(Deno.inspect(queue), "RemoteQueue(jobs, file:/a/jobs.db)");
});

test("RemoteQueue of a relative file is the same in a process in another folder", async () => {
  const path = newPath();
  const { dir: folder, name } = builtin("path").parse(path);
  const old = Deno.cwd();
  Deno.chdir(folder);
  let queue: RemoteQueue<number>;
  let said: RemoteQueue<string>;
  try {
    queue = new RemoteQueue<number>("q", { url: `file:${name}.db` });
    said = new RemoteQueue<string>("said", { url: `file:${name}.db` });
  } finally {
    Deno.chdir(old);
  }
  await queue.put(5);
  await new Process(takeAndEnd, { args: [queue, said] }).start().join();
  assertEquals(await said.get(), "5.1");
  await queue.close();
  await said.close();
  assert((await Deno.stat(path)).isFile);
});

test("RemoteQueue in a file: two prefixes are two sets of queues; the file is private", async () => {
  const path = newPath();
  await using a = new RemoteQueue<string>("q", { url: `file:${path}` });
  await using b = new RemoteQueue<string>("q", { url: `file:${path}?prefix=other`, maxsize: 3 });
  await a.put("a");
  await b.put("b");
  const modes = ["", "-wal", "-shm", "-users"].map((end) => {
    return (Deno.statSync(path + end).mode! & 0o777).toString(8);
  });
  assertEquals(modes, ["600", "600", "600", "700"]);
  assertEquals([await a.get(), await b.get()], ["a", "b"]);
  assertEquals([await a.size(), await b.size()], [0, 0]);
});

test("RemoteQueue in a file that has two names is one queue", async () => {
  const path = newPath();
  await using one = new RemoteQueue<number>("q", { url: `file:${path}` });
  await one.put(1);
  const link = newPath();
  await Deno.symlink(path, link);
  const taken = await one.take();
  await using other = new RemoteQueue<number>("q", { url: `file:${link}` });
  // The first is alive, and keeps what it has taken.
  await assertRejects(() => other.take({ timeout: 400 }), Empty);
  assertEquals(await taken.done(), true);
});

test("RemoteQueue in a file whose user was taken for dead is told", async () => {
  const path = newPath();
  await using queue = new RemoteQueue<number>("q", { url: `file:${path}` });
  await queue.put(1);
  const taken = await queue.take();
  for (const { name } of Deno.readDirSync(`${path}-users`)) {
    Deno.removeSync(`${path}-users/${name}`);
  }
  // Another connection, which looks who is there.
  await using third = new RemoteQueue<number>("other", { url: `file:${path}?prefix=other` });
  await third.size();
  const error = await assertRejects(() => queue.put(2), BrokerLostError);
  assertMatch(error.message, /others take this program for dead/);
  await assertRejects(() => taken.done(), BrokerLostError);
});

test("RemoteQueue in a file beside a folder that others may write says so", async () => {
  const path = newPath();
  await Deno.mkdir(`${path}-users`);
  await Deno.chmod(`${path}-users`, 0o777);
  assertMatch(await refusal(path), /-users is not a folder of mode 0700/);
});

test("RemoteQueue in a file takes --allow-read and --allow-write of its folder, no more", async () => {
  const path = newPath();
  const folder = path.replace(/\/[^/]*$/, "");
  const library = new URL("../../lib/", import.meta.url);
  const script = `${path}.ts`;
  await Deno.writeTextFile(
    script,
    `
    import { RemoteQueue } from ${JSON.stringify(new URL("remote.ts", library).href)};
    async function main() {
      const queue = new RemoteQueue("q", { url: ${JSON.stringify(`file:${path}`)} });
      await queue.put("here");
      console.log(await queue.get());
      await queue.close();
    }
    main(); // nobody awaits it
  `,
  );
  const read = `${new URL("../../", import.meta.url).pathname},${folder}`;
  const run = async (...flags: string[]) => {
    const args = ["run", "--no-check", "--quiet", "--no-prompt", ...flags, script];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      env: { NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  assertEquals(await run(`--allow-read=${read}`, `--allow-write=${folder}`), "here\n");
  const text = await run(`--allow-read=${read}`);
  assertMatch(text, /it takes --allow-read and --allow-write of the folder/);
});

test("remote loads SQLite when a URL of a file is used, and not before", async () => {
  const entry = new URL("../../lib/remote.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry] })
    .output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  // deno-lint-ignore no-explicit-any -- the part of Deno's answer that is needed
  const known = new Map<string, any>(modules.map((module: any) => [module.specifier, module]));
  const loaded = new Set([entry]);
  for (const specifier of loaded) {
    for (const { code, isDynamic } of known.get(specifier)?.dependencies ?? []) {
      if (code?.specifier !== undefined && !isDynamic) loaded.add(code.specifier);
    }
  }
  assert([...loaded].some((specifier) => specifier.endsWith("/remote/file/url.ts")));
  const wrong = [...loaded].filter((specifier) =>
    /remote\/file\/(?!url\.ts)|amqp_broker|sqlite/.test(specifier)
  );
  assertEquals(wrong, []);
});
