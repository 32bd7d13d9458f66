/**
 * The first import of the toolkit from a web server that is far away, with an empty cache.
 *
 * @module
 */
import { delay } from "@std/async";

const CHECKOUT = new URL("../../", import.meta.url);
/** How long each answer takes, in ms. */
const ROUND_TRIP = 50;

/** What a first import comes to. */
export interface FirstImport {
  /** The files that were asked for. */
  modules: number;
  /** How many of them wait for each other. */
  levels: number;
  /** The time in ms. */
  ms: number;
}

/** Imports a face by http once. */
export async function firstImport(face: string): Promise<FirstImport> {
  const cache = await Deno.makeTempDir();
  let modules = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    modules++;
    await delay(ROUND_TRIP);
    const text = await Deno.readTextFile(new URL(new URL(request.url).pathname.slice(1), CHECKOUT));
    return new Response(text, { headers: { "content-type": "application/typescript" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}/${face}`;
  const run = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args,
      cwd: cache,
      env: { DENO_DIR: cache, NO_COLOR: "1" },
      stdin: "null",
    }).output();
  try {
    const began = performance.now();
    const { success, stderr } = await run("run", "-A", "--no-check", "--no-config", url);
    const ms = performance.now() - began;
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const asked = modules;
    const { stdout } = await run("info", "--json", "--no-config", url);
    return { modules: asked, levels: levelsOf(JSON.parse(new TextDecoder().decode(stdout))), ms };
  } finally {
    await server.shutdown();
    await Deno.remove(cache, { recursive: true });
  }
}

interface Graph {
  roots: string[];
  modules: {
    specifier: string;
    dependencies?: { code?: { specifier?: string }; isDynamic?: boolean }[];
  }[];
}

/** The number of files on the longest of the shortest ways from the root. */
function levelsOf({ roots, modules }: Graph): number {
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  let levels = 0;
  let level = new Set(roots);
  for (const seen = new Set<string>(); level.size > 0; levels++) {
    for (const name of level) seen.add(name);
    const next = [...level].flatMap((name) => byName.get(name)?.dependencies ?? [])
      .filter(({ isDynamic }) => !isDynamic)
      .flatMap(({ code }) => code?.specifier ?? [])
      .filter((name) => !seen.has(name));
    level = new Set(next);
  }
  return levels;
}
