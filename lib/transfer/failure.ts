/**
 * Errors that cross: with class, message, cause, own fields, the errors of an AggregateError, and
 * their stack. Structured clone would lose the names of subclasses, `code` and `errors`.
 *
 * A class is found on the other side among the built-ins (the language's, Deno's and the toolkit's)
 * or as a target. An error of a class that cannot be found arrives as its nearest known ancestor,
 * and keeps its name.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import * as ours from "../core/errors.ts";
import { LIBRARY } from "../core/environment.ts";
import { checkPlaced } from "./bounds.ts";
import type { Reduction, TrustLevel } from "./reduction.ts";
import { checkState } from "./shareable.ts";
import { findErrorClass, type Reference, referenceOfError, type Target } from "./task.ts";

type ErrorClass = (new (message?: string) => Error) & { prototype: Error & { then?: unknown } };

const builtins = new Map<string, ErrorClass>();
for (
  const type of [
    ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError],
    ...[AggregateError, DOMException],
    ...Object.values(ours),
  ]
) builtins.set(type.name, type as unknown as ErrorClass);
for (const [name, type] of Object.entries(Deno.errors)) builtins.set(`Deno.errors.${name}`, type);

const names = new Map<unknown, string>([...builtins].map(([name, type]) => [type, name]));

interface ErrorState {
  message: string;
  stack: string | undefined;
  /** The fingerprint of a class that is no built-in. */
  print: number;
  /** Own properties, `cause` and `errors` among them; with whether each is enumerable. */
  fields: [name: string, value: unknown, enumerable: boolean][];
}

/** True if an error's class is known, as a built-in or a target. */
function classOf(error: Error): { module: string; name: string; print: number } {
  let type: unknown = Object.getPrototypeOf(error)?.constructor;
  while (typeof type === "function") {
    const name = names.get(type);
    if (name !== undefined) return { module: "", name, print: 0 };
    const found = referenceOfError(type as Target);
    if (found !== undefined) return found;
    type = Object.getPrototypeOf(type);
  }
  return { module: "", name: "Error", print: 0 };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Reduces an error. */
export function reduceError(error: Error): Reduction {
  const { module, name, print } = classOf(error);
  const fields: ErrorState["fields"] = [];
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (key === "message" || key === "stack") continue;
    if (key === "name" && !isText(look(() => error.name))) continue;
    // What cannot cross shall not take the whole error with it.
    const value = look(() => error[key as keyof Error] as unknown);
    if (value === UNSEEN || typeof value === "function" || typeof value === "symbol") continue;
    fields.push([key, value, property.enumerable === true]);
  }
  const called = look(() => error.name);
  if (
    isText(called) && called !== look(() => error.constructor?.name) &&
    !Object.hasOwn(error, "name")
  ) fields.push(["name", called, false]);
  const state: ErrorState = { message: messageOf(error), stack: stackOf(error), print, fields };
  return { kind: "error", module, name, state };
}

/** The stand-in for something that cannot be looked at. */
const UNSEEN = Symbol("unseen");

/** Looks at a part of what was thrown: a getter or a Proxy may throw again. */
function look<T>(read: () => T): T | typeof UNSEEN {
  try {
    return read();
  } catch {
    return UNSEEN;
  }
}

/** True if something thrown is an Error; false for what does not let itself be looked at. */
export function isError(thrown: unknown): thrown is Error {
  return look(() => thrown instanceof Error) === true;
}

/**
 * Something that was thrown, in words, whatever it is: an error's message, a string, or how it is
 * shown.
 */
export function messageOf(thrown: unknown): string {
  const message = isError(thrown) ? look(() => thrown.message as unknown) : thrown;
  if (typeof message === "string") return message;
  const shown = message === UNSEEN ? UNSEEN : look(() => Deno.inspect(message));
  return shown === UNSEEN ? "something that cannot be shown" : shown;
}

/** The stack of something that was thrown, if it has one. */
export function stackOf(thrown: unknown): string | undefined {
  const stack = isError(thrown) ? look(() => thrown.stack as unknown) : undefined;
  return typeof stack === "string" ? stack : undefined;
}

/**
 * The thrown value; instead of what cannot even be asked whether it is an Error, an Error that says
 * so.
 */
export function tame(thrown: unknown): unknown {
  return look(() => thrown instanceof Error) === UNSEEN ? bareError(thrown) : thrown;
}

/** The empty error that cycles can be tied to. */
export function errorShell(): Error {
  return new Error();
}

/**
 * These end whoever throws them, without an error; who throws one as its result is not meant by
 * that.
 */
const ENDING = new Set(["SystemExit", "ThreadTerminated"]);

const STATE = { message: "string", stack: "string?", print: "number", fields: "object" } as const;

/**
 * Makes the shell the error that the state tells of.
 *
 * @throws {TypeError} The state is none of an error.
 */
export function finishError(
  shell: Error,
  module: string,
  name: string,
  state: unknown,
  level: TrustLevel,
): Error {
  const { message, stack, print, fields } = checkState<ErrorState>(state, "an error", STATE);
  checkFields(fields);
  let type: ErrorClass | undefined;
  try {
    type = module === ""
      ? level === "below" && ENDING.has(name) ? undefined : builtins.get(name)
      : findErrorClass({ module, name, print } satisfies Reference) as ErrorClass;
  } catch {
    // The module is not loaded here, or differs: an Error that keeps its name.
  }
  // As a value it would be awaited, and that would call its method.
  if (level === "below" && typeof type?.prototype.then === "function") type = undefined;
  if (type === undefined) {
    Object.defineProperty(shell, "name", { value: name, configurable: true, writable: true });
  }
  const error = type === DOMException as unknown
    ? new DOMException(
      message,
      (fields.find(([key]) => key === "name")?.[1] ?? "Error") as string,
    )
    : shell;
  if (error === shell && type !== undefined) Object.setPrototypeOf(error, type.prototype);
  const define = (key: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
  if (error === shell) define("message", message, false);
  define("stack", stack, false);
  for (const [key, value, enumerable] of fields) {
    if (error === shell || key !== "name") define(key, value, enumerable);
  }
  return error;
}

/** Checks the fields of an error, so that it can be shown and awaited like any other. */
function checkFields(fields: unknown): asserts fields is ErrorState["fields"] {
  const fail = (what: string): never => {
    throw new TypeError(`Cannot decode an error: ${what}`);
  };
  if (!Array.isArray(fields)) return fail(`its fields must be a list, received ${show(fields)}`);
  for (const field of fields) {
    if (!Array.isArray(field) || typeof field[0] !== "string") {
      fail(`a field must be a name and a value, received ${show(field)}`);
    }
    const [key, value] = field;
    if (key === "message" || key === "stack" || key === "name" && typeof value !== "string") {
      fail(`it has no field ${key}: ${show(value)}`);
    }
    checkPlaced(key, value, "an error");
  }
}

/**
 * Drops the frames of the toolkit and of Deno's event loop from a stack: they say nothing to its
 * reader.
 */
export function ownFrames(stack: string): string {
  return stack.split("\n")
    .filter((line) => !/^\s+at /.test(line) || !(line.includes(LIBRARY) || line.includes("(ext:")))
    .join("\n");
}

/** The errors whose stacks have been completed. */
const completed = new WeakSet<Error>();

/** Appends to an error's stack, once, where its result was asked for. */
export function withLocalStack(error: unknown, child: string, here: string | undefined): unknown {
  if (!isError(error) || here === undefined || completed.has(error)) return error;
  completed.add(error);
  const local = ownFrames(here.slice(here.indexOf("\n") + 1));
  const stack = `${
    ownFrames(stackOf(error) ?? String(bareError(error)))
  }\n    in ${child}, asked for its result\n${local}`;
  Object.defineProperty(error, "stack", {
    value: stack.trimEnd(),
    configurable: true,
    writable: true,
    enumerable: false,
  });
  return error;
}

/**
 * The part that can be read of an error that cannot cross as it is: its name, message and stack.
 */
export function bareError(error: unknown): Error {
  const bare = new Error(messageOf(error));
  const name = isError(error) ? look(() => error.name as unknown) : undefined;
  if (typeof name === "string") bare.name = name;
  bare.stack = stackOf(error) ?? `${bare.name}: ${bare.message}`;
  return bare;
}
