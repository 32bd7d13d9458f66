#!/usr/bin/env -S deno run --allow-read --allow-run
/**
 * How a child finds its function: it imports the main module anew, as Python's "spawn" does.
 *
 * So the module's top level is run twice, once in the parent and once in the child, and the
 * function in the child alone. What is to be done by the parent alone stands under
 * `if (import.meta.main)`. Without this guard the child would start a child, which would start a
 * child ...: it is refused instead, with a BootstrapError.
 *
 * The program that is run here is `_programs/initialize_run.ts`.
 *
 * Try:
 *
 *     examples/processes/start_method.ts                   the program in both forms; the table
 *     examples/processes/start_method.ts --form guard      what is run where
 *     examples/processes/start_method.ts --form no-guard   what the guard is for
 *     examples/processes/start_method.ts --form table      the same in Python
 *
 * @module
 */
import { PIPE, Popen } from "../../lib/subprocess.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const FORMS = ["guard", "no-guard", "table"] as const;
type Form = typeof FORMS[number];

const WORDS = inLanguage({
  en: {
    usage: `What a child imports, and what the guard is for.

Usage: start_method.ts [options]

  --form F   guard, no-guard, table or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    titles: {
      guard: "guard: v is started under if (import.meta.main)",
      "no-guard": "no-guard: v is started at the top level",
      table: "table: __name__ in Python, import.meta.main here",
    },
    pids: (parent: number, child = 0) => `${parent} is the parent, ${child} is the child`,
    columns: ["", "parent: Initialize", "child: Initialize", "child: Run"],
    notRun: "(not run)",
    verdicts: {
      guard: ["guard: initialized in both, v run in the child", "guard: WRONG"],
      "no-guard": ["no-guard: BootstrapError, v NOT RUN", "no-guard: NOT REFUSED"],
      table: ["spawn is what comes next to this, and fork does not import anything", ""],
    },
    semicolon: "; ",
  },
  zh: {
    usage: `子进程会导入什么，main 保护又是干什么用的。

用法：start_method.ts [选项]

  --form F   guard、no-guard、table 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    titles: {
      guard: "guard：在 if (import.meta.main) 之下启动 v",
      "no-guard": "no-guard：在模块顶层直接启动 v",
      table: "table：Python 的 __name__，与这里的 import.meta.main",
    },
    pids: (parent: number, child = 0) => `${parent} 是父进程，${child} 是子进程`,
    columns: ["", "父进程 Initialize", "子进程 Initialize", "子进程 Run"],
    notRun: "（不执行）",
    verdicts: {
      guard: ["guard：父、子进程各初始化一次，v 在子进程里运行", "guard：不对"],
      "no-guard": ["no-guard：BootstrapError，v 没有运行", "no-guard：竟然没有报错"],
      table: ["最接近这里的是 spawn；fork 什么也不用导入", ""],
    },
    semicolon: "；",
  },
});

const PROGRAM = new URL("../_programs/initialize_run.ts", import.meta.url).href;
/** What the program needs. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-net", "--allow-run"];

function say(what: string): void {
  console.log(`  ${what}`);
}

/** Runs the program as a user would, and checks what it says. */
async function run(form: "guard" | "no-guard", cleanup: AsyncDisposableStack): Promise<boolean> {
  const args = form === "guard" ? [] : ["--no-guard"];
  const command = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...PERMISSIONS, PROGRAM];
  const program = new Popen([...command, ...args], { stdout: PIPE, stderr: PIPE, text: true });
  cleanup.defer(() => program.kill());
  const [stdout, stderr] = await program.communicate();
  const printed = stdout!.trimEnd().split("\n");
  for (const line of printed) say(line);
  const [error] = stderr!.split("\n").filter((line) => line.startsWith("BootstrapError"));
  if (error !== undefined) {
    for (const part of error.replace(PROGRAM, "initialize_run.ts").split(/(?<=\.ts:) /)) say(part);
  }

  const parent = program.pid;
  const child = printed.map((line) => Number(line.split(" ").at(-1))).find((pid) => pid !== parent);
  say(WORDS.pids(parent, child));
  const expected = [
    ...[`Initialize ${parent}`, `import.meta.main true ${parent}`],
    ...[`Initialize ${child}`, `import.meta.main false ${child}`],
    ...form === "guard" ? [`Run ${child}`, `import.meta.main false ${child}`] : [],
  ];
  const isRefused = error !== undefined && program.returncode === 1;
  return printed.join("\n") === expected.join("\n") && isRefused === (form === "no-guard");
}

function showTable(): boolean {
  for (
    const cells of [
      WORDS.columns,
      ["Python, fork", "__main__", WORDS.notRun, "__main__"],
      ["Python 2, spawn", "__main__", "__parents_main__", "__main__"],
      ["Python 3, spawn", "__main__", "__mp_main__", "__mp_main__"],
      ["Deno", "true", "false", "false"],
    ]
  ) say(cells.map((cell) => fill(cell, 20)).join("").trimEnd());
  return true;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("form", flags.form, [...FORMS, "all"]);
  const forms: Record<Form, () => boolean | Promise<boolean>> = {
    guard: () => run("guard", cleanup),
    "no-guard": () => run("no-guard", cleanup),
    table: showTable,
  };
  let isWell = true;
  const verdicts: string[] = [];
  for (const form of FORMS) {
    if (chosen !== form && chosen !== "all") continue;
    console.log(WORDS.titles[form]);
    const isAsExpected = await forms[form]();
    if (chosen === form || form !== "table") {
      verdicts.push(WORDS.verdicts[form][isAsExpected ? 0 : 1]);
    }
    isWell &&= isAsExpected;
  }
  console.log(verdicts.join(WORDS.semicolon));
  // Alone, the program without its guard is what it is: broken.
  return isWell && chosen !== "no-guard" ? 0 : 1;
}

if (import.meta.main) await runScript("start_method", main);
