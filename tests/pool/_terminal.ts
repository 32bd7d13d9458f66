/**
 * Runs a program on a terminal, and presses Ctrl-C there as a user does: the terminal sends SIGINT
 * to every process of the foreground.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** What a program did on its terminal. */
export interface Session {
  /** Its exit code; 128 and the signal's number when a signal ended it. */
  code: number;
  /** What it printed, on both streams, without what the terminal adds. */
  lines: string[];
}

/** How a terminal is had: by `script` of bsdutils, whose `-c` and `-e` are those of Linux. */
export const NO_TERMINAL: string | undefined = hasScript()
  ? undefined
  : "there is no `script` that gives a program a terminal";

function hasScript(): boolean {
  try {
    return Deno.build.os === "linux" &&
      new Deno.Command("script", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/**
 * Runs one of the cases of a program.
 *
 * @param presses Ctrl-C is pressed when a line begins with the first of these; then with the
 *   second, and so on.
 */
export async function runOnTerminal(
  program: URL,
  args: string[],
  presses: string[],
  { flags = ["-A"], limit = 30_000 }: { flags?: string[]; limit?: number } = {},
): Promise<Session> {
  const command = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    ...flags,
    fileURLToPath(program),
    ...args,
  ];
  const child = new Deno.Command("script", {
    args: ["-qec", `exec ${command.map(quoted).join(" ")}`, "/dev/null"],
    env: { NO_COLOR: "1", SHELL: "/bin/sh" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  const timer = setTimeout(() => child.kill("SIGKILL"), limit);
  const lines: string[] = [];
  const left = [...presses];
  try {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).replaceAll("^C", "").split(/\r*\n/);
      rest = parts.pop()!;
      for (const line of parts) {
        if (line === "") continue;
        lines.push(line);
        if (left.length === 0 || !line.startsWith(left[0]!)) continue;
        left.shift();
        await keyboard.write(Uint8Array.of(3));
      }
    }
    if (rest !== "") lines.push(rest);
    const { code, signal } = await child.status;
    if (signal === "SIGKILL") throw new Error(`it took over ${limit} ms: ${lines.join("\n")}`);
    return { code, lines };
  } finally {
    clearTimeout(timer);
    await keyboard.close().catch(() => {});
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
