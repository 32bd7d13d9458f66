/**
 * What `remote` promises, under load and for long, with a RabbitMQ of its own that it kills (or a
 * file, or memory):
 *
 *     deno run -A tests/bench/remote_soak.ts restarts     20 restarts under 2,000 puts and gets a second
 *     deno run -A tests/bench/remote_soak.ts kills        200 SIGKILLs of workers over 10,000 calls
 *     deno run -A tests/bench/remote_soak.ts million      the memory of both sides over 1,000,000 calls
 *     deno run -A tests/bench/remote_soak.ts long         a call of 5 minutes under heartbeat 1 s
 *
 * Each says what it saw, and ends with 1 where that is not what is promised: something confirmed is
 * lost, a call has no outcome or a wrong one, memory has grown, a call ran twice that should not.
 * RabbitMQ is of Debian's `rabbitmq-server`; it is started without privileges in a temporary folder.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { type Kind, KINDS, Stage } from "./remote/_stage.ts";
import { kills } from "./remote/kills.ts";
import { long } from "./remote/long.ts";
import { million } from "./remote/million.ts";
import { restarts } from "./remote/restarts.ts";

const USAGE = `What remote promises, under load and for long.

Usage: remote_soak.ts restarts|kills|million|long [options]

  --over KIND     amqp, file or memory (amqp); restarts is of amqp alone
  --help          show this
restarts:
  --restarts N    how often the broker is killed and started again (20)
  --rate N        puts, and gets, a second (2000)
  --call-rate N   calls a second (100)
  --every S       for how many seconds it is up between (5)
kills:
  --kills N       how many workers are killed (200)
  --calls N       how many calls are made, at least (10000)
  --programs N    worker programs (3)
  --slots N       threads of each (4)
  --ms N          how long a call takes, in ms (100)
million:
  --calls N       how many calls (1000000)
  --slots N       threads of the worker (2)
long:
  --seconds N     how long the call takes (300)`;

const NUMBERS = [
  "restarts",
  "rate",
  "call-rate",
  "every",
  "kills",
  "calls",
  "programs",
  "slots",
  "ms",
  "seconds",
];

/** Says what is wrong with the command line, and ends. */
function refuse(why: string): never {
  console.error(`${why}\n\n${USAGE}`);
  Deno.exit(2);
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: [...NUMBERS, "over"],
    boolean: ["help"],
    unknown: (name, key) => key !== undefined ? refuse(`Unknown option ${name}`) : true,
  });
  const [what = ""] = flags._.map(String);
  if (flags.help) {
    console.log(USAGE);
    Deno.exit(0);
  }
  const number = (name: string, fallback: number) => {
    const text = (flags as Record<string, unknown>)[name];
    const value = text === undefined ? fallback : Number(text);
    return value > 0 ? value : refuse(`--${name} must be a number above 0, received ${text}`);
  };
  const over = (flags.over ?? "amqp") as Kind;
  if (!KINDS.includes(over)) refuse(`--over must be one of ${KINDS.join(", ")}, received ${over}`);
  const works: Record<string, (stage: Stage) => Promise<boolean>> = {
    restarts: (stage) =>
      restarts(stage, {
        restarts: number("restarts", 20),
        rate: number("rate", 2000),
        callRate: number("call-rate", 100),
        every: number("every", 5) * 1000,
      }),
    kills: (stage) =>
      kills(stage, {
        kills: number("kills", 200),
        calls: number("calls", 10_000),
        programs: number("programs", 3),
        slots: number("slots", 4),
        ms: number("ms", 100),
      }),
    million: (stage) => million(stage, number("calls", 1_000_000), number("slots", 2)),
    long: (stage) => long(stage, number("seconds", 300)),
  };
  const work = works[what] ?? refuse(`What to do? received ${JSON.stringify(what)}`);
  if (what === "restarts" && over !== "amqp") refuse("Only RabbitMQ can be restarted");
  const stage = await Stage.open(over, what === "long" ? "?heartbeat=1" : "");
  if (stage !== undefined) {
    let isKept = false;
    try {
      isKept = await work(stage);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
    console.log(isKept ? "as promised" : "NOT as promised");
    Deno.exitCode = isKept ? 0 : 1;
  }
}
