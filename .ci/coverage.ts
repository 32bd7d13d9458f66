/**
 * The coverage of the library, one folder of it at a time: `deno task coverage [FOLDER...]`.
 *
 * With `--coverage` every thread and process of a test leaves a profile of each module that it has
 * loaded, which are hundreds of thousands in a whole run. So for each folder only the tests run
 * that are about it, and what is not of that folder is removed while they run. Each file of tests
 * is a run of its own: what it loads itself is written at its end alone. Fails where under
 * {@linkcode ENOUGH} of a folder's functions are run, and names those that never are. Whether the
 * tests pass is not its matter: under coverage some are too slow for their limits.
 *
 * @module
 */
import { pooledMap } from "@std/async";
import { walk } from "@std/fs";
import { fileURLToPath } from "node:url";

/** The part of a folder's functions that must run. */
const ENOUGH = 0.9;
/** After how long no more files of a folder's tests are run, in ms. */
const LIMIT = 600_000;
/** How many files of tests run at a time. */
const JOBS = 2;
/** How often the profiles of other folders are removed, in ms. */
const SWEEP = 1_000;

/** The tests that are about a folder of `lib/`, as paths in `tests/`; `alone` as in test:alone. */
const SUITES: Record<string, { tests: string[]; alone?: boolean }> = {
  core: {
    tests: [
      "core",
      "security/sockets_test.ts",
      "os/exit_test.ts",
      "subprocess/types_test.ts",
      "subprocess/popen_test.ts",
      "signal",
      "conformance/inspect_test.ts",
      "conformance/barrier_test.ts",
      "conformance/deadlock_test.ts",
      "timeouts_test.ts",
      "children_test.ts",
      "pool/errors_test.ts",
      "queue/pipe_test.ts",
      "os",
    ],
    alone: true,
  },
  lint: { tests: ["lint_test.ts"] },
  amqp: { tests: ["amqp"] },
  transfer: { tests: ["transfer", "security/transfer_test.ts", "conformance/sharing_test.ts"] },
  memory: {
    tests: [
      "multiprocessing/shared_memory_test.ts",
      "multiprocessing/queue_test.ts",
      "conformance/lock_test.ts",
      "conformance/dump_test.ts",
      "conformance/semaphore_test.ts",
      "multiprocessing/pipe_test.ts",
      "interleavings/chain_test.ts",
      "owner_death_test.ts",
      "os/exit_test.ts",
      "conformance",
    ],
  },
  sync: {
    tests: [
      "time_test.ts",
      "conformance/array_test.ts",
      "conformance/value_test.ts",
      "conformance/event_test.ts",
      "conformance/lock_test.ts",
      "conformance/rlock_test.ts",
      "conformance/inspect_test.ts",
      "conformance/barrier_test.ts",
      "conformance/deadlock_test.ts",
      "conformance/traps_test.ts",
      "conformance/dump_test.ts",
      "conformance/condition_test.ts",
      "conformance/semaphore_test.ts",
      "conformance",
      "interleavings",
    ],
  },
  channel: {
    tests: [
      "conformance/queue_test.ts",
      "conformance/connection_test.ts",
      "conformance/priority_queue_test.ts",
      "queue/pipe_test.ts",
      "conformance/queue_shutdown_test.ts",
      "multiprocessing/crossing_test.ts",
      "security/pipes_test.ts",
      "multiprocessing/pipe_test.ts",
      "multiprocessing/queue_test.ts",
      "queue/queue_test.ts",
      "security/sockets_test.ts",
    ],
  },
  child: {
    tests: [
      "thread_test.ts",
      "signal",
      "conformance/timer_test.ts",
      "os/wait_test.ts",
      "os/exit_test.ts",
      "os/fork_test.ts",
      "conformance/dump_test.ts",
      "child",
      "children_test.ts",
      "pool/prewarm_test.ts",
      "trace/trace_test.ts",
      "security/watchdog_test.ts",
      "holding/daemons_test.ts",
      "security/boot_test.ts",
    ],
    alone: true,
  },
  threading: {
    tests: [
      "thread_test.ts",
      "children_test.ts",
      "conformance/timer_test.ts",
      "conformance/dump_test.ts",
      "conformance/inspect_test.ts",
      "pool/prewarm_test.ts",
    ],
  },
  multiprocessing: {
    tests: [
      "multiprocessing/manager_objects_test.ts",
      "multiprocessing/manager_sync_test.ts",
      "multiprocessing/shared_memory_test.ts",
      "multiprocessing/crossing_test.ts",
      "multiprocessing/queue_test.ts",
      "multiprocessing/pipe_test.ts",
      "children_test.ts",
      "conformance/dump_test.ts",
      "conformance/deadlock_test.ts",
      "pool/prewarm_test.ts",
    ],
  },
  pool: {
    tests: [
      "pool/errors_test.ts",
      "pool/sharing_test.ts",
      "pool/pieces_test.ts",
      "pool/map_test.ts",
      "pool/executor_test.ts",
      "pool/cancel_test.ts",
      "security/pool_test.ts",
      "pool",
    ],
  },
  futures: {
    tests: [
      "pool/executor_test.ts",
      "pool/future_test.ts",
      "pool/wait_test.ts",
      "pool/cancel_test.ts",
      "pool/map_test.ts",
    ],
  },
  remote: {
    tests: [
      "remote/memory_broker_test.ts",
      "remote/queue_memory_test.ts",
      "remote/queue_failures_test.ts",
      "remote/queue_slow_test.ts",
      "remote",
    ],
  },
  subprocess: { tests: ["subprocess"], alone: true },
  signal: { tests: ["signal"], alone: true },
  os: { tests: ["os"], alone: true },
};

/** Fewer rounds, where a suite can be told. */
const FEW = { SWITCHYARD_ROUNDS: "1", SWITCHYARD_TIMES: "200", SWITCHYARD_FUZZ: "2000" };

const root = new URL("../", import.meta.url);
const color = { red: "\x1b[31m", none: "\x1b[0m" };
if (Deno.noColor) color.red = color.none = "";

/** A part of a whole. */
interface Share {
  hit: number;
  of: number;
}

/** A report on a folder. */
interface Report {
  functions: Share;
  lines: Share;
  /** The functions that never run, as `file:line name`. */
  never: string[];
}

/** Whether a file of the library, as a path in the repository, is one of a folder's. */
function isOf(folder: string, path: string): boolean {
  return path.startsWith(`lib/${folder}/`) || path === `lib/${folder}.ts`;
}

/** The files of a folder and of its face, as paths in the repository. */
function filesOf(folder: string): string[] {
  const files: string[] = [];
  const look = (path: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(path, root))) {
      if (isDirectory) look(`${path}${name}/`);
      else if (isOf(folder, path + name)) files.push(path + name);
    }
  };
  look("lib/");
  return files.sort();
}

/** Removes the profiles of modules that are not a folder's; those that are still written stay. */
function sweep(dir: string, folder: string, kept: Set<string>): void {
  const head = new Uint8Array(512);
  for (const { name, isFile } of Deno.readDirSync(dir)) {
    if (!isFile || kept.has(name)) continue;
    const path = `${dir}/${name}`;
    using file = Deno.openSync(path);
    const text = new TextDecoder().decode(head.subarray(0, file.readSync(head) ?? 0));
    const [, url] = /"url":"([^"]*)"/.exec(text) ?? [];
    if (url === undefined) continue;
    if (url.startsWith(root.href) && isOf(folder, url.slice(root.href.length))) kept.add(name);
    else Deno.removeSync(path);
  }
}

/** Removes the profiles that a process was killed over. */
function dropHalves(dir: string): void {
  for (const { name, isFile } of Deno.readDirSync(dir)) {
    const path = `${dir}/${name}`;
    try {
      if (isFile) JSON.parse(Deno.readTextFileSync(path));
    } catch {
      Deno.removeSync(path);
    }
  }
}

/** The files of tests that a folder's suite is made of. */
async function filesOfTests(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const path of SUITES[folder].tests) {
    const url = new URL(`tests/${path}`, root);
    if (path.endsWith(".ts")) files.push(fileURLToPath(url));
    else for await (const { path } of walk(url)) if (path.endsWith("_test.ts")) files.push(path);
  }
  return [...new Set(files)];
}

/** Runs one file of tests; gives how many passed and failed. */
async function runFile(file: string, dir: string): Promise<[passed: number, failed: number]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", `--coverage=${dir}`, "--coverage-raw-data-only", file],
    cwd: root,
    env: { NO_COLOR: "1", ...FEW },
    stdin: "null",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const [, passed, failed] = /\| (\d+) passed .*?(\d+) failed/.exec(text) ?? [];
  return [Number(passed ?? 0), Number(failed ?? 1)];
}

/** Runs the tests of a folder; says how that went. */
async function runTests(folder: string, dir: string): Promise<string> {
  const began = performance.now();
  const kept = new Set<string>();
  const sweeping = setInterval(() => sweep(dir, folder, kept), SWEEP);
  let [passed, failed, left] = [0, 0, 0];
  try {
    const jobs = SUITES[folder].alone ? 1 : JOBS;
    const runs = pooledMap(jobs, await filesOfTests(folder), async (file) => {
      return performance.now() - began < LIMIT ? await runFile(file, dir) : undefined;
    });
    for await (const run of runs) {
      if (run === undefined) left++;
      passed += run?.[0] ?? 0;
      failed += run?.[1] ?? 0;
    }
  } finally {
    clearInterval(sweeping);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  return `${passed} passed, ${failed} failed in ${seconds} s` +
    (left > 0 ? `; ${left} files left out` : "");
}

/** What the profiles of a folder say together. */
async function readReport(folder: string, dir: string): Promise<Report> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", dir, "--lcov", `--include=/lib/${folder}(/|\\.ts)`],
    cwd: root,
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot read the coverage of ${folder}: ${decoder.decode(stderr)}`);
  const report: Report = { functions: { hit: 0, of: 0 }, lines: { hit: 0, of: 0 }, never: [] };
  const files = new Set(filesOf(folder));
  for (const record of decoder.decode(stdout).split("end_of_record\n")) {
    const all = (key: string) => [...record.matchAll(RegExp(`^${key}:(.*)$`, "gm"))].map(last);
    const [path] = all("SF").map((path) => path.slice(path.lastIndexOf("/lib/") + 1));
    if (path === undefined || !files.delete(path)) continue;
    add(report.functions, all("FNH"), all("FNF"));
    add(report.lines, all("LH"), all("LF"));
    const counts = all("FNDA");
    for (const [k, fn] of all("FN").entries()) {
      if (counts[k].startsWith("0,")) report.never.push(`${path}:${fn.replace(",", " ")}`);
    }
  }
  // A module that nobody has loaded has no profile.
  for (const path of files) {
    const source = Deno.readTextFileSync(new URL(path, root));
    const declared = source.match(/^(?:export )?(?:async |abstract )?(?:function|class) .*/gm) ??
      [];
    report.functions.of += declared.length;
    if (declared.length > 0) report.never.push(`${path}: never loaded`);
  }
  return report;
}

function last(match: RegExpMatchArray): string {
  return match[1];
}

function add(share: Share, hit: string[], of: string[]): void {
  share.hit += Number(hit[0] ?? 0);
  share.of += Number(of[0] ?? 0);
}

function percent({ hit, of }: Share): string {
  return (of === 0 ? "-" : `${(100 * hit / of).toFixed(1)} %`).padStart(10);
}

if (import.meta.main) {
  const folders = Deno.args.length > 0 ? Deno.args : Object.keys(SUITES);
  for (const folder of folders) {
    if (!(folder in SUITES)) throw new RangeError(`Cannot measure "${folder}": no such folder`);
  }
  console.log(`${"folder".padEnd(18)}${"functions".padStart(10)}${"lines".padStart(10)}   tests`);
  for (const folder of folders) {
    const dir = await Deno.makeTempDir({ prefix: "coverage-" });
    try {
      const tests = await runTests(folder, dir);
      sweep(dir, folder, new Set());
      dropHalves(dir);
      const { functions, lines, never } = await readReport(folder, dir);
      const isEnough = functions.hit >= ENOUGH * functions.of;
      console.log(`${folder.padEnd(18)}${percent(functions)}${percent(lines)}   ${tests}`);
      if (isEnough) continue;
      Deno.exitCode = 1;
      console.log(`${color.red}under ${100 * ENOUGH} % of its functions run; never:${color.none}`);
      for (const fn of never) console.log(`  ${fn}`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
}
