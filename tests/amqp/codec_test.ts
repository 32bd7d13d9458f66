/**
 * The codec: each type there and back, and the methods beside the specification's own words.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../lib/amqp/errors.ts";
import {
  Decimal,
  type Field,
  type FieldTable,
  readTable,
  writeTable,
} from "../../lib/amqp/codec/fields.ts";
import {
  type Argument,
  type Properties,
  readMethod,
  readProperties,
  writeMethod,
  writeProperties,
} from "../../lib/amqp/codec/methods.ts";
import { ByteReader } from "../../lib/amqp/codec/reader.ts";
import { type MethodName, METHODS, PROPERTIES } from "../../lib/amqp/codec/table.ts";
import { ByteWriter } from "../../lib/amqp/codec/writer.ts";
import { METHODS_IN_WORDS, PROPERTIES_IN_WORDS } from "./_specification.ts";

function throughTable(table: FieldTable): FieldTable {
  const out = new ByteWriter();
  writeTable(out, table);
  const reader = new ByteReader(out.written());
  const read = readTable(reader);
  assertEquals(reader.left, 0);
  return read;
}

/** A table with one value whose bytes are given. */
function tableOf(type: string, ...bytes: number[]): Field | undefined {
  const out = new ByteWriter();
  out.long(bytes.length + 3);
  out.shortstr("v");
  out.octet(type.charCodeAt(0));
  out.raw(Uint8Array.from(bytes));
  return readTable(new ByteReader(out.written())).v;
}

const THERE_AND_BACK: Record<string, Field> = {
  "nothing": null,
  "true": true,
  "false": false,
  "zero": 0,
  "the least whole number of 32 bits": -(2 ** 31),
  "the greatest whole number of 32 bits": 2 ** 31 - 1,
  "one below 32 bits": -(2 ** 31) - 1,
  "one above 32 bits": 2 ** 31,
  "the greatest safe number": Number.MAX_SAFE_INTEGER,
  "the least safe number": Number.MIN_SAFE_INTEGER,
  "a fraction": 0.1,
  "a minus zero": -0,
  "no number": NaN,
  "an endless number": -Infinity,
  "a number beyond the safe ones": 2 ** 60,
  "a bigint": 2n ** 63n - 1n,
  "the least bigint": -(2n ** 63n),
  "an empty text": "",
  "a text": "ä€😀".repeat(200),
  "a text with a byte order mark": "\ufeffa",
  "bytes": Uint8Array.of(0, 255, 0xce),
  "no bytes": new Uint8Array(),
  "a date": new Date(1_700_000_000_000),
  "a date before 1970": new Date(-1000),
  "a decimal": new Decimal(2, -314),
  "an empty array": [],
  "arrays in arrays": [1, [2, ["three", [null]]], { four: [true] }],
  "an empty table": {},
  "a table in a table": { a: { b: { c: "d" } } },
};

for (const [what, value] of Object.entries(THERE_AND_BACK)) {
  Deno.test(`codec: ${what} goes there and back`, () => {
    assertEquals(throughTable({ value, after: 1 }), { value, after: 1 });
  });
}

const RECEIVED: [type: string, bytes: number[], value: Field][] = [
  ["t", [1], true],
  ["t", [0], false],
  ["b", [0x80], -128],
  ["B", [0x80], 128],
  ["s", [0xff, 0xfe], -2],
  ["u", [0xff, 0xfe], 65534],
  ["I", [0xff, 0xff, 0xff, 0xff], -1],
  ["i", [0xff, 0xff, 0xff, 0xff], 2 ** 32 - 1],
  ["l", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], -1],
  ["L", [0, 0, 0, 0, 0, 0, 0, 5], 5],
  ["l", [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 2n ** 63n - 1n],
  ["f", [0x3f, 0x80, 0, 0], 1],
  ["d", [0x40, 0, 0, 0, 0, 0, 0, 0], 2],
  ["D", [2, 0, 0, 1, 0x3a], new Decimal(2, 314)],
  ["S", [0, 0, 0, 2, 0x68, 0x69], "hi"],
  ["S", [0, 0, 0, 2, 0xff, 0xfe], Uint8Array.of(0xff, 0xfe)],
  ["x", [0, 0, 0, 1, 7], Uint8Array.of(7)],
  ["T", [0, 0, 0, 0, 0, 0, 0, 1], new Date(1000)],
  ["V", [], null],
  ["A", [0, 0, 0, 4, 0x74, 1, 0x62, 0xff], [true, -1]],
  ["F", [0, 0, 0, 3, 1, 0x61, 0x56], { a: null }],
];

for (const [type, bytes, value] of RECEIVED) {
  Deno.test(`codec: type ${type} of RabbitMQ's is read as ${Deno.inspect(value)}`, () => {
    assertEquals(tableOf(type, ...bytes), value);
  });
}

Deno.test("codec: names that objects have already are names like others", () => {
  const read = throughTable(JSON.parse('{"__proto__":1,"constructor":2,"toString":3}'));
  assertEquals(Object.entries(read), [["__proto__", 1], ["constructor", 2], ["toString", 3]]);
});

Deno.test("codec: what is undefined is left out, what has no type is refused", () => {
  assertEquals(throughTable({ a: undefined, b: 1 }), { b: 1 });
  const bad = (value: unknown) => () => throughTable({ bad: value as Field });
  assertThrows(bad(() => {}), TypeError, 'Cannot send "bad": AMQP has no type for');
  assertThrows(bad(Symbol("s")), TypeError, 'Cannot send "bad"');
  assertThrows(bad(2n ** 63n), RangeError, 'Cannot send "bad": 9223372036854775808 takes more');
});

Deno.test("codec: tables lie at most 64 deep, there and back", () => {
  const nested = (depth: number): Field => depth === 0 ? 1 : [nested(depth - 1)];
  assertEquals(throughTable({ v: nested(64) }), { v: nested(64) });
  assertThrows(() => throughTable({ v: nested(65) }), RangeError, "over 64 deep");
  const cycle: Record<string, Field> = {};
  cycle.self = cycle;
  assertThrows(() => throughTable(cycle), RangeError, "over 64 deep");
  const bytes = Array.from({ length: 70 }, (_, k) => {
    const left = (69 - k) * 5;
    return [left >> 8 & 0xff, left & 0xff, 0x41];
  }).flatMap(([high, low, a]) => [0, 0, high!, low!, a!]);
  assertThrows(() => tableOf("A", ...bytes.slice(0, -1)), AmqpError, "over 64 deep");
});

Deno.test("codec: lengths that claim more than there is are errors", () => {
  assertThrows(() => tableOf("S", 0xff, 0xff, 0xff, 0xff), AmqpError, "of 4294967295 bytes");
  assertThrows(() => tableOf("A", 0, 0, 0, 9), AmqpError, "a table of 9 bytes where 0 are left");
  assertThrows(() => tableOf("l", 1), AmqpError, "a value of 8 bytes where 1 are left");
  assertThrows(() => tableOf("A", 0, 0, 0, 1, 0x74), AmqpError);
  assertThrows(() => tableOf("?"), AmqpError, 'the unknown type "?"');
});

Deno.test("codec: a short text has at most 255 bytes", () => {
  const out = new ByteWriter();
  out.shortstr("ä".repeat(127) + "a");
  assertEquals(new ByteReader(out.written()).shortstr(), "ä".repeat(127) + "a");
  assertThrows(() => out.shortstr("ä".repeat(128)), RangeError, "it takes 256 bytes");
});

/** A value for each type. */
const SAMPLES: Record<string, Argument[]> = {
  B: [0, 255],
  H: [0, 65535],
  L: [0, 2 ** 32 - 1],
  Q: [1, Number.MAX_SAFE_INTEGER],
  b: [true, false],
  s: ["", "a text", "x".repeat(255), "€".repeat(20)],
  S: ["", "longer ".repeat(100)],
  T: [{}, { a: 1, b: "two" }],
};

for (const [name, [, , types]] of Object.entries(METHODS)) {
  Deno.test(`codec: ${name} goes there and back`, () => {
    for (let turn = 0; turn < 4; turn++) {
      const args = [...types].map((type, k) => {
        const samples = SAMPLES[type]!;
        return samples[(turn + k) % samples.length]!;
      });
      const out = new ByteWriter();
      writeMethod(out, name as MethodName, args);
      assertEquals(readMethod(new ByteReader(out.written())), { name: name as MethodName, args });
    }
  });
}

Deno.test("codec: bits share octets, the first one lowest", () => {
  const out = new ByteWriter();
  writeMethod(out, "queue.declare", [0, "q", false, true, false, true, false, {}]);
  assertEquals([...out.written()], [0, 50, 0, 10, 0, 0, 1, 0x71, 0b01010, 0, 0, 0, 0]);
});

Deno.test("codec: each property goes there and back, alone and with all others", () => {
  const all: Record<string, Argument> = {};
  for (const [name, type] of PROPERTIES) {
    const value = SAMPLES[type]!.at(-1)!;
    all[name] = value;
    assertEquals(throughProperties({ [name]: value }), { [name]: value });
  }
  assertEquals(throughProperties(all), all as Properties);
  assertEquals(throughProperties({}), {});
});

function throughProperties(properties: Properties): Properties {
  const out = new ByteWriter();
  writeProperties(out, properties);
  return readProperties(new ByteReader(out.written()));
}

Deno.test("codec: unknown methods, arguments too many, unknown flags are errors", () => {
  const bytes = (...list: number[]) => new ByteReader(Uint8Array.from(list));
  assertThrows(() => readMethod(bytes(0, 90, 0, 10)), AmqpError, "an unknown method, 90.10");
  assertThrows(() => readMethod(bytes(0, 20, 0, 41, 7)), AmqpError, "1 bytes too many");
  assertThrows(() => readMethod(bytes(0, 60, 0, 80, 0)), AmqpError, "a value of 8 bytes");
  assertThrows(() => readProperties(bytes(0, 1)), AmqpError, "properties that no message has");
  assertThrows(() => readProperties(bytes(0, 0, 9)), AmqpError, "1 bytes too many in a header");
});

/** The letters of the table by the words of the specification. */
const LETTERS: Record<string, string> = {
  octet: "B",
  short: "H",
  long: "L",
  longlong: "Q",
  bit: "b",
  shortstr: "s",
  longstr: "S",
  table: "T",
  timestamp: "Q",
};

Deno.test("codec: the table of methods is the specification's", () => {
  const rows = Object.fromEntries(
    METHODS_IN_WORDS.trim().split("\n").map((row) => {
      const [name, numbers, ...args] = row.trim().split(/\s+/);
      const [classId, methodId] = numbers!.split(".").map(Number);
      const letters = args.map((arg) => LETTERS[arg.split(":")[1]!]);
      return [name, [classId, methodId, letters.join("")]];
    }),
  );
  assertEquals<unknown>(METHODS, rows);
});

Deno.test("codec: the table of properties is the specification's", () => {
  const rows = PROPERTIES_IN_WORDS.trim().split(/\s+/).map((pair) => {
    const [name, type] = pair.split(":");
    return [name!.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()), LETTERS[type!]];
  });
  assertEquals<unknown>(PROPERTIES, rows);
});
