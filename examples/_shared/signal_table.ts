/**
 * The table of `processes/signals.ts`: what each signal is for, what it does to a program that has
 * not said anything else, and what it did to a child just now.
 *
 * @module
 */
import { ps } from "../../lib/os.ts";
import { kill, Signals } from "../../lib/signal.ts";
import { DEVNULL, Popen } from "../../lib/subprocess.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage, type Language } from "./language.ts";

/** What a signal does by default. `core`: it ends the program, and its memory may go to a file. */
type Action = "end" | "core" | "stop" | "continue" | "nothing";

/** Each signal, with what it does and what it is for. */
const SIGNALS: [name: string, action: Action, meaning: { en: string; zh: string }][] = [
  ["SIGHUP", "end", { en: "the terminal has gone", zh: "终端断开" }],
  ["SIGINT", "end", { en: "Ctrl-C", zh: "键盘中断 Ctrl-C" }],
  ["SIGQUIT", "core", { en: "Ctrl-\\", zh: "键盘退出 Ctrl-\\" }],
  ["SIGILL", "core", { en: "no such instruction", zh: "非法指令" }],
  ["SIGTRAP", "core", { en: "a debugger's breakpoint", zh: "调试断点" }],
  ["SIGABRT", "core", { en: "the program gives up: abort()", zh: "程序自己放弃：abort()" }],
  ["SIGBUS", "core", { en: "memory that is not there", zh: "总线错误：访问不存在的内存" }],
  ["SIGFPE", "core", { en: "division by zero, or the like", zh: "算术错误，如除以零" }],
  ["SIGKILL", "end", { en: "it must end: cannot be caught", zh: "强制终止，不能捕捉" }],
  ["SIGUSR1", "end", {
    en: "yours to use; Deno's debugger has it",
    zh: "自定义（Deno 用来开调试器）",
  }],
  ["SIGSEGV", "core", { en: "memory that is not yours", zh: "段错误：访问无权的内存" }],
  ["SIGUSR2", "end", { en: "yours to use", zh: "自定义" }],
  ["SIGPIPE", "end", { en: "a pipe that nobody reads", zh: "管道没有人读" }],
  ["SIGALRM", "end", { en: "the alarm clock: alarm()", zh: "闹钟：alarm()" }],
  ["SIGTERM", "end", { en: "please end: kill, terminate()", zh: "请求终止：kill、terminate()" }],
  ["SIGSTKFLT", "end", { en: "nothing any more", zh: "不再使用" }],
  ["SIGCHLD", "nothing", { en: "a child has ended or stopped", zh: "子进程结束或停止" }],
  ["SIGCONT", "continue", { en: "it may go on after a stop", zh: "继续运行" }],
  ["SIGSTOP", "stop", { en: "it must stop: cannot be caught", zh: "强制停止，不能捕捉" }],
  ["SIGTSTP", "stop", { en: "Ctrl-Z", zh: "键盘停止 Ctrl-Z" }],
  ["SIGTTIN", "stop", { en: "it reads the terminal, in the background", zh: "后台进程读终端" }],
  ["SIGTTOU", "stop", { en: "it writes to it, in the background", zh: "后台进程写终端" }],
  ["SIGURG", "nothing", { en: "urgent data on a socket", zh: "套接字有紧急数据" }],
  ["SIGXCPU", "core", { en: "its time on the CPU is used up", zh: "CPU 时间用完" }],
  ["SIGXFSZ", "core", { en: "a file has become too large", zh: "文件太大" }],
  ["SIGVTALRM", "end", {
    en: "a clock of its own CPU time",
    zh: "虚拟时钟（只计自己的 CPU 时间）",
  }],
  ["SIGPROF", "end", { en: "a profiler's clock", zh: "性能分析时钟" }],
  ["SIGWINCH", "nothing", { en: "the window has changed its size", zh: "窗口大小改变" }],
  ["SIGIO", "end", { en: "a file is ready", zh: "文件可以读写" }],
  ["SIGPWR", "end", { en: "the power fails", zh: "电源故障" }],
  ["SIGSYS", "core", { en: "no such system call", zh: "无效的系统调用" }],
];

const WORDS = inLanguage({
  en: {
    language: "en" as Language,
    columns: ["no", "name", "by default", "tried", "sent when"],
    actions: {
      end: "ends",
      core: "ends, core",
      stop: "stops",
      continue: "continues",
      nothing: "nothing",
    },
    outcome: (action: Action, outcome: string | number) => {
      if (typeof outcome === "number") return `returncode ${outcome}`;
      return `${action === "continue" ? "T, then " : "state "}${outcome}`;
    },
    spared: (names: string) => `ignored, as whoever started this wants, or not stopped: ${names}`,
    wrong: (names: string) => `NOT AS EXPECTED: ${names}`,
  },
  zh: {
    language: "zh" as Language,
    columns: ["编号", "名称", "默认行为", "实测", "什么时候收到"],
    actions: { end: "终止", core: "终止并转储", stop: "停止", continue: "继续", nothing: "忽略" },
    outcome: (action: Action, outcome: string | number) => {
      if (typeof outcome === "number") return `返回码 ${outcome}`;
      return `${action === "continue" ? "先 T 后 " : "状态 "}${outcome}`;
    },
    spared: (names: string) => `没有起作用（启动本程序的一方忽略了它，或者没有终端）：${names}`,
    wrong: (names: string) => `与预期不符：${names}`,
  },
});

/**
 * Those that need not do what they do by default: what whoever started this program ignores, its
 * children ignore, too (the first three); and the terminal stops nobody whom it could not continue.
 */
const MAY_BE_SPARED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU"];

/** A child that has a signal to try. */
interface Trial {
  name: string;
  action: Action;
  meaning: string;
  child: Popen;
  /** What has become of it: the letter of its state, or its return code. */
  outcome: string | number;
}

/** What becomes of a child to which the default action happens. */
function isExpected({ name, action, outcome }: Trial): boolean {
  if (action === "stop") return outcome === "T";
  if (action === "continue" || action === "nothing") return outcome === "S";
  return outcome === -Signals[name as Deno.Signal];
}

/** Looks what has become of the children, until all is as it should be or the patience ends. */
async function watch(
  trials: Trial[],
  patience: number,
  isDone: (trial: Trial, command: string) => boolean = isExpected,
): Promise<void> {
  const deadline = performance.now() + patience;
  for (;;) {
    const seen = new Map(ps().map((process) => [process.pid, process]));
    for (const trial of trials) {
      trial.outcome = trial.child.poll() ?? seen.get(trial.child.pid)?.state ?? "";
    }
    const command = ({ child }: Trial) => seen.get(child.pid)?.command ?? "";
    if (trials.every((trial) => isDone(trial, command(trial)))) return;
    if (performance.now() > deadline) return;
    await sleep(10);
  }
}

/** Tries each signal on a child, and prints the table. Says whether all went as expected. */
export async function showTable(cleanup: AsyncDisposableStack): Promise<boolean> {
  // Each begins as a shell, which says that no core is to be written.
  const command = ["sh", "-c", "ulimit -c 0; exec sleep 60"];
  const trials: Trial[] = [];
  for (const [name, action, meaning] of SIGNALS.filter(([name]) => name in Signals)) {
    const child = new Popen(command, { stdin: DEVNULL });
    cleanup.defer(() => child.kill());
    trials.push({ name, action, meaning: meaning[WORDS.language], child, outcome: "" });
  }
  await watch(trials, 10_000, (_, command) => command.startsWith("sleep"));

  // Who is to go on has to be stopped first.
  const stopped = trials.filter(({ action }) => action === "continue");
  for (const { child } of stopped) kill(child.pid, "SIGSTOP");
  await watch(stopped, 10_000, ({ outcome }) => outcome === "T");
  const wereStopped = stopped.every(({ outcome }) => outcome === "T");

  for (const { name, child } of trials) kill(child.pid, name as Deno.Signal);
  await watch(trials.filter(({ name }) => !MAY_BE_SPARED.includes(name)), 10_000);
  await watch(trials, 200);

  print(WORDS.columns);
  for (const { name, action, outcome, meaning } of trials) {
    const number = String(Signals[name as Deno.Signal]).padStart(2);
    print([number, name, WORDS.actions[action], WORDS.outcome(action, outcome), meaning]);
  }
  for (const { child } of trials) child.kill();
  const others = trials.filter((trial) => !isExpected(trial));
  const areSpared = others.every(({ name, outcome }) =>
    MAY_BE_SPARED.includes(name) && outcome === "S"
  );
  const names = others.map(({ name }) => name).join(" ");
  if (others.length > 0) console.log(`  ${areSpared ? WORDS.spared(names) : WORDS.wrong(names)}`);
  return areSpared && wereStopped;
}

function print(cells: string[]): void {
  const [number, name, action, outcome, meaning] = cells;
  const columns = [fill(number, 4), fill(name, 10), fill(action, 12), fill(outcome, 15), meaning];
  console.log(`  ${columns.join(" ")}`);
}
