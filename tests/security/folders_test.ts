/**
 * Folders of sockets: nobody makes a process remove, open or grant one that is not the family's.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { exists } from "@std/fs";
import {
  faultOf,
  makePrivateFolder,
  removeDeadFolder,
  removeFolder,
} from "../../lib/channel/socket/private_folder.ts";
import { permissionFlags } from "../../lib/child/process/permissions.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { giveUp } from "../../lib/multiprocessing/pipe_broker.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { within } from "../_help/within.ts";
import { LEAST } from "./_peer.ts";
import { returnForged, sendForged } from "./_pipe_attackers.ts";

function test(name: string, fn: () => Promise<void>, lack?: string): void {
  Deno.test({ ...unless(LACKS.proc ?? lack, name), fn: () => within(20_000, fn()) });
}

const isRoot = LACKS.proc === undefined && Deno.uid() === 0;
const namespace = LACKS.proc !== undefined ? 0 : Deno.statSync("/proc/self/ns/pid").ino;

/** Where this process's folders are. */
function base(): string {
  const folder = makePrivateFolder();
  removeFolder(folder);
  return folder.slice(0, folder.lastIndexOf("/"));
}

/** The number of a process that has ended. */
async function gone(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" }).spawn();
  await child.status;
  return child.pid;
}

let made = 0;
const nameOf = (pid: number, space: unknown) => `switchyard-${pid}-${space}-${Deno.pid}x${made++}`;

/** Makes a folder with files in it, among them those of a dead process of ours. */
function makeVictim(folder: string, files = ["boot", "precious"], mode = 0o700): string {
  Deno.mkdirSync(folder, { mode });
  Deno.chmodSync(folder, mode);
  for (const file of files) Deno.writeTextFileSync(`${folder}/${file}`, file);
  return folder;
}

test("removeDeadFolder() removes a dead folder of ours, and nothing else", async () => {
  const [home, pid] = [base(), await gone()];
  const dead = makeVictim(`${home}/${nameOf(pid, namespace)}`, ["boot"]);
  removeDeadFolder(dead);
  assertEquals(await exists(dead), false);
  const elsewhere = await Deno.makeTempDir();
  const kept = {
    "of a process that lives": makeVictim(`${home}/${nameOf(Deno.ppid, namespace)}`),
    "of another namespace": makeVictim(`${home}/${nameOf(pid, 1)}`),
    "of an unknown namespace": makeVictim(`${home}/${nameOf(pid, 0)}`),
    "of another name": makeVictim(`${home}/other-${pid}-${namespace}-x${made++}`),
    "that is not private": makeVictim(`${home}/${nameOf(pid, namespace)}`, undefined, 0o755),
    "in another folder": makeVictim(`${elsewhere}/${nameOf(pid, namespace)}`),
  };
  const target = makeVictim(`${elsewhere}/target`);
  const link = `${home}/${nameOf(pid, namespace)}`;
  Deno.symlinkSync(target, link);
  for (const [what, folder] of Object.entries({ ...kept, "behind a link": link })) {
    removeDeadFolder(folder);
    removeDeadFolder(`${folder}/`);
    removeFolder(folder);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(files, ["boot", "precious"], what);
  }
  // What somebody else has put into a dead one stays, and so does the folder.
  const full = makeVictim(`${home}/${nameOf(pid, namespace)}`);
  removeDeadFolder(full);
  assertEquals([...Deno.readDirSync(full)].map(({ name }) => name), ["precious"]);
  Deno.removeSync(link);
  for (const folder of [...Object.values(kept), full, elsewhere]) {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
});

test("the first folder that a program makes has dead ones of ours removed, and nothing else", async () => {
  const home = await Deno.makeTempDir();
  const pid = await gone();
  const dead = `${home}/${nameOf(pid, namespace)}`;
  makeVictim(dead, ["boot"]);
  const elsewhere = makeVictim(`${home}/elsewhere`);
  const link = `${home}/${nameOf(pid, namespace)}`;
  Deno.symlinkSync(elsewhere, link);
  const kept: Record<string, string> = {
    "of a process that lives": makeVictim(`${home}/${nameOf(Deno.pid, namespace)}`),
    "of another namespace": makeVictim(`${home}/${nameOf(pid, 1)}`),
    "of an unknown namespace": makeVictim(`${home}/${nameOf(pid, 0)}`),
    "of another name": makeVictim(`${home}/not-${nameOf(pid, namespace)}`),
    "that is not private": makeVictim(`${home}/${nameOf(pid, namespace)}`, undefined, 0o755),
    "behind a link": link,
  };
  if (Deno.uid() === 0) {
    kept["of another user"] = makeVictim(`${home}/${nameOf(pid, namespace)}`);
    Deno.chownSync(kept["of another user"], 65534, 65534);
  }
  // More than we have put there, and in depth.
  const full = makeVictim(`${home}/${nameOf(pid, namespace)}`, undefined);
  makeVictim(`${full}/inner`);
  const module = new URL("../../lib/channel/socket/private_folder.ts", import.meta.url).href;
  const code = `import { makePrivateFolder, removeFolder } from "${module}";
    removeFolder(makePrivateFolder());`;
  const { code: exitcode } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    env: { TMPDIR: home },
  }).output();
  assertEquals(exitcode, 0);
  const filesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  for (const [what, folder] of Object.entries(kept)) {
    assertEquals(filesIn(folder), ["boot", "precious"], what);
  }
  assertEquals(await exists(dead), false);
  assertEquals([filesIn(full), filesIn(`${full}/inner`)], [["inner", "precious"], [
    "boot",
    "precious",
  ]]);
  await Deno.remove(home, { recursive: true });
});

test("removeFolder() removes what this thread has made, but nothing that others put there", async () => {
  const folder = makePrivateFolder();
  Deno.mkdirSync(`${folder}/inner`);
  removeFolder(folder);
  assertEquals(await exists(`${folder}/inner`), true);
  removeFolder(folder);
  await Deno.remove(folder, { recursive: true });
});

test("folders of another user are none of ours", async () => {
  const folder = makeVictim(`${base()}/${nameOf(await gone(), namespace)}`, ["boot"]);
  Deno.chownSync(folder, 65534, 65534);
  assertMatch(faultOf(folder)!, /another user/);
  removeDeadFolder(folder);
  assertEquals(await exists(`${folder}/boot`), true);
  await Deno.remove(folder, { recursive: true });
}, isRoot ? undefined : "only root can give a folder away");

test("another user sees nothing of a folder of ours, and gets nowhere", async () => {
  const [here, there] = socketPipe<unknown>(true);
  const folder = makePrivateFolder();
  Deno.writeTextFileSync(`${folder}/boot`, "secret");
  const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
  const commands = ["ls", "cat", "rm"].map((program) =>
    new Deno.Command("setpriv", {
      args: [
        ...["--reuid=65534", "--regid=65534", "--clear-groups"],
        ...[program, program === "ls" ? folder : `${folder}/boot`],
      ],
      stderr: "null",
    })
  );
  for (const command of commands) assertEquals((await command.output()).success, false);
  assertEquals(Deno.readTextFileSync(`${folder}/boot`), "secret");
  listener.close();
  removeFolder(folder);
  here.close();
  there.close();
}, isRoot && hasSetpriv() ? undefined : "only root can be another user, by setpriv");

function hasSetpriv(): boolean {
  try {
    return new Deno.Command("setpriv", { args: ["--version"], stdout: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/** Addresses that name a folder which nobody answers in, each as it might be forged. */
function forgeries(folder: string): object[] {
  const address = {
    folder,
    token: "0".repeat(64),
    ticket: "0".repeat(32),
    key: "0".repeat(64),
    end: 0,
    duplex: true,
    isBelow: false,
    pipe: crypto.randomUUID(),
  };
  return [address, { ...address, ticket: crypto.randomUUID() }];
}

test("a connection that a child has made up makes its parent remove nothing", async () => {
  const victim = makeVictim(await Deno.makeTempDir() + "/victim");
  const ours = makeVictim(`${base()}/${nameOf(Deno.ppid, namespace)}`);
  for (const folder of [victim, ours]) {
    for (const address of forgeries(folder)) {
      const child = new Process(returnForged, {
        args: [address],
        permissions: { ...LEAST as object, write: true, net: true },
      }).start();
      // A folder of ours, where nobody is: a connection that has ended.
      const end = await child.result().catch((error) => error);
      if (folder === victim || address === forgeries(folder)[1]) {
        assert(end instanceof Error, String(end));
      }
      if (!(end instanceof Error)) {
        await assertRejects(() => (end as { recv(): Promise<unknown> }).recv());
        (end as { close(): void }).close();
      }
      await child.join();
      assertEquals(await exists(`${folder}/precious`), true);
      assertEquals(await exists(`${folder}/boot`), true);
    }
  }
  await Deno.remove(victim, { recursive: true });
  await Deno.remove(ours, { recursive: true });
});

test("addresses in a message that nobody receives make its home remove nothing", async () => {
  const victim = makeVictim(await Deno.makeTempDir() + "/victim");
  const ours = makeVictim(`${base()}/${nameOf(Deno.ppid, namespace)}`);
  const [here, there] = socketPipe<unknown>(true);
  const addresses = [victim, ours].flatMap(forgeries);
  const odd = [null, 1, "x", {}, [], { folder: victim }, { folder: 1 }];
  const child = new Process(sendForged, {
    args: [there, [...addresses, ...odd] as object[]],
    permissions: LEAST,
  }).start();
  there.close();
  // They come by two ways.
  assertEquals([await here.recv(), await here.recv()].toSorted(), ["nothing", "sent"]);
  await child.join();
  const [box, far] = socketPipe<unknown>(true);
  const second = new Process(sendForged, {
    args: [far, [...addresses, ...odd] as object[]],
    permissions: LEAST,
  }).start();
  far.close();
  await second.join();
  box.close();
  here.close();
  for (const address of [...addresses, ...odd]) giveUp(address);
  // What is given up is gone for somewhere else, if at all: let it be tried.
  await delay(200);
  for (const folder of [victim, ours]) {
    assertEquals(await exists(`${folder}/precious`), true);
    assertEquals(await exists(`${folder}/boot`), true);
    await Deno.remove(folder, { recursive: true });
  }
});

test("a child is let into no folder that is not a socket's of ours", async () => {
  const own = makePrivateFolder();
  const other = makeVictim(await Deno.makeTempDir() + "/victim");
  const wide = makeVictim(`${base()}/${nameOf(Deno.pid, namespace)}`, [], 0o755);
  const address = `unix:${own}/socket`;
  const sockets = [own, other, wide, `${own},/etc`, "/", ""];
  const needs = { folder: own, address, modules: [], sockets };
  const named = makeVictim(`${base()}/not-${nameOf(Deno.pid, namespace)}`);
  needs.sockets.push(named);
  const flags = permissionFlags(LEAST, needs).join(" ");
  assert(flags.includes(own));
  for (const folder of [other, wide, named, "/etc"]) assert(!flags.includes(folder), folder);
  for (const folder of [own, other, wide, named]) await Deno.remove(folder, { recursive: true });
});

test("a child is let into no socket's folder where its parent may not go itself", async () => {
  const [own, other] = [makePrivateFolder(), makePrivateFolder()];
  const module = new URL("../../lib/child/process/permissions.ts", import.meta.url).href;
  const code = `import { permissionFlags } from "${module}";
    for (const [folder, socket] of [Deno.args, Deno.args.toReversed()]) {
      try {
        const needs = { folder, address: "unix:" + folder + "/socket", modules: [], sockets: [socket] };
        console.log(permissionFlags("none", needs).join(" "));
      } catch (error) {
        console.log(error.message);
      }
    }`;
  const net = (folder: string) => `unix:${folder}/socket`;
  const missing = [
    [`--allow-write=${own}`, `--allow-net=${net(own)},${net(other)}`],
    [`--allow-write=${own},${other}`, `--allow-net=${net(own)}`],
  ];
  for (const flags of missing) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-config", "--no-prompt", "--allow-read", ...flags],
        `data:text/javascript,${encodeURIComponent(code)}`,
        ...[own, other],
      ],
    }).output();
    const [granted, refused] = new TextDecoder().decode(stdout).trim().split("\n");
    assertMatch(granted!, /--allow-read/);
    assert(granted!.includes(own) && !granted!.includes(other), granted);
    assertMatch(refused!, /^Cannot start a process: its parent does not have the permission /);
  }
  for (const folder of [own, other]) removeFolder(folder);
});
