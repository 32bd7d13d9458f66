import { hasRabbitMQ, sharedBroker } from "./_broker.ts";
import { executorSuite } from "./executor_suite.ts";

/** Its start takes long, and no test is to wait for it. */
const broker = hasRabbitMQ ? await sharedBroker() : "";

executorSuite({
  name: "amqp",
  ignore: !hasRabbitMQ,
  url: () => `${broker}/?prefix=calls${Deno.pid}`,
  limit: 60_000,
  isReplicated: true,
});
