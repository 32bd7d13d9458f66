import { hasRabbitMQ, sharedBroker } from "./_broker.ts";
import { queueSuite } from "./queue_suite.ts";

/** Its start takes long, and no test is to wait for it. */
const url = hasRabbitMQ ? await sharedBroker() : "";

queueSuite({ name: "amqp", ignore: !hasRabbitMQ, url: () => `${url}/?prefix=queues${Deno.pid}` });
