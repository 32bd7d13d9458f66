/**
 * A program that uses the queues in a file, and is killed just before its k-th step on the disk:
 *
 *     deno run -A _file_dying.ts PATH K
 *
 * It says what it has been told so far, a line each: `put N`, `taken N ATTEMPT`, `acked N`,
 * `buried N`, `closed STEPS`.
 *
 * @module
 */
import { builtin } from "../../lib/core/node.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import type { BrokerMessage, Delivery } from "../../lib/remote/broker.ts";
import { FileBroker } from "../../lib/remote/file/broker.ts";

const [path, last] = [Deno.args[0]!, Number(Deno.args[1])];
let steps = 0;

/** Counts each call of a method as a step. */
// deno-lint-ignore no-explicit-any -- methods of any kind
function counted(owner: any, name: string): void {
  const real = owner[name];
  owner[name] = function (...args: unknown[]) {
    if (++steps === last) Deno.kill(Deno.pid, "SIGKILL");
    return real.apply(this, args);
  };
}

const { StatementSync, DatabaseSync } = builtin("sqlite");
for (const name of ["run", "get", "all"]) counted(StatementSync.prototype, name);
counted(DatabaseSync.prototype, "close");
counted(DatabaseSync.prototype, "exec");
for (const name of ["openSync", "removeSync", "mkdirSync", "utimeSync"]) counted(Deno, name);
counted(Deno.FsFile.prototype, "tryLockSync");

const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const text = ({ body }: BrokerMessage) => new TextDecoder().decode(body);
const messageOf = (body: string): BrokerMessage => ({
  body: new TextEncoder().encode(body),
  headers: {},
  type: "item",
  id: body,
  format: "",
});

const letGo = holdProgram();
const broker = new FileBroker(`file:${path}`);
await broker.declare({ name: "dead", kind: "plain" });
await broker.declare({ name: "q", kind: "counted", deadTo: "dead", limit: 100 });

const inbox: Delivery[] = [];
let wake = () => {};
const next = async (): Promise<Delivery> => {
  while (inbox.length === 0) await new Promise<void>((resolve) => wake = resolve);
  const delivery = inbox.shift()!;
  say(`taken ${text(delivery)} ${delivery.attempt}`);
  return delivery;
};

for (const body of ["1", "2", "3"]) {
  await broker.publish("q", messageOf(body));
  say(`put ${body}`);
}
const consumer = await broker.consume("q", { prefetch: 1 }, (delivery) => {
  inbox.push(delivery);
  wake();
});
(await next()).ack();
const second = await next();
say("acked 1");
await second.back();
await (await next()).bury("for a test");
say("buried 2");
await (await next()).back({ delay: 1 });
await broker.publish("q", messageOf("4"), { delay: 1 });
say("put 4");
await consumer.cancel();
await broker.close();
letGo();
say(`closed ${steps}`);
