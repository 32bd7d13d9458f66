import { assertEquals, assertThrows } from "@std/assert";
import { levelOf, permissionFlags, type Permissions } from "../../lib/child/process/permissions.ts";
import { LACKS, unless } from "../_help/lacks.ts";

const NEEDS = { folder: "/tmp/meet", address: "unix:/tmp/meet/socket", modules: [] };

/** The items of one kind's flag, without what the child itself needs. */
function items(kind: string, permissions: Permissions): string[] {
  const flag = permissionFlags(permissions, NEEDS).find((f) => f.startsWith(`--allow-${kind}=`));
  return (flag?.split("=")[1].split(",") ?? []).filter((item) => !item.includes("/tmp/meet"));
}

Deno.test({
  ...unless(
    LACKS.modes,
    "permissionFlags() makes paths absolute, so that no working directory changes their meaning",
  ),
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

const LEVELS: [permissions: Permissions | undefined, level: string][] = [
  [undefined, "equal"],
  ["inherit", "equal"],
  [{}, "equal"],
  [{ net: true, read: "inherit" }, "equal"],
  ["none", "below"],
  [{ net: false }, "below"],
  [{ read: ["/"] }, "below"],
  [{ import: [] }, "below"],
  [{ ffi: true, run: false }, "below"],
];

for (const [permissions, level] of LEVELS) {
  Deno.test(`levelOf() ${Deno.inspect(permissions)} is ${level} where all is granted`, () => {
    assertEquals(levelOf(permissions), level);
  });
}

const ALL = ["read", "write", "net", "env", "run", "ffi", "sys", "import"];
const PARENTS: [flags: string[], level: string][] = [
  [["--allow-all"], "equal"],
  [ALL.map((kind) => `--allow-${kind}`), "equal"],
  // What is denied to the parent nobody can have.
  [[...ALL.map((kind) => `--allow-${kind}`), "--deny-net"], "equal"],
  // Nobody can read how much of these there is.
  [[...ALL.map((kind) => `--allow-${kind}`), "--deny-net=example.com"], "below"],
  [["--allow-read"], "below"],
  [[...ALL.slice(1).map((kind) => `--allow-${kind}`), "--allow-read=."], "below"],
];

for (const [flags, level] of PARENTS) {
  Deno.test(`levelOf() a child with all that its parent has is ${level} with ${flags.join(" ")}`, async () => {
    const module = new URL("../../lib/child/process/permissions.ts", import.meta.url).href;
    const code = `import { levelOf } from ${JSON.stringify(module)}; console.log(levelOf());`;
    const program = `data:text/javascript,${encodeURIComponent(code)}`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", ...flags, program],
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    assertEquals(text.decode(stdout), `${level}\n`, text.decode(stderr));
  });
}
