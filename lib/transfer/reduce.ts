/**
 * The fate of a value that is not plain data when it crosses: a shareable, a target, an
 * instance of a target class or an error is reduced to where the other side finds it and to its
 * state; anything else is a `ShareError` that names its place.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { ShareError } from "../core/errors.ts";
import { errorShell, finishError, reduceError } from "./failure.ts";
import type { Reduce, Reduction, Revive, TrustLevel } from "./reduction.ts";
import {
  checkState,
  Instead,
  kindOf,
  restoreShareable,
  SHARE,
  type Shareable,
  type World,
} from "./shareable.ts";
import {
  fileless,
  find,
  isLoaded,
  isMarked,
  mainModule,
  mayBeExportOfMain,
  referenceOf,
  referTo,
  type Target,
} from "./task.ts";

/** Built-in objects that keep nothing which could be sent, with what to do instead. */
const ADVICE: Record<string, string> = {
  AbortController: "; use the signal of the call, or context().signal",
  AbortSignal: "; use the signal of the call, or context().signal",
  BroadcastChannel: "; use threading.Broadcast",
  File: "; send its bytes, as in await file.bytes(), and its name",
  FormData: "; send its entries, as in [...form]",
  FsFile: "; open it there, by its path",
  Headers: "; send its entries, as in [...headers]",
  Promise: "; await it first",
  Request: "; send what it holds: request.url, [...request.headers], await request.arrayBuffer()",
  Response: "; send what it holds, as in await response.arrayBuffer()",
  URL: "; send its text, as in url.href",
  URLPattern: "; send its parts, as in pattern.pathname",
  URLSearchParams: "; send its text, as in String(params)",
  WeakMap: "; use a Map",
  WeakRef: "; send what it refers to, as in ref.deref()",
  WeakSet: "; use a Set",
  MessagePort: "; name it in the option transfer",
  ReadableStream: "; name it in the option transfer",
  WritableStream: "; name it in the option transfer",
  SharedArrayBuffer: "; use multiprocessing.SharedMemory",
};

/** A module's URL, or the beginning of one that holds its code. */
function short(module: string): string {
  return module.length > 200 ? `${module.slice(0, 200)}…` : module;
}

function refuse(what: string, place: string, advice = ""): never {
  throw new ShareError(`Cannot share ${place}: ${what} cannot cross to a child${advice}`, place);
}

/** The text of a class without comments and strings, to look for `#private` names in. */
function bareText(type: Target): string {
  return Function.prototype.toString.call(type)
    .replace(/\/\*[^]*?\*\/|\/\/.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`/g, "");
}

const privates = new WeakMap<object, boolean>();

/** True if a class of the user's, or one that it extends, has `#private` fields. */
export function hasPrivates(type: Target, base: unknown = Object): boolean {
  for (
    let t: unknown = type;
    typeof t === "function" && t !== base && t !== Function.prototype;
    t = Object.getPrototypeOf(t)
  ) {
    let found = privates.get(t);
    if (found === undefined) {
      found = /(?<![\w$])#[\p{ID_Start}_$]/u.test(bareText(t as Target));
      privates.set(t, found);
    }
    if (found) return true;
  }
  return false;
}

/** True if a class is one of the language's or Deno's; some of Deno's show their text. */
function isBuiltin(type: Target): boolean {
  const places = [globalThis, Deno] as unknown as Record<string, unknown>[];
  return places.some((place) => place[type.name] === type) ||
    /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(type));
}

function reduceInstance(value: object, place: () => string, world: World): Reduction {
  const type = value.constructor as unknown;
  if (typeof type !== "function" || type === Object) refuse("an object of no class", place());
  const known = referenceOf(type as Target);
  const name = (type as Target).name;
  if (known === undefined && (isBuiltin(type as Target) || !mayBeOfMain(type as Target))) {
    const text = isBuiltin(type as Target) ? ADVICE[name] ?? "" : undefined;
    refuse(
      `an object of class ${name || "(anonymous)"}`,
      place(),
      text ??
        "; export the class from the main module, mark it with task(import.meta, ...), or send plain data",
    );
  }
  if (hasPrivates(type as Target)) {
    refuse(
      `an object of class ${name}`,
      place(),
      "; its #private fields do not travel",
    );
  }
  const { module, name: known_, print } = known ?? referTo(type);
  checkFile(module, world, `an object of class ${name}`, place);
  return {
    kind: "instance",
    module,
    name: known_,
    state: { print, fields: { ...value }, place: place() },
  };
}

/** Refuses what a process would have to import, and cannot. */
function checkFile(module: string, world: World, what: string, place: () => string): void {
  const why = world === "process" ? fileless(module) : undefined;
  if (why !== undefined) refuse(what, place(), `: ${why}`);
}

/** True if an unmarked class may be one that the main module exports: its child will know. */
function mayBeOfMain(type: Target): boolean {
  try {
    return referTo(type).module === mainModule() && !isLoaded(mainModule()) &&
      mayBeExportOfMain(type.name);
  } catch {
    return false;
  }
}

/** Where a function would be called unasked. The receiver looks, too. */
const CALLED = /\.(?:then|toJSON|toString|valueOf)$/;

/** Gives the rules for what crosses to a world. */
export function reducer(world: World): Reduce {
  const reduce: Reduce = (value, place) => {
    if (typeof value === "symbol") return refuse(`the symbol ${String(value)}`, place());
    const kind = kindOf(value);
    if (kind !== undefined) {
      const state = (value as Shareable)[SHARE](world, place);
      if (state instanceof Instead) return reduce(state.value, place);
      return { kind: "share", module: kind.module, name: kind.name, state };
    }
    if (typeof value === "function") {
      if (!isMarked(value)) {
        refuse(`the function ${value.name || "(anonymous)"}`, place(), "; only tasks can");
      }
      if (CALLED.test(place())) {
        refuse("a function that an await or a conversion would call", place());
      }
      const { module, name, print } = referTo(value);
      checkFile(module, world, `the function ${name}`, place);
      return { kind: "target", module, name, state: print };
    }
    if (value instanceof Error) return reduceError(value);
    return reduceInstance(value, place, world);
  };
  return reduce;
}

/** Gives what makes values out of reductions that came from somebody, in either world. */
export function reviveFrom(level: TrustLevel): Revive {
  return level === "equal" ? revive : reviveBelow;
}

/** Makes values out of an equal's reductions. */
export const revive: Revive = reviver("equal");

/** Makes values out of the reductions of somebody with fewer permissions. */
export const reviveBelow: Revive = reviver("below");

/** For messages of the toolkit's own, which are plain data: all else is refused. */
export const revivePlain: Revive = {
  level: "below",
  shell: refuseReduction,
  finish: refuseReduction,
};

function refuseReduction(kind: string): never {
  throw new TypeError(`Cannot read a message: a value of kind ${kind} has no place in it`);
}

function reviver(level: TrustLevel): Revive {
  return {
    level,
    shell(kind) {
      if (kind === "error") return errorShell();
      return kind === "instance" ? {} : undefined;
    },
    finish(kind, module, name, state, shell) {
      switch (kind) {
        case "share":
          return checkInert(restoreShareable(module, name, state, level), name);
        case "target":
          if (level === "below") refuseFunction(module, name);
          return find({ module, name, print: state as number });
        case "error":
          return finishError(shell as Error, module, name, state, level);
        case "instance":
          return finishInstance(shell!, module, name, state, level);
      }
    },
  };
}

function refuseFunction(module: string, name: string): never {
  throw new ShareError(
    `Cannot take the function ${show(name)} of ${
      short(module)
    } from a process with fewer permissions; ` +
      "send plain data",
    name,
  );
}

/** Of what a sender chose the methods, none may be called by an await. */
function checkInert(shared: unknown, name: string): unknown {
  if (typeof (shared as { then?: unknown } | undefined)?.then !== "function") return shared;
  throw new ShareError(
    `Cannot decode ${show(name)}: awaiting it would call its method then()`,
    name,
  );
}

interface InstanceState {
  /** The fingerprint of its class. */
  print: number;
  fields: object;
  /** Where it stood, for an error. */
  place: string;
}

/** The class that was found last: of many instances most are of one. */
let last: { module: string; name: string; print: number; type: Target } | undefined;

function classOf(module: string, name: string, print: number): Target {
  if (last?.print === print && last.name === name && last.module === module) return last.type;
  const type = find({ module, name, print });
  last = { module, name, print, type };
  return type;
}

/** Makes the shell an instance of a class that is known here. No code of the class runs. */
function finishInstance(
  shell: object,
  module: string,
  name: string,
  state: unknown,
  level: TrustLevel,
): object {
  const { print, fields, place } = state as InstanceState ?? {};
  if (typeof print !== "number" || !isFields(fields) || typeof place !== "string") {
    checkState(state, `an object of class ${show(name)}`, INSTANCE);
  }
  let type: Target;
  try {
    type = classOf(module, name, print);
  } catch {
    const advice = "; export it, or mark it with task(import.meta, ...)";
    const where = level === "equal" ? "export" : "have here";
    const whose = `which ${short(module)} does not ${where},`;
    return refuse(`an object of class ${name}, ${whose}`, place, advice);
  }
  const { prototype } = type;
  if (level === "below" && typeof prototype?.then === "function") {
    refuse(`an object of class ${name}, whose then() would be called by an await,`, place);
  }
  // Filled while it is a plain object: so no accessor of its class is met.
  if (Object.hasOwn(fields, "__proto__")) {
    Object.defineProperties(shell, Object.getOwnPropertyDescriptors(fields));
  } else Object.assign(shell, fields);
  return Object.setPrototypeOf(shell, prototype);
}

const INSTANCE = { print: "number", fields: "object", place: "string" } as const;

function isFields(fields: unknown): boolean {
  return typeof fields === "object" && fields !== null;
}
