/**
 * The programs of portable_test.ts, for every system: the first argument says which.
 *
 * @module
 */
const [which, ...args] = Deno.args;
const say = (text: string, to: { writeSync(bytes: Uint8Array): number } = Deno.stdout) => {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
};
const forever = () => new Promise<never>(() => setInterval(() => {}, 1_000));

const PROGRAMS: Record<string, () => unknown> = {
  /** Ends with a code, after a word on each stream. */
  exit() {
    if (args[1] !== undefined) say(args[1]);
    if (args[2] !== undefined) say(args[2], Deno.stderr);
    Deno.exit(Number(args[0]));
  },
  /** Says what it was given. */
  args: () => say(JSON.stringify(args)),
  /** Says a variable of its environment, or that it has none. */
  env: () => say(args.map((name) => Deno.env.get(name) ?? "none").join(" ")),
  cwd: () => say(Deno.cwd()),
  /** Passes on what it reads. */
  cat: () => Deno.stdin.readable.pipeTo(Deno.stdout.writable),
  /** Writes so many bytes to each stream. */
  async flood() {
    const chunk = new Uint8Array(1 << 16).fill(120);
    for (let left = Number(args[0]); left > 0; left -= chunk.length) {
      await Promise.all([Deno.stdout, Deno.stderr].map((stream) => stream.write(chunk)));
    }
  },
  /** Says each line that it reads in capitals, until there is none. */
  async shout() {
    for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
      say(text.toUpperCase());
    }
  },
  /** Says its number, and lives on. */
  async live() {
    say(`${Deno.pid}\n`);
    await forever();
  },
  /** Starts another, says the numbers of both, and lives on. */
  async parent() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-config", "-A", Deno.mainModule, "live"],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    say(`${Deno.pid} ${value!.trim()}\n`);
    await forever();
  },
};

await PROGRAMS[which!]!();
