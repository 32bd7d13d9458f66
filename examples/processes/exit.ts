#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * exit() and _exit(): which of them runs what was to run at the end.
 *
 * exit() throws SystemExit: on its way up `finally` blocks run and `using` disposes. _exit() ends
 * the process on the spot, and so do Deno.exit() and a signal: what was to be written, given back
 * or removed is not. What exit() is given and is no number goes to stderr, and the code is 1.
 *
 * Try:
 *
 *     examples/processes/exit.ts                five ways to end
 *     examples/processes/exit.ts --way exit     one of them: return, exit, text, _exit or kill
 *     examples/processes/exit.ts --code 42      with another code
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { _exit, exit } from "../../lib/os.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `exit() and _exit(): which of them runs finally blocks.

Usage: exit.ts [options]

  --way W    return, exit, text, _exit, kill or all (all)
  --code N   the exit code of exit and _exit (3)
  --lang L   en or zh (en)
  --help     show this`,
    reason: "the house is on fire",
    stderr: (text: string) => `  stderr: ${text}`,
    verdict: (isRight: boolean) =>
      isRight
        ? "return and exit() put things in order, _exit() and kill do not"
        : "NOT AS EXPECTED",
    using: "  using: the lamp is put out",
    try: "  try: the guest leaves",
    finally: "  finally: the door is locked",
    exitcode: (code: number | null, isTidy: boolean) =>
      `  exitcode ${code}${isTidy ? "" : ", and nobody has locked the door"}`,
  },
  zh: {
    usage: `exit() 和 _exit()：哪一个会执行 finally。

用法：exit.ts [选项]

  --way W    退出方式：return、exit、text、_exit、kill 或 all（默认 all）
  --code N   exit 和 _exit 的退出码（默认 3）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    reason: "房子着火了",
    stderr: (text: string) => `  stderr：${text}`,
    verdict: (isRight: boolean) =>
      isRight ? "return 和 exit() 会收拾好再走，_exit() 和 kill 不会" : "不符合预期",
    using: "  using：关灯",
    try: "  try：客人要走了",
    finally: "  finally：锁门",
    exitcode: (code: number | null, isTidy: boolean) =>
      `  exitcode ${code}${isTidy ? "" : "，门没有人锁"}`,
  },
});

const WAYS = ["return", "exit", "text", "_exit", "kill"] as const;
type Way = typeof WAYS[number];

/** Ends in one of the ways, with things still to do. */
export function leave(way: Way, code: number): void {
  using _lamp = { [Symbol.dispose]: () => console.log(TEXTS.using) };
  try {
    console.log(TEXTS.try);
    if (way === "exit") exit(code);
    if (way === "text") exit(TEXTS.reason);
    if (way === "_exit") _exit(code);
    if (way === "kill") Deno.kill(Deno.pid, "SIGKILL");
  } finally {
    console.log(TEXTS.finally);
  }
}

/** What is called. */
function titleOf(way: Way, code: number): string {
  if (way === "text") return `exit(${JSON.stringify(TEXTS.reason)})`;
  return way === "exit" || way === "_exit" ? `${way}(${code})` : way;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["way", "code"],
    default: { way: "all", code: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const chosen = oneOf("way", flags.way, [...WAYS, "all"]);
  const code = wholeNumber("code", flags.code, 0, 255);
  const expected: Record<Way, [code: number, isTidy: boolean]> = {
    return: [0, true],
    exit: [code, true],
    text: [1, true],
    _exit: [code, false],
    kill: [-9, false],
  };

  let isAsExpected = true;
  for (const way of WAYS) {
    if (chosen !== way && chosen !== "all") continue;
    console.log(titleOf(way, code));
    const pipes = { stdout: "piped", stderr: "piped" } as const;
    const child = new Process(leave, { args: [way, code], ...pipes }).start();
    cleanup.defer(() => child.kill());
    const [said, told] = await Promise.all(
      [child.stdout, child.stderr].map((stream) => new Response(stream).text()),
    );
    await child.join();
    const isTidy = said.includes(TEXTS.finally) && said.includes(TEXTS.using);
    console.log(said.trimEnd());
    if (told !== "") console.log(TEXTS.stderr(told.trimEnd()));
    console.log(TEXTS.exitcode(child.exitcode, isTidy));
    isAsExpected &&= child.exitcode === expected[way][0] && isTidy === expected[way][1] &&
      told.trimEnd() === (way === "text" ? TEXTS.reason : "");
  }
  console.log(TEXTS.verdict(isAsExpected));
  return isAsExpected ? 0 : 1;
}

if (import.meta.main) await runScript("exit", main);
