/**
 * Programs: running them, talking with them, joining them.
 *
 * | for | reach for |
 * | --- | --- |
 * | running a program to its end, and having what it wrote | {@linkcode run}, {@linkcode runSync} |
 * | the same, with less to say | {@linkcode call}, {@linkcode checkCall}, {@linkcode checkOutput} |
 * | talking with a program, following it, stopping it | {@linkcode Popen} |
 * | `a \| b \| c` | {@linkcode pipeline} |
 * | a line of shell | {@linkcode getoutput}, {@linkcode getstatusoutput} |
 *
 * Arguments are handed over as they are. No shell sees them, so nothing in them has to be quoted
 * and nothing can be injected: a string is a program's name, not a line to be taken apart. `shell:
 * true` has `/bin/sh` run a string, untouched; whatever a stranger has put in it is then run too.
 * To hand values to a script, give them as arguments: `run(['echo "$1"', "sh", value], { shell:
 * true })`.
 *
 * **Secrets** do not belong in arguments: everybody on the machine can read those of a running
 * program, and the errors {@linkcode CalledProcessError} and {@linkcode TimeoutExpired} show all of
 * them, with the end of stderr. Give a secret in `env`, whose values are in no message, or as
 * `input`.
 *
 * **Text**: with `text` or `encoding` the output is decoded, and its line ends are `\n`, whatever
 * they were (`\r\n`, `\r`); bytes that are not valid text become U+FFFD unless `errors: "strict"`.
 * Input is never changed: text is written as UTF-8, its line ends as they are. `lines()`,
 * `readline()` and `onLine` give lines without their ends, of `\n` or `\r\n`. A stream or file
 * given as `input` is read to its end, and is then used up: the file is closed.
 *
 * **Much output** is kept up to 2 GiB a stream, or 2^29 - 24 characters of text; `maxOutput` says
 * less, and ends a program that writes more. What `onLine` is told of is not kept unless it is
 * captured too.
 *
 * **Trying again** is for `retry()` of `jsr:@std/async`: give it what throws, `check: true`.
 *
 * ```ts
 * import { retry } from "@std/async";
 * import { checkOutput } from "@switchyard/switchyard/subprocess";
 *
 * const date = await retry(() => checkOutput(["date"], { text: true, timeout: 5000 }));
 * console.log(date.trim());
 * ```
 *
 * **Not as in Python**: times are in milliseconds; `"inherit"` stands for None; `lines()` gives
 * lines without their ends. `stderr: STDOUT` has `/bin/sh` and `/usr/bin/env` start the program, as
 * Deno cannot join two streams: its arguments stay arguments, its environment is exact; only what
 * of this program's own a shell would change (variables with odd names, PWD) needs `--allow-env`
 * for that. A program that runs keeps this program from ending, unless {@linkcode Popen.unref}:
 * what is then still running runs on.
 *
 * *Permissions*: `--allow-run`, for `stderr: STDOUT` and `shell` of `/bin/sh`; blocking calls that
 * do more than run a program to its end, and file descriptors, also need `--allow-env` and
 * `--allow-run` without a list, the former `--allow-ffi` and Linux besides; `tree` needs
 * `--allow-run` without a list.
 *
 * @module
 */
export { DEVNULL, PIPE, STDOUT } from "./subprocess/options.ts";
export type {
  CapturedOf,
  EndOf,
  Input,
  KillOptions,
  OptionIn,
  OutputOf,
  PopenOptions,
  PopenWaitOptions,
  PopenWaitSyncOptions,
  ProgramOptions,
  Redirect,
  RunOptions,
  RunSyncOptions,
  StopOptions,
} from "./subprocess/options.ts";
export type { Args } from "./subprocess/command.ts";
export type { Output } from "./subprocess/text.ts";
export { run } from "./subprocess/run.ts";
export { runSync } from "./subprocess/run_sync.ts";
export {
  call,
  checkCall,
  checkOutput,
  getoutput,
  getstatusoutput,
} from "./subprocess/shortcuts.ts";
export type { Completed, None } from "./subprocess/run.ts";
export { CompletedProcess } from "./subprocess/result.ts";
export { Popen } from "./subprocess/popen.ts";
export type { Communicated } from "./subprocess/popen.ts";
export { CompletedPipeline, pipeline } from "./subprocess/pipeline.ts";
export type { ErrIn, OptionsIn, OutIn, Pipelined } from "./subprocess/pipeline.ts";
export { PipeReader } from "./subprocess/stdio/pipe_reader.ts";
export { PipeWriter } from "./subprocess/stdio/pipe_writer.ts";
export { CalledProcessError, SubprocessError, TimeoutExpired } from "./core/errors.ts";
export type { Outputs, ProgramOutput } from "./core/errors.ts";
