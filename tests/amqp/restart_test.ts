/**
 * A real broker that is killed, at a random moment, while messages are published and taken: nothing
 * that it has confirmed is lost. `SWITCHYARD_RESTARTS` sets how often, `SWITCHYARD_SEED` repeats the
 * moments.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Session } from "../../lib/amqp/session.ts";
import { parseUrl } from "../../lib/amqp/url.ts";
import { held, holdProgram } from "../../lib/core/promises.ts";
import { randoms } from "../_help/random.ts";
import { within } from "../_help/within.ts";
import { hasRabbitMQ, RabbitMQ } from "../remote/_broker.ts";

const RESTARTS = Number(Deno.env.get("SWITCHYARD_RESTARTS") ?? 2);
const SEED = Number(Deno.env.get("SWITCHYARD_SEED") ?? Date.now() % 1_000_000);
/** How many messages are published every so many ms: 2,000 a second. */
const BURST = 20;
const EVERY = 10;
/** The longest time in which a restart comes, in ms. */
const MOMENT = 1_500;

const pause = (ms: number) => held(new Promise<void>((resolve) => setTimeout(resolve, ms)));

/** Publishes and takes numbers, and keeps account of them. */
class Traffic {
  readonly session: Session;
  readonly confirmed = new Set<number>();
  readonly seen = new Set<number>();
  failed = 0;
  doubled = 0;
  next = 0;
  longest = 0;
  #last = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #open = new Set<Promise<void>>();

  constructor(session: Session) {
    this.session = session;
  }

  async begin(): Promise<void> {
    const args = { "x-queue-type": "quorum" };
    await this.session.declare({ name: "restarts", isDurable: true, args });
    await this.session.consume("restarts", 200, {
      on: (lease) => {
        const id = Number(lease.delivered.properties.messageId);
        if (this.seen.has(id)) this.doubled++;
        this.seen.add(id);
        this.longest = Math.max(this.longest, performance.now() - this.#last);
        this.#last = performance.now();
        lease.ack();
      },
      onFault: () => {},
      onEnd: () => {},
    });
    this.#last = performance.now();
    this.#timer = setInterval(() => {
      // As who awaits its puts would: not without bound while the broker is away.
      if (this.#open.size < 5_000) { for (let k = 0; k < BURST; k++) this.#publish(this.next++); }
    }, EVERY);
  }

  #publish(id: number): void {
    const properties = { messageId: String(id), deliveryMode: 2 };
    const body = new Uint8Array(100);
    const done = this.session.publish({
      exchange: "",
      key: "restarts",
      isMandatory: true,
      properties,
      body,
    }).then((verdict) => {
      if (verdict === "taken") this.confirmed.add(id);
      else this.failed++;
    }, () => void this.failed++).then(() => void this.#open.delete(done));
    this.#open.add(done);
  }

  /** Publishes no more, and waits until all is settled and taken. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    while (this.seen.size < this.confirmed.size) await pause(20);
  }
}

Deno.test({
  name: `session: ${RESTARTS} kills of a real broker under load lose nothing [seed ${SEED}]`,
  ignore: !hasRabbitMQ,
  fn: () =>
    within(
      60_000 * (RESTARTS + 1),
      (async () => {
        const random = randoms(SEED);
        const broker = new RabbitMQ();
        const letGo = holdProgram();
        try {
          await broker.ready();
          const session = new Session(parseUrl(broker.url));
          const traffic = new Traffic(session);
          await traffic.begin();
          // RabbitMQ 3.10 itself loses a quorum queue that it had made in the last half second.
          await pause(1_500);
          const recoveries: number[] = [];
          const causes = new Set<string>();
          for (let k = 0; k < RESTARTS; k++) {
            await pause(random(MOMENT));
            broker.kill();
            broker.start();
            await broker.ready();
            const open = performance.now();
            while (session.state !== "up") {
              const why = session.loss?.cause.message ?? "";
              if (!why.includes("refused")) causes.add(why);
              await pause(5);
            }
            recoveries.push(performance.now() - open);
          }
          await pause(200);
          await traffic.end();
          const { next, confirmed, seen, doubled, failed, longest } = traffic;
          const lost = [...confirmed].filter((id) => !seen.has(id));
          await session.close();
          const most = Math.max(...recoveries).toFixed(0);
          console.log(
            `${next} published, ${confirmed.size} confirmed, ${lost.length} lost, ${doubled} doubled, ` +
              `${failed} failed; longest pause ${(longest / 1000).toFixed(1)} s, ` +
              `recovery at most ${most} ms after the port was open ${[...causes].join("; ")}`,
          );
          assertEquals([lost, failed], [[], 0]);
          assertEquals(confirmed.size, next);
          // What was on its way, and what was held.
          assert(doubled <= RESTARTS * (1_000 + 200), `${doubled} doubled`);
        } finally {
          broker.stop();
          letGo();
        }
      })(),
    ),
});
