/**
 * A real RabbitMQ, where its server is installed and `SWITCHYARD_BROKER=1` asks for it: one for all
 * tests of a run, which ends with the run, and others for tests that kill theirs. Otherwise its
 * tests are left out.
 *
 * @module
 */
import { isRabbitMQInstalled, RabbitMQ, ready } from "./_rabbitmq.ts";

export { RabbitMQ };

const isWanted = Deno.env.get("SWITCHYARD_BROKER") === "1";

/** Whether a broker is to be started here, and can be. */
export const hasRabbitMQ: boolean = isWanted && isRabbitMQInstalled;

if (!hasRabbitMQ) {
  const why = isWanted ? "it is not installed" : "SWITCHYARD_BROKER=1 asks for them";
  console.log(`The tests with a real RabbitMQ are left out: ${why}`);
}

let url: Promise<string> | undefined;

/** The URL of the broker of this run; who comes first starts it. */
export function sharedBroker(): Promise<string> {
  return url ??= share();
}

async function share(): Promise<string> {
  // The files of a run are in threads of one process.
  const folder = `${Deno.env.get("TMPDIR") ?? "/tmp"}/switchyard-rabbitmq-of-${Deno.pid}`;
  const note = `${folder}.port`;
  try {
    Deno.mkdirSync(folder);
    Deno.writeTextFileSync(note, String(new RabbitMQ(folder).port));
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  let port = "";
  while (port === "") {
    try {
      port = Deno.readTextFileSync(note);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await ready(Number(port));
  return `amqp://guest:guest@127.0.0.1:${port}`;
}
