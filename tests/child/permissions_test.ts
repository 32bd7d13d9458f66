import { assertEquals, assertThrows } from "@std/assert";
import { permissionFlags, type Permissions } from "../../lib/child/permissions.ts";

const NEEDS = { folder: "/tmp/meet", modules: [] };
const isWindows = Deno.build.os === "windows";

/** The items of one kind's flag, without what the child itself needs. */
function items(kind: string, permissions: Permissions): string[] {
  const flag = permissionFlags(permissions, NEEDS).find((f) => f.startsWith(`--allow-${kind}=`));
  return (flag?.split("=")[1].split(",") ?? []).filter((item) => !item.includes("/tmp/meet"));
}

Deno.test({
  name:
    "permissionFlags() makes paths absolute, so that no working directory changes their meaning",
  ignore: isWindows,
  fn() {
    const here = Deno.cwd();
    assertEquals(items("read", { read: ["data", "../x", "/abs"] }), [
      `${here}/data`,
      `${here.replace(/\/[^/]+$/, "")}/x`,
      "/abs",
    ]);
    assertEquals(items("write", { write: [new URL("file:///a%20b")] }), ["/a b"]);
    assertEquals(items("ffi", { ffi: ["lib.so"] }), [`${here}/lib.so`]);
    assertEquals(items("run", { run: ["git", "./tool"] }), ["git", `${here}/tool`]);
  },
});

Deno.test("permissionFlags() takes hosts from URLs", () => {
  assertEquals(items("net", { net: [new URL("https://example.com:81/x")] }), ["example.com:81"]);
});

const WRONG: [permissions: Permissions, message: string][] = [
  [{ read: [""] }, 'permissions.read[0] must name a path, received ""'],
  [{ read: ["ok", 1 as never] }, "permissions.read[1] must name a path, received 1"],
  [{ read: [new URL("https://example.com")] }, "permissions.read[0] must name a path"],
  [{ net: [new URL("file:///etc")] }, "permissions.net[0] must name a host"],
  [{ write: ["/tmp/a,/etc"] }, "permissions.write[0] must be without commas"],
  [{ env: ["A,B"] }, "permissions.env[0] must be without commas"],
];

for (const [permissions, message] of WRONG) {
  Deno.test(`permissionFlags() refuses what no flag can name: ${message}`, () => {
    assertThrows(() => permissionFlags(permissions, NEEDS), TypeError, message);
  });
}
