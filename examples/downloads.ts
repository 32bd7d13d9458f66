#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net=127.0.0.1
/**
 * Work that waits: files from a server that takes its time, then files on the disk.
 *
 * Each is done in four ways: one after the other, by a thread for each file, by a pool of threads,
 * and by one thread that awaits all of them. Who waits for a network needs no thread: while one
 * answer is on its way, the same thread can ask for the next. The threads of the second way are
 * started while the clock runs; those of the pool are there before.
 *
 * In CPython threads help with a network, since whoever waits lets go of the GIL. With the disk
 * they may even cost time, there as here: the answer is there at once, so there is nothing to gain
 * by waiting for several, and starting threads takes longer than the work.
 *
 * The server is part of this script and listens on this machine alone. Times are measured, so they
 * differ from run to run; what is checked is that every byte arrives.
 *
 * Try:
 *
 *     examples/downloads.ts                  both tables
 *     examples/downloads.ts --latency 300    a server far away: the longer the wait, the more gain
 *     examples/downloads.ts --latency 0      a server that answers at once
 *     examples/downloads.ts --files 40       more files than a pool has threads
 *
 * @module
 */
import { join } from "node:path";
import { ThreadPool } from "../lib/multiprocessing.ts";
import { Thread } from "../lib/threading.ts";
import { sleep } from "../lib/time.ts";
import { fill, inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "./_shared/script.ts";
import { temporaryFolder } from "./_shared/temporary.ts";

const POOL_SIZE = 4;

const WORDS = inLanguage({
  en: {
    usage: `Serial, threads, a pool, await: for downloads, and for files on the disk.

Usage: downloads.ts [options]

  --work W       network, disk, or both (both)
  --files N      how many files there are (6)
  --size KIB     how large each is, in KiB (64)
  --latency MS   how long the server takes for an answer (150)
  --lang L       en or zh (en)
  --help         show this`,
    network: (files: number, size: number, latency: number) =>
      `network: ${files} files of ${size} KiB from a server that takes ${latency} ms for each`,
    disk: (files: number, size: number) =>
      `disk: ${files} files of ${size} KiB, each written and read back`,
    ways: {
      serial: "one after the other",
      threads: "a thread for each file",
      pool: `a pool of ${POOL_SIZE} threads`,
      awaiting: "one thread, awaiting all",
    },
    right: (files: number) => `${files} files, every byte is right: complete`,
    damaged: (damaged: number, files: number) => `${damaged} of ${files} files DAMAGED`,
  },
  zh: {
    usage: `串行、多线程、线程池、await：下载文件，再读写磁盘文件。

用法：downloads.ts [选项]

  --work W       network（网络）、disk（磁盘），或 both（两样都做）（默认 both）
  --files N      有几个文件（默认 6）
  --size KIB     每个文件多大，单位 KiB（默认 64）
  --latency MS   服务器每次响应要多少毫秒（默认 150）
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    network: (files: number, size: number, latency: number) =>
      `网络：${files} 个文件，每个 ${size} KiB，服务器每次响应要 ${latency} ms`,
    disk: (files: number, size: number) => `磁盘：${files} 个文件，每个 ${size} KiB，先写入再读出`,
    ways: {
      serial: "一个接一个（串行）",
      threads: "每个文件一个线程",
      pool: `${POOL_SIZE} 个线程的线程池`,
      awaiting: "一个线程，同时等待全部",
    },
    right: (files: number) => `${files} 个文件，每个字节都对：完整`,
    damaged: (damaged: number, files: number) => `${files} 个文件里有 ${damaged} 个损坏`,
  },
});

type Way = keyof typeof WORDS.ways;
const WAYS: Way[] = ["serial", "threads", "pool", "awaiting"];

/** A file: where it is, and which one. */
export interface File {
  /** A URL of the server, or a path on the disk. */
  place: string;
  number: number;
  /** In bytes. */
  size: number;
}

/** What is in a file: no two are alike, and no two parts of one. */
function contentOf({ number, size }: File): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let k = 0; k < size; k++) bytes[k] = k * 31 + (k >> 8) * 7 + number * 13;
  return bytes;
}

/** Downloads a file. */
export async function download({ place }: File): Promise<Uint8Array> {
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${place}: ${response.status}`);
  return await response.bytes();
}

/** Writes a file, and reads it back. */
export async function writeAndRead(file: File): Promise<Uint8Array> {
  await Deno.writeFile(file.place, contentOf(file));
  return await Deno.readFile(file.place);
}

type Work = typeof download;

/** Gets all files in one of the ways. */
async function get(way: Way, work: Work, files: File[], pool: ThreadPool): Promise<Uint8Array[]> {
  switch (way) {
    case "serial": {
      const all = [];
      for (const file of files) all.push(await work(file));
      return all;
    }
    case "threads": {
      const threads = files.map((file) => new Thread(work, { args: [file] }).start());
      return await Promise.all(threads.map((thread) => thread.result()));
    }
    case "pool":
      return await pool.map(work, files, { chunksize: 1 });
    case "awaiting":
      return await Promise.all(files.map((file) => work(file)));
  }
}

/** Does it in all ways, and shows how long each takes. Gives how many files came damaged. */
async function compare(work: Work, files: File[], pool: ThreadPool): Promise<number> {
  let serial: number | undefined;
  let damaged = 0;
  // Once beforehand, here and in each of the pool's threads: the first time is slower.
  await work(files[0]);
  await pool.map(work, new Array<File>(POOL_SIZE).fill(files[0]), { chunksize: 1 });
  for (const way of WAYS) {
    const began = performance.now();
    const received = await get(way, work, files, pool);
    const ms = performance.now() - began;
    const speedUp = (serial ??= ms) / ms;
    const bar = "█".repeat(Math.min(32, Math.max(1, Math.round(4 * speedUp))));
    const time = `${ms.toFixed(0).padStart(6)} ms ${speedUp.toFixed(1).padStart(5)} x`;
    console.log(`  ${fill(WORDS.ways[way], 26)}${time}  ${bar}`);
    damaged += files.filter((file, k) => !isEqual(received[k], contentOf(file))).length;
  }
  return damaged;
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a?.length !== b.length) return false;
  for (let k = 0; k < b.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/** A server on this machine that thinks for a while before it answers. */
function serve(files: Map<string, File>, latency: number): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(options, async ({ url }) => {
    await sleep(latency);
    const file = files.get(new URL(url).pathname);
    return file === undefined
      ? new Response("no such file", { status: 404 })
      : new Response(contentOf(file));
  });
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["work", "files", "size", "latency"],
    default: { work: "both", files: "6", size: "64", latency: "150" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const which = oneOf("work", flags.work, ["network", "disk", "both"]);
  const count = wholeNumber("files", flags.files, 1, 200);
  const kib = wholeNumber("size", flags.size, 1, 10_000);
  const latency = wholeNumber("latency", flags.latency, 0, 60_000);

  const filesIn = (placeOf: (name: string) => string): File[] =>
    Array.from({ length: count }, (_, k) => {
      return { place: placeOf(`${k + 1}.bin`), number: k + 1, size: 1024 * kib };
    });
  const pool = cleanup.use(new ThreadPool(POOL_SIZE));
  let damaged = 0;
  if (which !== "disk") {
    const known = new Map(filesIn((name) => `/${name}`).map((file) => [file.place, file]));
    const server = serve(known, latency);
    cleanup.defer(() => server.shutdown());
    console.log(WORDS.network(count, kib, latency));
    const files = filesIn((name) => `http://127.0.0.1:${server.addr.port}/${name}`);
    damaged += await compare(download, files, pool);
  }
  if (which !== "network") {
    const folder = temporaryFolder("downloads", cleanup);
    console.log(WORDS.disk(count, kib));
    damaged += await compare(writeAndRead, filesIn((name) => join(folder, name)), pool);
  }
  const all = count * WAYS.length * (which === "both" ? 2 : 1);
  console.log(damaged === 0 ? WORDS.right(all) : WORDS.damaged(damaged, all));
  return damaged === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("downloads", main);
