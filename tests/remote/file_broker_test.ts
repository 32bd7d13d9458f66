/**
 * The conformance of `file:`.
 *
 * @module
 */
import { holdProgram } from "../../lib/core/promises.ts";
import { FileBroker } from "../../lib/remote/file/broker.ts";
import type { Broker } from "../../lib/remote/broker.ts";
import { brokerSuite } from "./broker_suite.ts";
import { fileForTests } from "./_file.ts";

const path = fileForTests("broker");

brokerSuite({
  name: "file",
  open: (): Broker => {
    const broker = new FileBroker(`file:${path}`);
    // A broker keeps no program alive; the suite's waits are to.
    const letGo = holdProgram();
    broker.onState((state) => state === "ended" && letGo());
    return broker;
  },
});
