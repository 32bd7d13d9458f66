/**
 * Our client of RabbitMQ against amqplib, in turns, with the same broker in the same minutes:
 *
 *     SWITCHYARD_BROKER=1 deno run -A tests/bench/amqp.ts [FOLDER] [ROUNDS] [MESSAGES]
 *
 * Durable messages of 200 bytes into a quorum and a classic queue, each confirmed, with 1,000 on
 * their way; then all of them taken, with a prefetch of 100 and an ack each. amqplib is not ours to
 * install: it is found in the `node_modules` of FOLDER, and runs in Node; without it ours is measured
 * alone. Needs rabbitmq-server. Read the ratios; these machines are noisy.
 *
 * @module
 */
import { Session } from "../../lib/amqp/session.ts";
import { parseUrl } from "../../lib/amqp/url.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { hasRabbitMQ, RabbitMQ } from "../remote/_broker.ts";
import { Figures, figuresOf } from "./_figures.ts";
import { AMQPLIB, PREFETCH, SIZE, WINDOW } from "./remote/rivals.ts";

const TYPES = ["quorum", "classic"];

/** Ours: puts and gets a second. */
async function ours(url: string, type: string, count: number): Promise<[number, number]> {
  const letGo = holdProgram();
  const session = new Session(parseUrl(url));
  const name = `bench.ours.${type}`;
  const body = new Uint8Array(SIZE).fill(65);
  await session.declare({ name, isDurable: true, args: { "x-queue-type": type } });
  let open = 0;
  let wake = () => {};
  const all: Promise<unknown>[] = [];
  let began = performance.now();
  for (let k = 0; k < count; k++) {
    if (open >= WINDOW) await new Promise<void>((resolve) => wake = resolve);
    open++;
    const properties = { deliveryMode: 2, messageId: String(k) };
    const request = { exchange: "", key: name, isMandatory: true, properties, body };
    all.push(
      session.publish(request).then(() => {
        if (--open < WINDOW / 2) wake();
      }),
    );
  }
  await Promise.all(all);
  const put = count / (performance.now() - began) * 1000;
  let got = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  began = performance.now();
  const subscription = await session.consume(name, PREFETCH, {
    on: (lease) => {
      lease.ack();
      if (++got === count) resolve();
    },
    onFault: () => {},
    onEnd: () => {},
  });
  await promise;
  const get = count / (performance.now() - began) * 1000;
  await subscription.cancel();
  await session.remove(name);
  await session.close();
  letGo();
  return [put, get];
}

if (import.meta.main) {
  const [folder = "", rounds = 3, messages = 10_000] = Deno.args;
  if (!hasRabbitMQ) Deno.exit(1); // it has said why
  const broker = new RabbitMQ();
  try {
    await broker.ready();
    const figures = new Figures();
    for (let round = 0; round < Number(rounds); round++) {
      for (const type of TYPES) {
        const [put, get] = await ours(broker.url, type, Number(messages));
        figures.note(`${type}: put`, put);
        figures.note(`${type}: get`, get);
        if (folder === "") continue;
        const args = ["--input-type=module", "-e", AMQPLIB, "--", broker.url, type, `${messages}`];
        const [theirPut, theirGet] = figuresOf("node", args, folder);
        figures.note(`${type}: put, amqplib`, theirPut);
        figures.note(`${type}: get, amqplib`, theirGet);
      }
    }
    for (const type of TYPES) {
      for (const what of ["put", "get"]) {
        const name = `${type}: ${what}`;
        const options = { unit: "/s", digits: 0, width: 24 };
        figures.show(name, { ...options, beside: `${name}, amqplib`, whose: "amqplib" });
        figures.show(`${name}, amqplib`, options);
      }
    }
  } finally {
    broker.stop();
  }
}
