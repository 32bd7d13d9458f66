import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { commandOf, run } from "./_example.ts";
import { testUsage } from "./_usage.ts";

const DEPARTS = "Departing";
const ARRIVES = "Arrived, please get off";
const isWindows = Deno.build.os === "windows";

/** Types Ctrl-C and Ctrl-\ when the lines say so; ends with the code of what it ran. */
const TYPIST = `
import os, pty, sys
pid, tty = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
keys = [("press Ctrl-C", b"\\x03"), ("${DEPARTS}", b"\\x1c")]
seen = b""
while True:
    try:
        chunk = os.read(tty, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()
    while keys and keys[0][0].encode() in seen:
        os.write(tty, keys.pop(0)[1])
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
`;

function hasPython(): boolean {
  try {
    const { success } = new Deno.Command("python3", { args: ["-c", "import pty"], stderr: "null" })
      .outputSync();
    return success;
  } catch {
    return false;
  }
}

/** The lines that tell the trip, in their order. */
function checkTrip(lines: string[]): void {
  const trip = [DEPARTS, ARRIVES].map((line) => lines.findIndex((other) => other.endsWith(line)));
  assert(trip[0] >= 0 && trip[0] < trip[1], lines.join("\n"));
  const off = lines.indexOf("conductor: got off");
  assert(off >= 0 && off < lines.length - 1, lines.join("\n"));
  assertEquals(lines.at(-1), "driver: the conductor got off first, now I do: end of the line");
}

Deno.test({
  ...unless(LACKS.signals, "driver_conductor.ts --auto drives a whole trip"),
  async fn() {
    for (let round = 0; round < 3; round++) {
      const { code, lines, stderr, leftovers } = await run("driver_conductor.ts", ["--auto"]);
      assertEquals(stderr, "");
      assertEquals(code, 0);
      checkTrip(lines);
      assertEquals(lines.filter((line) => line === DEPARTS || line === ARRIVES).length, 2);
      assert(!/\p{Script=Han}/u.test(lines.join()), lines.join("\n"));
      assertEquals(leftovers, []);
    }
  },
});

Deno.test({
  ...unless(LACKS.signals, "driver_conductor.ts --usr1 departs on SIGUSR1"),
  async fn() {
    // Deno's debugger says on stderr that it has been woken.
    const { code, lines } = await run("driver_conductor.ts", ["--auto", "--usr1"]);
    assertEquals(code, 0);
    checkTrip(lines);
    assert(lines.some((line) => line.includes("SIGUSR1 to the driver")));
  },
});

Deno.test({
  name: "driver_conductor.ts is driven by Ctrl-C and Ctrl-\\ [a real pseudo-terminal]",
  // There is no pseudo-terminal without python3, which has one in its library.
  ignore: isWindows || !hasPython(),
  async fn() {
    const command = ["python3", "-c", TYPIST, ...commandOf("driver_conductor.ts", [])];
    const { code, lines, leftovers } = await run("driver_conductor.ts", [], { command });
    checkTrip(lines);
    assertEquals(code, 0);
    assertEquals(leftovers, []);
  },
});

Deno.test({
  ...unless(
    LACKS.signals,
    "driver_conductor.ts fails, and hangs nobody, when the conductor is lost",
  ),
  async fn() {
    const { code, stderr, leftovers } = await run("driver_conductor.ts", [], {
      onLine(line) {
        const pid = /on board \(process (\d+)\)/.exec(line)?.[1];
        if (pid !== undefined) Deno.kill(Number(pid), "SIGKILL");
      },
    });
    assertStringIncludes(stderr, "driver_conductor: ");
    assertStringIncludes(stderr, "SIGKILL");
    assertEquals(code, 1);
    assertEquals(leftovers, []);
  },
});

/** The content of a file of `/proc`; nothing if its process or thread has just gone. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** The first child of a process that is a Deno; waits until there is one. */
function findDeno(parent: number): number {
  const own = read(`/proc/${parent}/cmdline`);
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    const tasks = [...Deno.readDirSync(`/proc/${parent}/task`)];
    const children = tasks.map(({ name }) => read(`/proc/${parent}/task/${name}/children`));
    for (const pid of children.join(" ").split(" ").filter((pid) => pid !== "")) {
      const command = read(`/proc/${pid}/cmdline`);
      const [program, verb] = command.split("\0");
      // A child is a copy of its parent for a moment: a signal would be lost.
      if (program.endsWith("deno") && verb === "run" && command !== own) return Number(pid);
    }
  }
  throw new Error("no child came");
}

Deno.test({
  ...unless(LACKS.proc, "driver_conductor.ts ends with code 130 on a Ctrl-C that comes too soon"),
  async fn() {
    const { code, lines, stderr, leftovers } = await run("driver_conductor.ts", [], {
      // The conductor has been started, and imports its modules.
      onLine(line, child) {
        if (line.startsWith("departs on")) Deno.kill(findDeno(child.pid), "SIGINT");
      },
    });
    assertEquals([code, stderr], [130, ""], lines.join("\n"));
    assertEquals(leftovers, []);
  },
});

const script = (...args: string[]) => run("driver_conductor.ts", args);

Deno.test({
  ...unless(LACKS.signals, "driver_conductor.ts --auto --lang zh speaks Chinese"),
  async fn() {
    const { code, lines, stderr } = await script("--auto", "--lang", "zh");
    assertEquals([code, stderr], [0, ""]);
    assert(lines.indexOf("发车了") < lines.indexOf("到站了，请下车"), lines.join("\n"));
    assertEquals(lines.at(-1), "司机：售票员先下车了，我最后下：本次行程结束");
  },
});

testUsage("driver_conductor.ts", script, ["--auto", "--usr1", "--lang"], [
  [["--fly"], 'driver_conductor: unknown argument "--fly"'],
]);
