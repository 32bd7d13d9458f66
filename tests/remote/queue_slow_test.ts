import { registerSlow } from "./_slow_broker.ts";
import { queueSuite } from "./queue_suite.ts";

registerSlow();
queueSuite({ name: "a link's thread", url: () => "slow:suite" });
