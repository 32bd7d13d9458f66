import { MemoryBroker } from "../../lib/remote/memory_broker.ts";
import { brokerSuite } from "./broker_suite.ts";

brokerSuite({ name: "memory", open: () => new MemoryBroker("suite") });
