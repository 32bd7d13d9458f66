/**
 * Processes by number: who am I, who has ended and how, who else runs, and who goes first.
 *
 * | for | reach for |
 * | --- | --- |
 * | ending, `finally` blocks and `using` first | {@linkcode exit} |
 * | ending at once | {@linkcode _exit} |
 * | waiting for whichever child ends, or for one | {@linkcode wait}, {@linkcode waitpid} |
 * | reading what they give | {@linkcode WIFEXITED}, {@linkcode WEXITSTATUS}, {@linkcode WIFSIGNALED}, {@linkcode WTERMSIG} |
 * | who am I, who started me | {@linkcode getpid}, {@linkcode getppid} |
 * | who else runs | {@linkcode ps}, {@linkcode pstree} |
 * | letting others go first | {@linkcode nice}, {@linkcode renice}, {@linkcode getpriority} |
 * | how many cores there are | {@linkcode cpuCount} |
 *
 * **Not as in Python**: {@linkcode fork} only throws. A Deno is many threads, of which a copy would
 * have one, in the midst of what the others did; a `multiprocessing.Process` starts anew instead.
 * And Deno reaps its children by itself: none becomes a zombie because nobody waits.
 *
 * *Permissions*: none for ending and waiting; `_exit()` in a thread other than the main one needs
 * `--allow-ffi`. Niceness needs `--allow-sys`, listing processes `--allow-all` or `--allow-run=ps`.
 *
 * Proven on Linux; made for macOS too. On Windows {@linkcode ps} tells less.
 *
 * @module
 */
export { _exit, exit } from "./os/exit.ts";
export { fork } from "./os/fork.ts";
export { wait, waitpid } from "./os/wait.ts";
export type { ChildWaitOptions, WaitpidOptions } from "./os/wait.ts";
export { WEXITSTATUS, WIFEXITED, WIFSIGNALED, WTERMSIG } from "./os/status.ts";
export { cpuCount } from "./core/environment.ts";
export { getpid, getppid } from "./os/self.ts";
export { getpriority, nice, renice } from "./os/priority.ts";
export { ps } from "./os/ps.ts";
export type { ProcessInfo } from "./os/ps.ts";
export { pstree } from "./os/pstree.ts";
export { ChildProcessError, SystemExit, TimeoutError } from "./core/errors.ts";
