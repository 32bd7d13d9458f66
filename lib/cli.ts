/**
 * The command line of `remote`: workers for the calls of a `RemoteExecutor`, what waits in their
 * queues, and what was buried.
 *
 * ```sh
 * deno run -A jsr:@switchyard/switchyard/cli worker thumbnails --url amqp://user:password@host/
 * deno run -A jsr:@switchyard/switchyard/cli status thumbnails --watch
 * deno run -A jsr:@switchyard/switchyard/cli dead thumbnails retry all
 * ```
 *
 * A worker runs what lies in its `--root`: by default the folder of the nearest deno.json, from the
 * one in which it is started upwards, or that one. It ends by SIGTERM or SIGINT, with 0, or with 75
 * if it had to give calls back; whoever supervises it starts it again then.
 *
 * @module
 */
import { runCommand } from "./remote/calls/command.ts";

export { runCommand };

if (import.meta.main) Deno.exitCode = await runCommand(Deno.args);
