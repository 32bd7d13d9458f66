import { executorSuite } from "./executor_suite.ts";

executorSuite({ name: "memory", url: () => "memory:executor" });
