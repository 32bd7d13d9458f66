/**
 * Siblings: one that attacks, and then some that it attacks. Prints what became of these, and what
 * the first has done.
 *
 * @module
 */
import { currentProcess, Manager, Process } from "../../lib/multiprocessing.ts";
import { context, task } from "../../lib/task.ts";
import { toBytes } from "../../lib/child/process/protocol.ts";
import { referTo } from "../../lib/transfer/task.ts";
import { LEAST } from "./_targets.ts";

export const PASSWORD = "correct horse battery staple";
const TOKEN = 32;
const VICTIMS = 4;
/** As many more, where an attack must be seen to succeed in part: it may come too late. */
const MOST = 40;

/** Told to the attacker by its environment, so that it stands in no boot that is looked through. */
const FOLDER = Deno.args[1]!;

export function tell(password: string): string {
  return `told ${password.length}`;
}

export const evil = task(import.meta, function evil(): string {
  return "EVIL";
});

/** What an attacker does with a folder as soon as it sees it; whether it has acted. */
const ATTACKS: Record<string, (folder: string) => Promise<boolean>> = {
  /** Looks for what it says. */
  read(folder) {
    const bytes = Deno.readFileSync(`${folder}/boot`);
    const text = new TextDecoder("latin1").decode(bytes);
    for (const word of [PASSWORD, "tell", "serve"]) {
      if (text.includes(word)) context().report(`read ${word}`);
    }
    return Promise.resolve(true);
  },
  /** Has the victim run something else. */
  replace(folder) {
    const bytes = Deno.readFileSync(`${folder}/boot`);
    const { pid } = currentProcess();
    const boot = toBytes({
      type: "boot",
      me: { name: "x", daemon: false, parent: { pid, name: "x" } },
      orphan: false,
      watched: false,
      config: 1,
      arena: undefined,
      box: undefined,
      quiet: false,
      main: import.meta.url,
      target: referTo(evil),
      subclass: false,
      args: toBytes([], "args"),
    }, "boot");
    const forged = new Uint8Array(TOKEN + boot.length);
    forged.set(bytes.subarray(0, TOKEN));
    forged.set(boot, TOKEN);
    Deno.writeFileSync(`${folder}/forged`, forged);
    Deno.renameSync(`${folder}/forged`, `${folder}/boot`);
    return Promise.resolve(true);
  },
  /** Alters one byte. */
  alter(folder) {
    const bytes = Deno.readFileSync(`${folder}/boot`);
    const at = bytes.length >> 1;
    bytes[at] = bytes[at]! ^ 1;
    Deno.writeFileSync(`${folder}/altered`, bytes);
    Deno.renameSync(`${folder}/altered`, `${folder}/boot`);
    return Promise.resolve(true);
  },
  /** Speaks in the victim's name. */
  async forge(folder) {
    const bytes = Deno.readFileSync(`${folder}/boot`);
    const conn = await Deno.connect({ transport: "unix", path: `${folder}/socket` });
    await conn.write(bytes.subarray(0, TOKEN));
    await conn.write(forgedEnd());
    setTimeout(() => conn.close(), 300);
    return true;
  },
  /** Comes between: passes on what proves who the victim is, and then speaks in its name. */
  async relay(folder) {
    Deno.renameSync(`${folder}/socket`, `${folder}/true`);
    const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    const parent = await Deno.connect({ transport: "unix", path: `${folder}/true` });
    const child = await listener.accept();
    listener.close();
    const token = new Uint8Array(TOKEN);
    for (let at = 0; at < TOKEN;) at += (await child.read(token.subarray(at)))!;
    await parent.write(token);
    await parent.write(forgedEnd());
    setTimeout(() => [child, parent].forEach((conn) => conn.close()), 300);
    return true;
  },
  /** Comes between, hears all, and passes it on. */
  async listen(folder) {
    Deno.renameSync(`${folder}/socket`, `${folder}/true`);
    const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    const parent = await Deno.connect({ transport: "unix", path: `${folder}/true` });
    const child = await listener.accept();
    listener.close();
    const pass = async (from: Deno.Conn, to: Deno.Conn) => {
      const buffer = new Uint8Array(1 << 16);
      for (let count; (count = await from.read(buffer).catch(() => null)) !== null;) {
        const text = new TextDecoder("latin1").decode(buffer.subarray(0, count));
        if (text.includes("told")) context().report("heard the result");
        await to.write(buffer.subarray(0, count)).catch(() => {});
      }
      to.close();
    };
    pass(child, parent).catch(() => {});
    pass(parent, child).catch(() => {});
    return true;
  },
};

function forgedEnd(): Uint8Array<ArrayBuffer> {
  const end = toBytes({ type: "done", value: toBytes("FORGED", "result") }, "result");
  const frame = new Uint8Array(4 + end.length);
  new DataView(frame.buffer).setUint32(0, end.length);
  frame.set(end, 4);
  return frame;
}

/** Watches the temporary folder until it is ended. */
export async function attack(name: string, folder: string): Promise<void> {
  const seen = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  context().report("ready");
  for (;;) {
    for (const { name: found } of Deno.readDirSync(folder)) {
      if (seen.has(found)) continue;
      try {
        Deno.statSync(`${folder}/${found}/boot`);
        Deno.statSync(`${folder}/${found}/socket`);
        seen.add(found);
        if (await ATTACKS[name]!(`${folder}/${found}`)) context().report("acted");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) context().report(`failed: ${error}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

if (import.meta.main) {
  const [name] = Deno.args;
  const ready = Promise.withResolvers<void>();
  const did: unknown[] = [];
  const isReader = name === "read";
  const attacker = new Process(attack, {
    args: [name, FOLDER],
    permissions: isReader
      ? { ...LEAST, read: true }
      : { ...LEAST, read: true, write: [FOLDER], net: true },
    onReport: (word) => word === "ready" ? ready.resolve() : did.push(word),
  }).start();
  await ready.promise;
  const results: string[] = [];
  const isSeen = ["replace", "alter", "relay"].includes(name!);
  const isUnhurt = () => results.every((result) => result.startsWith("told"));
  // Who comes between attends to one at a time.
  const together = ["relay", "listen"].includes(name!) ? 1 : VICTIMS;
  for (let k = 0; k < VICTIMS || k < MOST && isSeen && isUnhurt(); k += together) {
    const victims = Array.from({ length: together }, (_, n) => {
      const permissions = (k + n) % 2 ? LEAST : {};
      return new Process(tell, { args: [PASSWORD], permissions }).start();
    });
    for (const victim of victims) {
      const result = victim.result();
      results.push(await result.then(String, (error) => `${error.name}: ${error.message}`));
      await victim.join();
    }
  }
  if (isReader) await (await Manager.start()).shutdown();
  await new Promise((resolve) => setTimeout(resolve, 100));
  attacker.kill();
  await attacker.join();
  console.log(JSON.stringify({ results, did }));
}
