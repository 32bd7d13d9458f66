/**
 * A program of as many modules as a face of the toolkit loads, which import each other in the same
 * way and have nothing in them: what loading them takes whatever they hold.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** The part of what `deno info --json` says. */
interface Graph {
  roots: string[];
  modules: {
    specifier: string;
    dependencies?: { code?: { specifier?: string }; isDynamic?: boolean }[];
  }[];
}

/** Writes the modules into a folder; gives the path of the first one, and their number. */
export function hollow(face: URL, folder: string): { script: string; count: number } {
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(face)],
  }).outputSync();
  const { roots, modules } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const names = roots.slice(0, 1);
  // Who is imported at the start; what is loaded late is not counted.
  for (const name of names) {
    const found: string[] = [];
    for (const { code, isDynamic } of byName.get(name)?.dependencies ?? []) {
      const imported = code?.specifier;
      if (imported === undefined || isDynamic || !byName.has(imported)) continue;
      found.push(`import "./${placeOf(names, imported)}.ts";`);
    }
    Deno.writeTextFileSync(`${folder}/${names.indexOf(name)}.ts`, found.join("\n"));
  }
  return { script: `${folder}/0.ts`, count: names.length };
}

function placeOf(names: string[], name: string): number {
  const place = names.indexOf(name);
  return place < 0 ? names.push(name) - 1 : place;
}
