/**
 * Runs an example as its user would: as a program of its own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { temporaryIn } from "../_help/lacks.ts";

const ROOT = new URL("../../", import.meta.url);
/**
 * How often an example is run that is to show the same each time: once, as the suite itself is run
 * often. `SWITCHYARD_ROUNDS` sets more.
 */
export const ROUNDS = Number(Deno.env.get("SWITCHYARD_ROUNDS") ?? 1);

const CTRL_C = fileURLToPath(new URL("./_ctrl_c.ts", import.meta.url));

/** How an example is run. */
export interface RunOptions {
  /** Deno's flags. Default: `-A`. */
  flags?: string[];
  /** Called with each line of stdout as it comes. */
  onLine?: (line: string, child: Deno.ChildProcess) => void;
  /**
   * Ctrl-C is pressed when its main thread prints a line that begins so; it hits its group if it
   * leads one.
   */
  ctrlCAt?: string;
  /** Whether it leads a process group of its own, as a command typed in a shell does. */
  detached?: boolean;
  /** When it is killed, in ms. Default: 30 s. */
  limit?: number;
  /** What is run. Default: Deno, on the script. */
  command?: string[];
}

/** What an example did. */
export interface Run {
  code: number;
  signal: Deno.Signal | null;
  lines: string[];
  stderr: string;
  /** What it left in the temporary folder. */
  leftovers: string[];
}

/** The command that runs an example. */
export function commandOf(script: string, args: string[], flags = ["-A"]): string[] {
  return [
    Deno.execPath(),
    "run",
    ...flags,
    fileURLToPath(new URL(`examples/${script}`, ROOT)),
    ...args,
  ];
}

/** Runs `examples/SCRIPT` until it and all its children have ended. */
export async function run(script: string, args: string[], options: RunOptions = {}): Promise<Run> {
  const { onLine, ctrlCAt, detached = false, limit = 30_000 } = options;
  const flags = ctrlCAt === undefined ? options.flags : ["-A", "--preload", CTRL_C];
  const ctrlC = ctrlCAt !== undefined &&
    { CTRL_C_AT: ctrlCAt, CTRL_C_HITS: detached ? "group" : "parent" };
  const [program, ...rest] = options.command ?? commandOf(script, args, flags);
  const folder = await Deno.makeTempDir({ prefix: "sy-" });
  try {
    const child = new Deno.Command(program, {
      args: rest,
      cwd: fileURLToPath(ROOT),
      env: { ...temporaryIn(folder), NO_COLOR: "1", ...ctrlC },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached,
    }).spawn();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limit);
    Deno.unrefTimer(timer);
    // The pipes end when the last process that has them ends.
    const [lines, stderr, status] = await Promise.all([
      readLines(child.stdout, (line) => onLine?.(line, child)),
      new Response(child.stderr).text(),
      child.status,
    ]).finally(() => clearTimeout(timer));
    if (isLate) {
      throw new Error(`${script} took over ${limit} ms: ${lines.join("\n")}\n${stderr}`);
    }
    const leftovers = [...Deno.readDirSync(folder)].map(({ name }) => name);
    return { code: status.code, signal: status.signal, lines, stderr, leftovers };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<string[]> {
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = parts.pop()!;
    for (const line of parts) {
      lines.push(line);
      onLine(line);
    }
  }
  if (rest !== "") lines.push(rest);
  return lines;
}
