import { registerSlow } from "./_slow_broker.ts";
import { executorSuite } from "./executor_suite.ts";

registerSlow();
executorSuite({ name: "a link's thread", url: () => "slow:executor" });
