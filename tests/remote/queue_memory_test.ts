import { queueSuite } from "./queue_suite.ts";

queueSuite({ name: "memory", url: () => "memory:suite" });
