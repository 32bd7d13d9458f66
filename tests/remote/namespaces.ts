/**
 * Two workers on two machines, as far as one computer can have them: each in a network namespace of
 * its own, with a broker in this one. In the midst of its work one is cut off for 30 s.
 *
 *     deno run -A tests/remote/namespaces.ts [--cut 30] [--calls 24] [--ms 4000]
 *
 * It prints who ran what, and when, and what was given to another; then a picture: the calls that
 * each worker ran in each second. Whoever is cut off notices it by the heartbeats (2 s), goes on
 * with what it runs, and answers when it is back; the broker notices it as well, and gives those
 * calls to the other one. So they run twice, and each has one outcome. It ends with 1 if one has
 * not.
 *
 * Needs root, `ip` of iproute2 and rabbitmq-server; where namespaces cannot be made it says so.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { RemoteExecutor } from "../../lib/remote.ts";
import { Program } from "./_cli.ts";
import { logged, type RunNote } from "./_namespace_targets.ts";
import { isRabbitMQInstalled, RabbitMQ } from "./_rabbitmq.ts";

const BRIDGE = "syn-bridge";
const NET = "10.213.77";
const HERE = `${NET}.1`;
const NAMES = ["A", "B"];

function ip(...args: string[]): string {
  const { success, stderr } = new Deno.Command("ip", { args }).outputSync();
  return success ? "" : new TextDecoder().decode(stderr).trim() || "ip failed";
}

/** Makes the two namespaces, on one bridge; gives why not, or "". */
function makeNetwork(): string {
  const steps = [
    ["link", "add", BRIDGE, "type", "bridge"],
    ["addr", "add", `${HERE}/24`, "dev", BRIDGE],
    ["link", "set", BRIDGE, "up"],
  ];
  NAMES.forEach((name, k) => {
    const [inner, outer, space] = [`syn-in-${name}`, `syn-${name}`, `syn-${name}`];
    steps.push(
      ["netns", "add", space],
      ["link", "add", outer, "type", "veth", "peer", "name", inner],
      ["link", "set", inner, "netns", space],
      ["link", "set", outer, "master", BRIDGE],
      ["link", "set", outer, "up"],
      ["-n", space, "link", "set", "lo", "up"],
      ["-n", space, "addr", "add", `${NET}.${k + 2}/24`, "dev", inner],
      ["-n", space, "link", "set", inner, "up"],
    );
  });
  try {
    for (const step of steps) {
      const why = ip(...step);
      if (why !== "") return why;
    }
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function removeNetwork(): void {
  try {
    for (const name of NAMES) {
      ip("link", "del", `syn-${name}`);
      ip("netns", "del", `syn-${name}`);
    }
    ip("link", "del", BRIDGE);
  } catch {
    // There is no ip.
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What happened, by itself. */
interface Happening {
  at: number;
  text: string;
}

/** The numbers of calls that a worker ran in each second. */
function pictureOf(notes: RunNote[], pid: number, from: number, seconds: number): string {
  const mine = notes.filter((note) => note.pid === pid);
  return Array.from({ length: seconds }, (_, second) => {
    const at = from + second * 1000 + 500;
    const count = (what: RunNote["what"]) =>
      mine.filter((note) => note.what === what && note.at <= at).length;
    const running = count("begins") - count("has ended");
    return running === 0 ? "." : `${running}`;
  }).join("");
}

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, { string: ["cut", "calls", "ms"] });
  const [cut, calls, ms] = [flags.cut ?? 30, flags.calls ?? 24, flags.ms ?? 4000].map(Number);
  if (!isRabbitMQInstalled) {
    console.log("Left out: RabbitMQ is not installed (apt-get install rabbitmq-server)");
    return 0;
  }
  removeNetwork();
  const why = makeNetwork();
  if (why !== "") {
    console.log(`Left out: no network namespaces can be made here (${why})`);
    removeNetwork();
    return 0;
  }
  const folder = Deno.makeTempDirSync({ prefix: "switchyard-namespaces-" });
  const broker = new RabbitMQ(undefined, HERE);
  const workers: Program[] = [];
  try {
    await broker.ready();
    const url = `${broker.url}/?heartbeat=2`;
    for (const name of NAMES) {
      const args = ["lib/cli.ts", "worker", "cut", "--url", url, "--workers", "2", "--json"];
      const worker = new Program(args, {}, ["ip", "netns", "exec", `syn-${name}`]);
      workers.push(worker);
      await worker.line(/"serving"/);
    }
    const nameOf = (pid: number) => NAMES[workers.findIndex((worker) => worker.pid === pid)] ?? "?";
    const file = `${folder}/runs.txt`;
    Deno.writeTextFileSync(file, "");
    const happenings: Happening[] = [];
    const say = (text: string) => void happenings.push({ at: Date.now(), text });
    const start = Date.now();
    const executor = new RemoteExecutor("cut", { url });
    let right = 0;
    const wrong: unknown[] = [];
    const ends = Array.from({ length: calls! }, async (_, k) => {
      try {
        const outcome = await executor.submit(logged, file, k, ms!).result();
        if (outcome.k === k) right++;
        else wrong.push(outcome);
        say(`call ${k}: the outcome comes from ${nameOf(outcome.pid)}, attempt ${outcome.attempt}`);
      } catch (error) {
        wrong.push(error);
        say(`call ${k}: ${error}`);
      }
    });
    await pause(1.5 * ms!);
    say("B is cut off");
    ip("link", "set", "syn-B", "down");
    const cutAt = Date.now();
    await pause(cut! * 1000);
    ip("link", "set", "syn-B", "up");
    const backAt = Date.now();
    say("B is back");
    await Promise.all(ends);
    // What B still runs, and answers in vain.
    await pause(ms! + 2000);

    const notes: RunNote[] = Deno.readTextFileSync(file).split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    for (const { at, what, k, attempt, pid } of notes) {
      const again = attempt > 1 ? `, attempt ${attempt}` : "";
      happenings.push({ at, text: `call ${k}: ${what} at ${nameOf(pid)}${again}` });
    }
    for (const { at, text } of happenings.toSorted((a, b) => a.at - b.at)) {
      console.log(`${((at - start) / 1000).toFixed(1).padStart(6)} s  ${text}`);
    }
    const seconds = Math.ceil((Date.now() - start) / 1000);
    const second = (at: number) => Math.round((at - start) / 1000);
    const line = " ".repeat(second(cutAt)) + "x".repeat(second(backAt) - second(cutAt));
    console.log("\nThe calls that each runs, second by second:");
    NAMES.forEach((name, k) =>
      console.log(`  ${name}  ${pictureOf(notes, workers[k]!.pid, start, seconds)}`)
    );
    console.log(`  cut ${line}\n`);
    const begun = notes.filter(({ what }) => what === "begins");
    const twice = begun.filter(({ attempt }) => attempt > 1).map(({ k }) => k);
    const { duplicates } = executor.stats();
    console.log(
      `${calls} calls: ${right} right outcomes, ${wrong.length} wrong; ${begun.length} runs, ` +
        `given to another: ${
          twice.join(", ") || "none"
        }; answers that came too late: ${duplicates}`,
    );
    await executor.shutdown();
    return right === calls ? 0 : 1;
  } finally {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
    broker.stop();
    removeNetwork();
    Deno.removeSync(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exitCode = await main();
