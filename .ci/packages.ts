/**
 * Lets the checkout run where JSR is out of reach.
 *
 * Deno fetches the packages that `deno.json` names from JSR and keeps them in `vendor/`. Where JSR
 * does not answer, this script fills `vendor/` itself, in the layout Deno writes: the same library
 * as the npm package `deno-std` compiles it to JavaScript, with the types in `packages/`, and a
 * stand-in for `@std/fs`, which that package lacks. Does nothing when the packages are there, and
 * nothing when JSR answers. Imports only what is built in, for it runs before anything is fetched.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

const NPM_PACKAGE = "deno-std@1.4.0";
const PROBE_MS = 3_000;
const FETCH_MS = 60_000;

/** Which module of the npm package each name in `packages/NAME.d.ts` comes from. */
const MODULES: Record<string, string[]> = {
  assert: ["assert/mod.js"],
  // The package lacks a data file that the rest of cli imports.
  cli: ["cli/parse_args.js"],
  async: [
    "async/abortable.js",
    "async/deadline.js",
    "async/debounce.js",
    "async/delay.js",
    "async/pool.js",
    "async/retry.js",
  ],
};

/** Marks a package as filled by this script; holds {@linkcode stamp}'s text. */
const MARK = "stand_in.txt";

/** One package of `deno.json`'s imports: `jsr:@std/NAME@VERSION`. */
interface Package {
  name: string;
  version: string;
}

const here = new URL("./", import.meta.url);
const root = new URL("../", here);
const vendor = new URL("vendor/", root);

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`Cannot fill vendor/: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}

async function main(): Promise<void> {
  const packages = await readImports();
  const mark = await stamp();
  const missing = await findMissing(packages, mark);
  if (missing.length === 0) return;

  const jsr = await locateJsr(missing[0]);
  if (await answers(jsr, missing[0])) return;

  console.error(`JSR does not answer: filling vendor/ from npm:${NPM_PACKAGE}`);
  await Deno.mkdir(vendor, { recursive: true });
  const work = await Deno.makeTempDir({ dir: fileURLToPath(vendor), prefix: ".filling-" });
  try {
    const library = await fetchLibrary(`${work}/npm`);
    const target = new URL(`${folderOf(jsr)}@std/`, vendor);
    await Deno.mkdir(target, { recursive: true });
    for (const pkg of missing) {
      const built = `${work}/${pkg.name}`;
      await build(pkg, library, built, mark);
      await putInPlace(built, new URL(pkg.name, target), `${work}/${pkg.name}.old`, mark);
    }
  } finally {
    await Deno.remove(work, { recursive: true }).catch(() => {});
  }
}

async function readImports(): Promise<Package[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  return Object.values<string>(config.imports).map((specifier) => {
    const [, name, version] = /^jsr:@std\/([\w-]+)@(\d+\.\d+\.\d+)$/.exec(specifier) ?? [];
    if (version === undefined) {
      throw new Error(`deno.json's imports must be jsr:@std/NAME@VERSION, received ${specifier}`);
    }
    return { name, version };
  });
}

/** Changes with this script and its types, so that an older filling is replaced. */
async function stamp(): Promise<string> {
  const files = [new URL(import.meta.url)];
  for (const entry of Deno.readDirSync(new URL("packages/", here))) {
    files.push(new URL(`packages/${entry.name}`, here));
  }
  files.sort((a, b) => a.href < b.href ? -1 : 1);
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  return await sha256(new TextEncoder().encode(texts.join("\0")));
}

async function findMissing(packages: Package[], mark: string): Promise<Package[]> {
  const present = await Promise.all(packages.map((pkg) => isPresent(pkg, mark)));
  return packages.filter((_, i) => !present[i]);
}

async function isPresent({ name, version }: Package, mark: string): Promise<boolean> {
  for (const host of await directories(vendor)) {
    const folder = new URL(`${host}/@std/${name}/`, vendor);
    if (await read(new URL(`${version}_meta.json`, folder)) === undefined) continue;
    const found = await read(new URL(MARK, folder));
    if (found === undefined || found === mark) return true;
  }
  return false;
}

/** Deno knows where JSR is, and may have been told otherwise (`JSR_URL`). */
async function locateJsr({ name, version }: Package): Promise<URL> {
  const { stdout } = await deno(["info", "--json", "--no-remote", `jsr:@std/${name}@${version}`]);
  const [url] = /https?:[^"'\s\\]*?(?=@std\/)/.exec(stdout) ?? [];
  if (url === undefined) throw new Error(`deno info does not say where JSR is: ${stdout}`);
  return new URL(url);
}

async function answers(jsr: URL, { name, version }: Package): Promise<boolean> {
  try {
    const response = await fetch(new URL(`@std/${name}/meta.json`, jsr), {
      signal: AbortSignal.timeout(PROBE_MS),
    });
    // A firewall may answer in JSR's place, with a page of its own.
    return version in (await response.json()).versions;
  } catch {
    return false;
  }
}

/** The folder in `vendor/` that Deno gives to a host, with a slash at the end. */
function folderOf({ protocol, hostname, port, pathname }: URL): string {
  const scheme = protocol === "https:" ? "" : `${protocol.slice(0, -1)}_`;
  return `${scheme}${hostname}${port && `_${port}`}${pathname}`;
}

async function fetchLibrary(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  const [name] = NPM_PACKAGE.split("@");
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({
      nodeModulesDir: "auto",
      lock: false,
      workspace: [],
      imports: { [name]: `npm:${NPM_PACKAGE}` },
    }),
  );
  const { success, stderr } = await deno(["install"], folder);
  if (!success) {
    throw new Error(
      `JSR does not answer, and npm:${NPM_PACKAGE} cannot be had:\n${stderr.trim() || "no answer"}`,
    );
  }
  return await Deno.realPath(`${folder}/node_modules/${name}`);
}

async function build(pkg: Package, library: string, folder: string, mark: string): Promise<void> {
  const files = `${folder}/${pkg.version}`;
  await Deno.mkdir(files, { recursive: true });
  const modules = MODULES[pkg.name];
  if (modules) {
    await copyTree(library, files);
    // async/channel.js asks for this spelling.
    await copyTree(`${library}/data_structures`, `${files}/data-structures`);
    const lines = modules.map((path) => `export * from "./${path}";\n`);
    await Deno.writeTextFile(
      `${files}/mod.js`,
      `// @ts-self-types="./mod.d.ts"\n${lines.join("")}`,
    );
    await Deno.copyFile(new URL(`packages/${pkg.name}.d.ts`, here), `${files}/mod.d.ts`);
  } else {
    await Deno.copyFile(new URL(`packages/${pkg.name}.ts`, here), `${files}/mod.ts`);
  }

  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const path of await listFiles(files)) {
    const bytes = await Deno.readFile(`${files}${path}`);
    manifest[path] = { size: bytes.length, checksum: `sha256-${await sha256(bytes)}` };
  }
  const entry = modules ? "./mod.js" : "./mod.ts";
  await writeJson(`${folder}/${pkg.version}_meta.json`, { manifest, exports: { ".": entry } });
  await writeJson(`${folder}/meta.json`, {
    scope: "std",
    name: pkg.name,
    latest: pkg.version,
    versions: { [pkg.version]: {} },
  });
  await Deno.writeTextFile(`${folder}/${MARK}`, mark);
}

/** Another run may do the same at the same time: whichever comes first is as good. */
async function putInPlace(built: string, target: URL, old: string, mark: string): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await Deno.rename(built, target);
    } catch (error) {
      if (await read(new URL(`${target}/${MARK}`)) === mark) return;
      if (attempt === 3) throw error;
    }
    await Deno.rename(target, `${old}${attempt}`).catch(() => {});
  }
}

async function deno(
  args: string[],
  cwd?: string,
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: {
      NO_COLOR: "1",
      // Where a firewall looks into TLS, only the system knows its certificate.
      DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "system,mozilla",
    },
    stdin: "null",
    signal: AbortSignal.timeout(FETCH_MS),
  }).output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const copy = entry.isDirectory ? copyTree : Deno.copyFile;
    await copy(`${from}/${entry.name}`, `${to}/${entry.name}`);
  }
}

/** The files below a folder, as the manifest names them: `/assert/mod.js`. */
async function listFiles(folder: string, path = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${folder}${path}`)) {
    const inside = `${path}/${entry.name}`;
    if (entry.isDirectory) found.push(...await listFiles(folder, inside));
    else found.push(inside);
  }
  return found.sort();
}

async function directories(folder: URL): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter((entry) => entry.isDirectory).map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function read(file: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(file, JSON.stringify(value));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
