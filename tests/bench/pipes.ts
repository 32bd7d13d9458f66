/**
 * Pipes between processes beside CPython's, in turns in the same minutes:
 *
 *     deno run -A tests/bench/pipes.ts [ROUNDS]
 *
 * - round trip: a small value there and back, in µs, blocking and awaiting;
 * - 64 KiB of bytes, one way, in MB/s: awaited; blocking; and into a buffer that is there.
 *
 * The figures are medians; read the ratios, these machines are noisy.
 *
 * @module
 */
import { pipe, Process } from "../../lib/multiprocessing.ts";
import type { Connection } from "../../lib/multiprocessing.ts";
import type { BlockingConnection } from "../../lib/channel/connection.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import { task } from "../../lib/task.ts";
import { Figures, python } from "./_figures.ts";

const TRIPS = 50_000;
/** Round trips before, until the code of both processes is warm. */
const WARM = 20_000;
const SLOW_TRIPS = 2_000;
const CHUNKS = 10_000;
const CHUNK = 1 << 16;

const PYTHON = `
import sys, time, multiprocessing as mp
def echo(c):
    while True:
        v = c.recv()
        if v is None: return
        c.send(v)
def source(c, n):
    b = bytes(${CHUNK})
    c.recv()
    for _ in range(n): c.send_bytes(b)
if __name__ == "__main__":
    a, b = mp.Pipe()
    if sys.argv[1] == "trips":
        p = mp.Process(target=echo, args=(b,)); p.start()
        for k in range(${WARM}): a.send(k); a.recv()
        t = time.perf_counter()
        for k in range(${TRIPS}): a.send(k); a.recv()
        print((time.perf_counter() - t) / ${TRIPS} * 1e6); a.send(None)
    else:
        p = mp.Process(target=source, args=(b, ${CHUNKS})); p.start()
        a.send(0); a.recv_bytes(); t = time.perf_counter()
        for _ in range(${CHUNKS} - 1): a.recv_bytes()
        print((${CHUNKS} - 1) * ${CHUNK} / (time.perf_counter() - t) / 1e6)
    p.join()
`;

/** Sends back what comes, blocking. */
export const echoSync = task(import.meta, function echoSync(connection: Connection<unknown>) {
  for (let value; (value = connection.recvSync()) !== null;) connection.sendSync(value);
});

/** Sends back what comes. */
export const echo = task(import.meta, async function echo(connection: Connection<unknown>) {
  for (let value; (value = await connection.recv()) !== null;) await connection.send(value);
});

/** Sends chunks. */
export const source = task(import.meta, async function source(connection: Connection<unknown>) {
  const chunk = new Uint8Array(CHUNK);
  await connection.recv();
  for (let k = 0; k < CHUNKS; k++) await connection.sendBytes(chunk);
});

/** Sends chunks, blocking. */
export const sourceSync = task(import.meta, function sourceSync(connection: BlockingConnection) {
  const chunk = new Uint8Array(CHUNK);
  connection.recvSync();
  for (let k = 0; k < CHUNKS; k++) connection.sendBytesSync(chunk);
});

type Make = () => [Connection<unknown>, Connection<unknown>];

async function trips(make: Make, trips: number): Promise<number> {
  const [here, there] = make();
  using process = new Process(echo, { args: [there] }).start();
  for (let k = 0; k < Math.min(WARM, trips); k++) {
    await here.send(k);
    await here.recv();
  }
  const began = performance.now();
  for (let k = 0; k < trips; k++) {
    await here.send(k);
    await here.recv();
  }
  const ended = performance.now();
  await here.send(null);
  await process.join();
  here.close();
  there.close();
  return (ended - began) / trips * 1e3;
}

async function tripsSync(): Promise<number> {
  const [here, there] = pipe();
  using process = new Process(echoSync, { args: [there] }).start();
  for (let k = 0; k < WARM; k++) {
    here.sendSync(k);
    here.recvSync();
  }
  const began = performance.now();
  for (let k = 0; k < TRIPS; k++) {
    here.sendSync(k);
    here.recvSync();
  }
  const ended = performance.now();
  here.sendSync(null);
  await process.join();
  here.close();
  there.close();
  return (ended - began) / TRIPS * 1e3;
}

async function bytes(make: Make): Promise<number> {
  const [here, there] = make();
  using process = new Process(source, { args: [there] }).start();
  await here.send(0);
  await here.recvBytes();
  const began = performance.now();
  for (let k = 1; k < CHUNKS; k++) await here.recvBytes();
  const ended = performance.now();
  await process.join();
  here.close();
  there.close();
  return (CHUNKS - 1) * CHUNK / (ended - began) / 1e3;
}

/** Receives what {@linkcode sourceSync} sends, by a function. */
async function bytesSync(receive: (here: BlockingConnection) => void): Promise<number> {
  const [here, there] = pipe() as unknown as [BlockingConnection, BlockingConnection];
  using process = new Process(sourceSync, { args: [there] }).start();
  here.sendSync(new Uint8Array());
  receive(here);
  const began = performance.now();
  for (let k = 1; k < CHUNKS; k++) receive(here);
  const ended = performance.now();
  await process.join();
  here.close();
  there.close();
  return (CHUNKS - 1) * CHUNK / (ended - began) / 1e3;
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 7);
  const figures = new Figures();
  const overSocket: Make = () => socketPipe<unknown>(true);
  for (let round = 0; round < rounds; round++) {
    figures.note("round trip, sync", await tripsSync());
    figures.note("round trip, await", await trips(pipe, TRIPS));
    figures.note("round trip, socket", await trips(overSocket, SLOW_TRIPS));
    figures.note("CPython trip", python(PYTHON, "trips")[0]);
    figures.note("64 KiB", await bytes(pipe));
    figures.note("64 KiB, sync", await bytesSync((here) => here.recvBytesSync()));
    const room = new Uint8Array(CHUNK);
    figures.note("64 KiB, into", await bytesSync((here) => here.recvBytesIntoSync(room)));
    figures.note("64 KiB, socket", await bytes(overSocket));
    figures.note("CPython bytes", python(PYTHON, "bytes")[0]);
  }
  for (const way of ["sync", "await", "socket"]) {
    figures.show(`round trip, ${way}`, { beside: "CPython trip" });
  }
  for (const way of ["64 KiB", "64 KiB, sync", "64 KiB, into", "64 KiB, socket"]) {
    figures.show(way, { unit: "MB/s", digits: 0, beside: "CPython bytes" });
  }
}
