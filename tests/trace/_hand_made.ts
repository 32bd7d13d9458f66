/** A small recording, made by hand. */
import type { TraceEvent, TraceParty } from "../../lib/trace.ts";

function party(name: string, more: Partial<TraceParty> = {}): TraceParty {
  return {
    name,
    kind: "thread",
    pid: 7,
    from: 0,
    ready: 0,
    to: undefined,
    end: undefined,
    died: false,
    lost: 0,
    known: true,
    ...more,
  };
}

const main = party("main");
const ann = party("Ann & <b>", { from: 5, ready: 10, to: 90, end: "ended", lost: 3 });
const chinese = party("售票员乙", { from: 8, ready: 20, to: 70, end: "stopped", died: true });
const far = party("far", {
  kind: "process",
  pid: 8,
  from: 40,
  ready: undefined,
  to: 60,
  end: "ended",
  known: false,
});

const events: TraceEvent[] = [
  { type: "wait", party: main, at: 10, end: 90, name: "the end of Ann", by: undefined },
  { type: "task", party: ann, at: 12, end: 88, name: "sell", error: undefined },
  { type: "hold", party: ann, at: 15, end: 45, name: "till" },
  { type: "put", party: ann, at: 30, name: "Queue 1" },
  { type: "mark", party: ann, at: 50, name: 'half "done"\x1b[31m' },
  { type: "task", party: chinese, at: 22, end: undefined, name: "sell", error: undefined },
  { type: "wait", party: chinese, at: 24, end: 45, name: "till", by: "Ann & <b>" },
  { type: "hold", party: chinese, at: 45, end: undefined, name: "till" },
  { type: "death", party: chinese, at: 70, name: "stopped" },
  ...Array.from({ length: 40 }, (_, k): TraceEvent => ({
    type: "hold",
    party: ann,
    at: 60 + k / 10,
    end: 60.05 + k / 10,
    name: "log",
  })),
];

/** A thread that outlives the trace, one that ends, one that dies, and a process that is unknown. */
export const HAND_MADE: {
  parties: TraceParty[];
  events: TraceEvent[];
  length: number;
  refused: number;
} = {
  parties: [main, ann, chinese, far],
  events,
  length: 100,
  refused: 2,
};
