import { context, task } from "../../lib/task.ts";

/** What a run notes of itself. */
export interface RunNote {
  /** When, by the machine's clock, in ms. */
  at: number;
  what: "begins" | "has ended";
  k: number;
  attempt: number;
  pid: number;
}

/** Notes in a file when it begins and when it has ended. */
export const logged = task(
  import.meta,
  async function logged(file: string, k: number, ms: number) {
    const { attempt = 0 } = context();
    const note = (what: RunNote["what"]) => {
      const line: RunNote = { at: Date.now(), what, k, attempt, pid: Deno.pid };
      Deno.writeTextFileSync(file, `${JSON.stringify(line)}\n`, { append: true });
    };
    note("begins");
    await new Promise((resolve) => setTimeout(resolve, ms));
    note("has ended");
    return { k, attempt, pid: Deno.pid };
  },
);
