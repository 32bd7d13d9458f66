/**
 * Values to bytes and back, for what goes between processes.
 *
 * Why another format: JSON loses half of what Python's pickle keeps; `node:v8` keeps it, and takes
 * 15 µs for a small object. This codec keeps what structured clone keeps (identity, cycles, holes,
 * lone surrogates) and hands all that is not plain data to its caller, as a {@linkcode Reduction}.
 *
 * A message is `FORMAT | flags`, one value, the contents of what stands in it as LATER, and, if
 * HAS_MODULES is set, a table of the modules named: count, strings, length of the table (4 bytes).
 * As it stands at the end it can be read before the value. HAS_REFERENCES says that REFERENCE
 * occurs: else the reader need not remember objects. `n` is an unsigned LEB128 number, `string` a
 * SHORT, UTF8 or UTF16; what takes several bytes is little-endian or in the machine's order: both
 * ends are on one machine.
 *
 * | tag | followed by | meaning |
 * | --- | --- | --- |
 * | END | | ends OBJECT, BARE, MAP and SET, whose sizes are not known in advance (getters, hooks) |
 * | NULL UNDEFINED FALSE TRUE | | |
 * | SMALL \| i | | the integer 0 … 127 |
 * | INT32 | 4 bytes | another integer; -0 is none |
 * | FLOAT64 | 8 bytes | another number |
 * | BIGINT64 | 8 bytes | a bigint of 64 bits |
 * | BIGINT | string | another: hexadecimal digits, as these convert in linear time |
 * | SHORT \| length | a byte each | a string of up to 63 characters of Latin-1: quickest in a loop |
 * | UTF8 | 4 bytes: size, bytes | a longer string: the engine's own conversion is quickest |
 * | UTF16 | n units, 2 bytes each | a short one of other characters, or one with lone surrogates |
 * | DATE | 8 bytes | a Date |
 * | REGEXP | string, string | a RegExp: source, flags |
 * | BUFFER | n bytes | an ArrayBuffer, of fixed length afterwards |
 * | VIEW | byte: kind, n bytes | a typed array or DataView, with what it covers of its buffer |
 * | OBJECT, BARE | (key, value)\* END | a plain object; one without a prototype. A key is a string or AGAIN |
 * | AGAIN | | as the last key of up to 63 characters written in full at this position of an object at this depth (from 2 on) |
 * | ARRAY | n values | an array without holes |
 * | INT32S, FLOAT64S | n, 4 or 8 bytes each | a longer one of numbers, of integers or others: read and written as a whole |
 * | SPARSE | n, (value or HOLES)\* | an array of length n with holes |
 * | HOLES | n | the next n elements are absent (in SPARSE only) |
 * | MAP | (value, value)\* END | a Map |
 * | SET | value\* END | a Set |
 * | REFERENCE | n | the object number n: all objects count, in order of appearance, from 0 |
 * | REDUCTION | byte: kind, n: module, string: name, value: state | what the hooks make of it |
 * | LATER | tag | a container; from its tag on it comes later |
 * | LATER | REDUCTION without its state | an instance or error; its state comes later |
 *
 * LATER lets values nest without limit though both sides recurse: below 256 levels a container, an
 * instance or an error is only announced, and what it holds follows, in the order of the
 * announcements, at the end of the message, or at the end of the reduction's state in which it
 * stands: `finish()` gets complete states, inner ones first. What has no shell (`share`, `target`)
 * cannot be announced: some 200 of them in each other's states are a RangeError. Any depth of the
 * rest is not.
 *
 * What does not cross: symbol keys, accessors (their values do), named properties of arrays, Maps
 * and other built-ins, `lastIndex`, and that two views share one buffer. A view of a
 * SharedArrayBuffer goes to the hook, as the SharedArrayBuffer itself does; so do subclasses of the
 * built-ins.
 *
 * @module
 */
export { encode, encodeInto } from "./writer.ts";
export { decode, modulesOf } from "./reader.ts";
