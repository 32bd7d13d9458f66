import { assertEquals } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { run } from "./_example.ts";

/** Scripts with a temporary folder, and a line that they print while they have it. */
const SCRIPTS: [script: string, args: string[], line: string][] = [
  ["tickets.ts", ["--delay", "200"], "buyer-"],
  ["printer.ts", ["--workers", "threads", "--pages", "1000"], "job-"],
  ["crawler.ts", ["--latency", "1000"], "INFO"],
  ["downloads.ts", ["--work", "disk"], "disk"],
  ["processes/ways.ts", ["--messages", "1000000"], "way "],
];

for (const [script, args, line] of SCRIPTS) {
  Deno.test({
    ...unless(LACKS.signals, `${script} leaves no temporary folder when it is terminated`),
    async fn() {
      let isSent = false;
      const { code, leftovers, lines } = await run(script, args, {
        onLine(text, child) {
          if (isSent || !text.startsWith(line)) return;
          isSent = true;
          child.kill("SIGTERM");
        },
      });
      assertEquals([code, isSent], [143, true], lines.join("\n"));
      assertEquals(leftovers, []);
    },
  });
}
