/**
 * The types of `@std/cli` that the JavaScript of the npm package lacks: `parseArgs`, whose result
 * follows from its options. Options with dots in their names (`--a.b`) are not followed.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any
type AnyRecord = Record<string, any>;
type Name = string | undefined;
type Aliases = { [name: string]: string | readonly string[] | undefined };
type OneOrMany<T> = T | ReadonlyArray<Extract<T, string>>;

/** Written out as one object, so that errors and hovers show the fields. */
type Flat<T> = { [K in keyof T]: T[K] };

/** The type of an option that is given at least once. */
type Given<K, B, S, C, N> = K extends B ? (K extends C ? boolean[] : boolean)
  : K extends S ? (K extends C ? string[] : string) | (K extends N ? false : never)
  : K extends C ? unknown[] | (K extends N ? false : never)
  : unknown;

type WithDefault<K, V, Fallback> = unknown extends V ? unknown : V | Fallback;

/** The name of an option and its aliases. */
type WithAliases<K, A> = K extends keyof A
  ? A[K] extends readonly (infer M extends string)[] ? K | M
  : A[K] extends infer M extends string ? string extends M ? K : K | M
  : K
  : K;

type Named<B, S, C> = Extract<Exclude<B, boolean> | S | C, string>;

/** Options that a result always has: lists, switches, and those with a default. */
type Certain<B, S, C, D> = Extract<Exclude<B, boolean> | C, string> | Extract<keyof D, string>;

type Options<B, S, C, N, D, A> =
  & {
    [K in Certain<B, S, C, D> as WithAliases<K, A>]: K extends keyof D
      ? WithDefault<K, Given<K, B, S, C, N>, D[K]>
      : Given<K, B, S, C, N>;
  }
  & {
    [K in Exclude<Named<B, S, C>, Certain<B, S, C, D>> as WithAliases<K, A>]?: Given<K, B, S, C, N>;
  };

type Result<B, S, C, N, D, A> = [Named<B, S, C> | Extract<B, true>] extends [never] ? AnyRecord
  : Record<string, unknown> & Options<B, S, C, N, D extends undefined ? unknown : D, A>;

type DoubleDash<T> = boolean extends T ? {
    /** What stood after `--`. */
    "--"?: string[];
  }
  : true extends T ? {
      /** What stood after `--`. */
      "--": string[];
    }
  : unknown;

/** What {@linkcode parseArgs} gives. */
export type Args<
  TArgs extends Record<string, unknown> = AnyRecord,
  TDoubleDash extends boolean | undefined = undefined,
> = Flat<
  & TArgs
  & {
    /** What belongs to no option. */
    _: Array<string | number>;
  }
  & DoubleDash<TDoubleDash>
>;

/** Options of {@linkcode parseArgs}. */
export interface ParseOptions<
  TBooleans extends boolean | Name = boolean | Name,
  TStrings extends Name = Name,
  TCollectable extends Name = Name,
  TNegatable extends Name = Name,
  TDefault extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  TAliases extends Aliases | undefined = Aliases | undefined,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Whether what follows `--` goes to the result's `"--"` instead of `_`. */
  "--"?: TDoubleDash;
  /** Other names of an option. */
  alias?: TAliases;
  /** Options without a value, false unless given; `true`: every `--name` without one. */
  boolean?: OneOrMany<TBooleans>;
  /** Values of options that are not given. */
  default?: TDefault;
  /** Whether all after the first argument that is no option goes to `_`. */
  stopEarly?: boolean;
  /** Options whose value is never taken for a number. */
  string?: OneOrMany<TStrings>;
  /** Options that may be repeated; their values come as a list. */
  collect?: OneOrMany<TCollectable>;
  /** Options that `--no-name` sets to false. */
  negatable?: OneOrMany<TNegatable>;
  /** Called with what no other field names; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Reads a command line, usually `Deno.args`. */
export function parseArgs<
  TBooleans extends boolean | Name = undefined,
  TStrings extends Name = undefined,
  TCollectable extends Name = undefined,
  TNegatable extends Name = undefined,
  TDefault extends Record<string, unknown> | undefined = undefined,
  TAliases extends { [name: string]: TAlias | readonly TAlias[] | undefined } | undefined =
    undefined,
  TDoubleDash extends boolean | undefined = undefined,
  TAlias extends string = string,
>(
  args: readonly string[],
  options?: ParseOptions<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefault,
    TAliases,
    TDoubleDash
  >,
): Args<Result<TBooleans, TStrings, TCollectable, TNegatable, TDefault, TAliases>, TDoubleDash>;
