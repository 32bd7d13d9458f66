/**
 * What a soak or a duel over a broker needs: the broker, worker programs, a folder. All of it is
 * ended with the stage.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { isRabbitMQInstalled, RabbitMQ } from "../../remote/_rabbitmq.ts";
import { workerOf } from "../../remote/_cli.ts";

type Program = Awaited<ReturnType<typeof workerOf>>;

/** Which broker is meant. */
export const KINDS = ["amqp", "file", "memory"] as const;
export type Kind = typeof KINDS[number];

/** How to get the broker that is missing. */
export const NO_RABBITMQ =
  "RabbitMQ is not installed: apt-get install --no-install-recommends rabbitmq-server";

/** A broker and its workers. */
export class Stage implements AsyncDisposable {
  readonly kind: Kind;
  readonly url: string;
  readonly folder: string;
  /** The RabbitMQ, where it is that. */
  readonly broker: RabbitMQ | undefined;
  /** The worker programs that serve. */
  readonly workers: Program[] = [];

  private constructor(kind: Kind, options: string) {
    this.kind = kind;
    this.folder = Deno.makeTempDirSync({ prefix: "switchyard-soak-" });
    if (kind === "amqp") this.broker = new RabbitMQ();
    this.url = this.broker !== undefined
      ? `${this.broker.url}/${options}`
      : kind === "file"
      ? `file:${this.folder}/broker.db`
      : "memory:soak";
  }

  /**
   * Starts a broker.
   *
   * @param options What is added to the URL of RabbitMQ, as in `?heartbeat=1`.
   * @returns undefined where it is not installed, which has been said.
   */
  static async open(kind: Kind, options = ""): Promise<Stage | undefined> {
    if (kind === "amqp" && !isRabbitMQInstalled) {
      console.log(NO_RABBITMQ);
      return undefined;
    }
    const stage = new Stage(kind, options);
    await stage.broker?.ready();
    return stage;
  }

  /** Starts a worker program with so many threads, and waits until it serves. */
  async work(queue: string, slots: number): Promise<Program> {
    const worker = await workerOf(queue, this.url, "--workers", `${slots}`);
    this.workers.push(worker);
    return worker;
  }

  /** Kills a worker program, and forgets it. */
  async kill(worker: Program): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    worker.kill();
    await worker.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of [...this.workers]) await this.kill(worker);
    this.broker?.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** How much memory a process has, in MB; of this one, if none is named. */
export function megabytesOf(pid: number | "self" = "self"): number {
  if (pid === "self") return Deno.memoryUsage().rss / 2 ** 20;
  const [, pages] = Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ");
  return Number(pages) * 4096 / 2 ** 20;
}

/** How often each number stands in a file of notes (see `targets.ts`). */
export function runsIn(file: string, count: number): Uint32Array {
  const runs = new Uint32Array(count);
  for (const line of Deno.readTextFileSync(file).split("\n")) {
    if (line !== "") runs[parseInt(line)]!++;
  }
  return runs;
}

/** Waits, in ms. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
