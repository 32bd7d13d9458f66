/**
 * The conformance of `amqp:`, with a real RabbitMQ.
 *
 * @module
 */
import { holdProgram } from "../../lib/core/promises.ts";
import { AmqpBroker } from "../../lib/remote/amqp_broker.ts";
import type { Broker } from "../../lib/remote/broker.ts";
import { hasRabbitMQ, sharedBroker } from "./_broker.ts";
import { brokerSuite } from "./broker_suite.ts";

/** Its start takes long, and no test is to wait for it. */
const url = hasRabbitMQ ? await sharedBroker() : "";
const prefix = `suite${Deno.pid}`;

brokerSuite({
  name: "amqp",
  ignore: !hasRabbitMQ,
  open: (): Broker => {
    const broker = new AmqpBroker(`${url}/?prefix=${prefix}`);
    // A broker keeps no program alive; the suite's waits are to.
    const letGo = holdProgram();
    broker.onState((state) => state === "ended" && letGo());
    return broker;
  },
});
