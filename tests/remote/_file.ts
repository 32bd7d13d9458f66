/**
 * Files for the tests of `file:`, which are gone with the process.
 *
 * @module
 */

/** The path of a file in a folder of its own; the folder is removed when this module unloads. */
export function fileForTests(name: string): string {
  const folder = Deno.makeTempDirSync({ prefix: "switchyard-test-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return `${folder}/${name}.db`;
}
