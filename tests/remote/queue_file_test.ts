import { fileForTests } from "./_file.ts";
import { queueSuite } from "./queue_suite.ts";

const path = fileForTests("queues");

queueSuite({ name: "file", url: () => `file:${path}` });
