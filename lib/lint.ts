/**
 * A plugin of `deno lint` that finds the forgotten await: `lock.acquire();` takes the lock, and
 * nothing waits until it is there. Name it in the `deno.json`:
 *
 * ```json
 * { "lint": { "plugins": ["jsr:@switchyard/switchyard/lint"] } }
 * ```
 *
 * The rule `switchyard/no-floating-wait` knows what waits by the source of one file alone: what is
 * made with `new Lock()`, `pipe()`, `pool.submit()` or the like, or has such a type, where the
 * class is imported from the toolkit. A call of it that waits must be awaited, returned, kept, or
 * given a `then()`; `void` before it says that it is meant. `deno lint --fix` puts the await in
 * where one may stand.
 *
 * @module
 */

import {
  FUNCTIONS,
  MADE_BY_MANAGER,
  nameOf,
  type Node,
  unchained,
  valueKindOf,
  WAITING_METHODS,
} from "./lint/kinds.ts";

/** The wait of a call, as in `lock.acquire()`; undefined where it waits for nothing. */
function waitOf(call: Node): string | undefined {
  const callee = unchained(call.callee);
  if (callee.type !== "MemberExpression") {
    const kind = valueKindOf(callee);
    return kind?.is === "itself" && kind.name.includes(".") ? `${nameOf(callee)}()` : undefined;
  }
  const method = nameOf(callee.property);
  if (method === undefined || callee.computed) return undefined;
  const of = valueKindOf(callee.object);
  if (of?.is === "itself") {
    const isFunction = FUNCTIONS[of.name]?.includes(method) ?? false;
    return isFunction || of.name === "Manager" && method === "start" ? `${method}()` : undefined;
  }
  if (of?.is !== "value") return undefined;
  // shutdown({ wait: false }) says that nobody waits.
  const [first] = call.arguments;
  const options = first?.type === "ObjectExpression" ? first.properties : [];
  if (options.some(({ key, value }: Node) => nameOf(key) === "wait" && value?.value === false)) {
    return undefined;
  }
  const waits = of.name.endsWith("Proxy")
    ? method !== "then"
    : WAITING_METHODS[of.name]?.has(method) ||
      of.name === "Manager" && MADE_BY_MANAGER.test(method);
  return waits ? `${of.name}.${method}()` : undefined;
}

/** The calls in an expression whose value nobody has. */
function* dropped(node: Node | null | undefined): Generator<Node> {
  switch (node?.type) {
    case "CallExpression":
      yield node;
      break;
    case "ChainExpression":
      yield* dropped(node.expression);
      break;
    case "LogicalExpression":
      yield* dropped(node.right);
      break;
    case "ConditionalExpression":
      yield* dropped(node.consequent);
      yield* dropped(node.alternate);
      break;
    case "SequenceExpression":
      for (const part of node.expressions) yield* dropped(part);
  }
}

/** True if `await` may stand there: in an async function, or at the top level. */
function mayAwait(node: Node): boolean {
  for (let at = node.parent; at !== undefined && at !== null; at = at.parent) {
    if (/Function/.test(at.type)) return at.async === true;
    if (at.type === "PropertyDefinition" || at.type === "StaticBlock") return false;
  }
  return true;
}

/** The plugin, to be named in the `deno.json`. */
const plugin: Deno.lint.Plugin = {
  name: "switchyard",
  rules: {
    "no-floating-wait": {
      create(context) {
        const check = (calls: Iterable<Node>, isTested: boolean) => {
          for (const call of calls) {
            const wait = waitOf(call);
            if (wait === undefined) continue;
            const can = mayAwait(call);
            const node = call as unknown as Deno.lint.Node;
            context.report({
              node,
              message: isTested
                ? `${wait} gives a promise, which is always true: await it`
                : `${wait} is not awaited: what follows does not wait for it`,
              hint: can
                ? "Write await before it, or void if it is meant"
                : "Make the function async and write await before it, use the Sync form, or write void " +
                  "if it is meant",
              ...can && { fix: (fixer) => fixer.insertTextBefore(node, "await ") },
            });
          }
        };
        const tested = (node: Node) => {
          const test = node.test ?? node.argument;
          check(test?.type === "CallExpression" ? [test] : [], true);
        };
        return {
          ExpressionStatement: (node) =>
            check(dropped((node as unknown as Node).expression), false),
          IfStatement: (node) => tested(node as unknown as Node),
          WhileStatement: (node) => tested(node as unknown as Node),
          DoWhileStatement: (node) => tested(node as unknown as Node),
          "UnaryExpression[operator='!']": (node) => tested(node as unknown as Node),
        };
      },
    },
  },
};
export default plugin;
