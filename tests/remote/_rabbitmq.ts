/**
 * RabbitMQ, in a folder of its own on loopback, started without privileges. It takes some 10 s of
 * both cores to start, and on a busy machine minutes.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { AmqpConnection } from "../../lib/amqp/connection.ts";
import { dial } from "../../lib/amqp/dial.ts";
import { Credentials } from "../../lib/amqp/url.ts";

const SCRIPT = fileURLToPath(new URL("_rabbitmq.sh", import.meta.url));
const INSTALLED = "/usr/lib/rabbitmq/lib";
/** How long a start may take, in ms: some 10 s on an idle machine, minutes on a busy one. */
const STARTING = 300_000;

/** Whether a broker can be started here. */
export const isRabbitMQInstalled: boolean = Deno.build.os === "linux" && isThere(INSTALLED);

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function run(...args: string[]): void {
  const { success, stderr } = new Deno.Command("bash", { args: [SCRIPT, ...args] }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return (listener.addr as Deno.NetAddr).port;
}

/** A broker in a folder of its own. */
export class RabbitMQ {
  readonly port: number;
  readonly url: string;
  readonly #address: string;
  readonly #folder: string;
  readonly #args: string[];

  /** Begins to start it; it listens at that address. */
  constructor(
    folder = Deno.makeTempDirSync({ prefix: "switchyard-rabbitmq-" }),
    address = "127.0.0.1",
  ) {
    this.#folder = folder;
    this.#address = address;
    this.port = freePort();
    this.url = `amqp://guest:guest@${address}:${this.port}`;
    this.#args = [...[this.port, freePort(), freePort(), Deno.pid].map(String), address];
    this.start();
  }

  /** Begins to start it, also again. */
  start(): void {
    run("start", this.#folder, ...this.#args);
  }

  /** Kills it, as if the power had failed. */
  kill(): void {
    run("kill", this.#folder);
  }

  /** Ends it and removes its folder, soon. */
  stop(): void {
    Deno.writeTextFileSync(`${this.#folder}/stop`, "");
  }

  /** Waits until it can be used. */
  async ready(): Promise<void> {
    await ready(this.port, this.#address);
  }
}

/** Waits until the broker at a port can be used. */
export async function ready(port: number, address = "127.0.0.1"): Promise<void> {
  const deadline = performance.now() + STARTING;
  for (;;) {
    try {
      const connection = await AmqpConnection.open({
        host: { name: address, port },
        vhost: "/",
        credentials: new Credentials("guest", "guest"),
        dial: (host) => dial(host, false, {}),
      });
      return await connection.close();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
