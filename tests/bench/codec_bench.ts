/** The codec against JSON and node:v8. Run it with `deno bench tests/bench/codec_bench.ts`. */
import { deserialize, serialize } from "node:v8";
import { decode, encode, encodeInto } from "../../lib/transfer/codec/codec.ts";
import type { Revive } from "../../lib/transfer/reduction.ts";

const reduce = (): never => {
  throw new Error("plain data only");
};
const revive: Revive = { shell: () => undefined, finish: () => undefined };

const items = Array.from({ length: 1000 }, (_, i) => ({
  id: i,
  name: `item number ${i}`,
  price: i * 1.5,
  tags: ["a", "b"],
  ok: true,
}));
const utf8 = new TextEncoder(), text = new TextDecoder();
const target = new Uint8Array(2 ** 21);

const subjects: Record<string, unknown> = {
  "small object": { id: 123, s: "hello" },
  "1,000 objects": items,
  "1 MiB Uint8Array": new Uint8Array(2 ** 20),
};

for (const [name, value] of Object.entries(subjects)) {
  const encoded = encode(value, reduce);
  Deno.bench(`encode: ${name}`, { group: `encode ${name}`, baseline: true }, () => {
    encode(value, reduce);
  });
  Deno.bench(`encodeInto: ${name}`, { group: `encode ${name}` }, () => {
    encodeInto(target, 0, value, reduce);
  });
  Deno.bench(`decode: ${name}`, { group: `decode ${name}`, baseline: true }, () => {
    decode(encoded, revive);
  });

  if (!(value instanceof Uint8Array)) {
    const json = utf8.encode(JSON.stringify(value));
    Deno.bench(`JSON to bytes: ${name}`, { group: `encode ${name}` }, () => {
      utf8.encode(JSON.stringify(value));
    });
    Deno.bench(`JSON from bytes: ${name}`, { group: `decode ${name}` }, () => {
      JSON.parse(text.decode(json));
    });
  }

  const serialized = serialize(value);
  Deno.bench(`node:v8 serialize: ${name}`, { group: `encode ${name}` }, () => {
    serialize(value);
  });
  Deno.bench(`node:v8 deserialize: ${name}`, { group: `decode ${name}` }, () => {
    deserialize(serialized);
  });
}
