/**
 * The kind of a value in a source, as far as the source of one file says it: of which class of the
 * toolkit.
 *
 * A name is what its innermost declaration makes it: an import of one of the faces, `new Lock()`, a
 * type.
 *
 * @module
 */

/** A node of the syntax tree. */
export interface Node {
  type: string;
  parent?: Node;
  // deno-lint-ignore no-explicit-any -- the fields differ from type to type
  [field: string]: any;
}

/**
 * The kind of a value: a class of the toolkit, or a list of such. `Promise` is added to what is to
 * be awaited.
 */
export interface ValueKind {
  /** The class, a face (`threading`), or a function of one. */
  name: string;
  /** True if it is a value of the class, the class or face itself, or a list of values. */
  is: "value" | "itself" | "list";
}

const QUEUE = "put get join";
const POOL = "apply map starmap join";
const CONNECTION = "send recv poll sendBytes recvBytes recvBytesInto";

/** The methods that wait, by their class. */
export const WAITING_METHODS: Record<string, Set<string>> = Object.fromEntries(
  Object.entries({
    Lock: "acquire",
    RLock: "acquire",
    Semaphore: "acquire",
    BoundedSemaphore: "acquire",
    Condition: "acquire wait waitFor",
    Event: "wait",
    Barrier: "wait",
    Thread: "join result",
    Timer: "join result",
    Process: "join result",
    Queue: QUEUE,
    LifoQueue: QUEUE,
    PriorityQueue: QUEUE,
    JoinableQueue: QUEUE,
    SimpleQueue: QUEUE,
    QueueLike: QUEUE,
    Connection: CONNECTION,
    Pool: POOL,
    ThreadPool: POOL,
    AsyncResult: "get wait",
    Future: "result exception",
    ThreadPoolExecutor: "shutdown",
    ProcessPoolExecutor: "shutdown",
    Executor: "shutdown",
    Value: "",
    Array: "",
    Popen: "wait communicate stop",
    Manager: "shutdown",
    RemoteQueue: `${QUEUE} take size shutdown`,
    RemoteExecutor: "send shutdown",
    RemoteWorker: "run stop",
  }).map(([name, methods]) => [name, new Set(methods.split(" "))]),
);

/** The functions that wait, by their faces. */
export const FUNCTIONS: Record<string, string[]> = {
  futures: ["wait"],
  multiprocessing: ["connectionWait", "prewarm"],
  threading: ["prewarm"],
  os: ["wait", "waitpid"],
  signal: ["pause"],
  subprocess: [
    ...["run", "pipeline", "call", "checkCall", "checkOutput", "getoutput", "getstatusoutput"],
  ],
  time: ["sleep"],
};

const FACES = ["threading", "multiprocessing", "queue", "remote", ...Object.keys(FUNCTIONS)];

/** The values of the toolkit that the methods of a class give. */
const GIVES: Record<string, Record<string, ValueKind>> = {
  ...Object.fromEntries(
    ["Thread", "Timer", "Process"].map((name) => [name, { start: value(name) }]),
  ),
  ...Object.fromEntries(
    ["Executor", "ThreadPoolExecutor", "ProcessPoolExecutor", "RemoteExecutor"].map((name) => [
      name,
      { submit: value("Future"), submitWith: value("Future") },
    ]),
  ),
  ...Object.fromEntries(
    ["Pool", "ThreadPool"].map((name) => [
      name,
      Object.fromEntries(
        ["applyAsync", "mapAsync", "starmapAsync"].map((method) => [method, value("AsyncResult")]),
      ),
    ]),
  ),
};

/**
 * The objects that manager.Lock() and its like give a promise of: proxies, all of whose methods
 * wait.
 */
export const MADE_BY_MANAGER = /^(?:[A-Z]\w+|dict|list|create)$/;

const PROXIES: Record<string, string> = { dict: "Dict", list: "List", create: "Object" };

function value(name: string): ValueKind {
  return { name, is: "value" };
}

/** The face that a module is, `""` for the package's own module; undefined for any other. */
function faceOf(source: string): string | undefined {
  const [, face] = /(?:^|\/)(\w+)(?:\.ts)?$/.exec(source) ?? [];
  if (face !== undefined && FACES.includes(face)) {
    const isOurs = /^[^./]/.test(source) || /(?:^|\/)lib\/\w+\.ts$|switchyard/i.test(source);
    return isOurs ? face : undefined;
  }
  return face === "mod" || /switchyard/i.test(source) ? "" : undefined;
}

/** The kind of an import, by the name that it has outside. */
function kindOfExport(face: string, name: string): ValueKind | undefined {
  const isKnown = name in WAITING_METHODS || /Proxy$/.test(name) || name === "pipe" ||
    (face === "" ? FACES.includes(name) : FUNCTIONS[face]?.includes(name));
  return isKnown
    ? { name: FUNCTIONS[face]?.includes(name) ? `${face}.${name}` : name, is: "itself" }
    : undefined;
}

export function nameOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  return node.type === "Identifier" ? node.name : node.type === "Literal" ? node.value : undefined;
}

/** The kind of a type. */
function kindOfType(type: Node | null | undefined): ValueKind | undefined {
  switch (type?.type) {
    case "TSTypeAnnotation":
    case "TSTypeOperator":
      return kindOfType(type.typeAnnotation);
    case "TSArrayType":
      return listOf(kindOfType(type.elementType));
    case "TSUnionType": {
      const kinds = type.types.map(kindOfType).filter((kind?: ValueKind) => kind !== undefined);
      return kinds.length === 1 ? kinds[0] : undefined;
    }
    case "TSTypeReference": {
      const { typeName } = type;
      if (nameOf(typeName) === "Array" || nameOf(typeName) === "ReadonlyArray") {
        const list = listOf(kindOfType(type.typeArguments?.params[0]));
        if (list !== undefined) return list;
      }
      const kind = typeName.type === "TSQualifiedName"
        ? memberOf(bound(typeName.left), nameOf(typeName.right))
        : bound(typeName);
      return kind?.is === "itself" ? value(kind.name) : undefined;
    }
  }
  return undefined;
}

function listOf(kind: ValueKind | undefined): ValueKind | undefined {
  return kind?.is === "value" ? { name: kind.name, is: "list" } : undefined;
}

/** The kind of a member of a class or face. */
function memberOf(kind: ValueKind | undefined, name: string | undefined): ValueKind | undefined {
  if (kind === undefined || name === undefined) return undefined;
  if (kind.is === "itself" && FACES.includes(kind.name)) return kindOfExport(kind.name, name);
  // A face in what `import * as switchyard` gives.
  if (kind.is === "itself" && kind.name === "") return kindOfExport("", name);
  if (kind.is === "value" && name === "lock") {
    if (/^(?:Value|Array)$/.test(kind.name)) return value("RLock");
    if (/^(?:Value|Array)Proxy$/.test(kind.name)) return value("RLockProxy");
  }
  return undefined;
}

/** The kind of an expression. */
export function valueKindOf(node: Node | null | undefined): ValueKind | undefined {
  switch (node?.type) {
    case "Identifier":
      return bound(node);
    case "AwaitExpression": {
      const made = node.argument;
      const awaited = made.type === "CallExpression" ? awaitedFrom(made) : undefined;
      return awaited ?? valueKindOf(made);
    }
    case "ChainExpression":
    case "TSAsExpression":
    case "TSNonNullExpression":
    case "TSSatisfiesExpression":
      return node.type === "TSAsExpression" && kindOfType(node.typeAnnotation) ||
        valueKindOf(node.expression);
    case "NewExpression": {
      const type = valueKindOf(node.callee);
      return type?.is === "itself" ? value(type.name) : undefined;
    }
    case "ArrayExpression":
      return listOf(valueKindOf(node.elements[0]));
    case "CallExpression":
      return kindOfCall(node);
    case "MemberExpression": {
      const { object, property, computed } = node;
      if (object.type === "ThisExpression") return kindOfField(node, property);
      const of = valueKindOf(object);
      if (computed) return of?.is === "list" ? value(of.name) : undefined;
      return memberOf(of, nameOf(property));
    }
  }
  return undefined;
}

/** Deno wraps each part of `a?.b()`. */
export function unchained(node: Node): Node {
  return node.type === "ChainExpression" ? unchained(node.expression) : node;
}

/** The kind of what the promise of a call brings, if it is of the toolkit. */
function awaitedFrom(call: Node): ValueKind | undefined {
  const callee = unchained(call.callee);
  if (callee.type !== "MemberExpression") return undefined;
  const of = valueKindOf(callee.object);
  const method = nameOf(callee.property);
  if (of?.name !== "Manager" || method === undefined) return undefined;
  if (of.is === "itself") return method === "start" ? value("Manager") : undefined;
  if (!MADE_BY_MANAGER.test(method)) return undefined;
  return value(`${PROXIES[method] ?? method}Proxy`);
}

function kindOfCall(call: Node): ValueKind | undefined {
  const callee = unchained(call.callee);
  if (callee.type !== "MemberExpression") {
    const kind = valueKindOf(callee);
    return kind?.name === "pipe" ? { name: "Connection", is: "list" } : undefined;
  }
  const method = nameOf(callee.property)!;
  // [1, 2].map(() => new Lock()), Array.from({ length }, () => new Lock())
  const make = call.arguments.at(-1);
  if (/^(?:map|from)$/.test(method) && make?.type === "ArrowFunctionExpression") {
    const list = listOf(valueKindOf(make.body));
    if (list !== undefined) return list;
  }
  const of = valueKindOf(callee.object);
  if (of?.is === "itself" && method === "pipe") return { name: "Connection", is: "list" };
  return of?.is === "value" ? GIVES[of.name]?.[method] : undefined;
}

/** The kind of a field of the class in which `this` stands. */
function kindOfField(node: Node, property: Node): ValueKind | undefined {
  let at: Node | undefined = node;
  while (at !== undefined && at.type !== "ClassBody") at = at.parent;
  for (const member of at?.body ?? []) {
    if (member.type === "PropertyDefinition" && isSame(member.key, property)) {
      return kindOfType(member.typeAnnotation) ?? valueKindOf(member.value);
    }
    if (member.type !== "MethodDefinition" || member.kind !== "constructor") continue;
    for (const { type, parameter } of member.value.params) {
      const name = parameter?.left ?? parameter;
      if (type === "TSParameterProperty" && isSame(name, property)) {
        return kindOfType(name.typeAnnotation);
      }
    }
  }
  return undefined;
}

function isSame(a: Node, b: Node): boolean {
  return a.type === b.type && a.name === b.name;
}

/** The kind of a name where it stands: as the innermost declaration has it. */
function bound(identifier: Node): ValueKind | undefined {
  const { name } = identifier;
  for (let at = identifier.parent; at !== undefined && at !== null; at = at.parent) {
    for (const declaration of declarationsIn(at)) {
      const found = find(declaration, name);
      if (found !== undefined) return found.kind;
    }
  }
  return undefined;
}

/** The declarations that hold in a node, and not outside of it. */
function declarationsIn(node: Node): Node[] {
  switch (node.type) {
    case "Program":
    case "BlockStatement":
      return node.body.map((statement: Node) =>
        statement.type === "ExportNamedDeclaration" && statement.declaration || statement
      );
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return node.params;
    case "ForOfStatement":
    case "ForInStatement":
      return [node.left];
    case "ForStatement":
      return [node.init].filter((init) => init !== null);
    case "CatchClause":
      return [node.param].filter((param) => param !== null);
  }
  return [];
}

/** True if a declaration is of the name; or the kind of that, if it is known. */
function find(node: Node, name: string): { kind: ValueKind | undefined } | undefined {
  switch (node.type) {
    case "ImportDeclaration":
      return findImport(node, name);
    case "VariableDeclaration":
      for (const declarator of node.declarations) {
        const found = findPattern(
          declarator.id,
          name,
          () =>
            node.parent?.type === "ForOfStatement" && node.parent.left === node
              ? one(valueKindOf(node.parent.right))
              : valueKindOf(declarator.init),
        );
        if (found !== undefined) return found;
      }
      return undefined;
    case "FunctionDeclaration":
    case "ClassDeclaration":
      if (nameOf(node.id) !== name) return undefined;
      return { kind: node.superClass ? valueKindOf(node.superClass) : undefined };
    case "TSParameterProperty":
      return findPattern(node.parameter, name, () => undefined);
  }
  return findPattern(node, name, () => undefined);
}

function one(list: ValueKind | undefined): ValueKind | undefined {
  return list?.is === "list" ? value(list.name) : undefined;
}

function findPattern(
  node: Node | null,
  name: string,
  kind: () => ValueKind | undefined,
): { kind: ValueKind | undefined } | undefined {
  switch (node?.type) {
    case "Identifier":
      if (node.name !== name) return undefined;
      return { kind: kindOfType(node.typeAnnotation) ?? kind() };
    case "AssignmentPattern":
      return findPattern(node.left, name, () => valueKindOf(node.right));
    case "RestElement":
      return findPattern(node.argument, name, () => undefined);
    case "ArrayPattern": {
      const whole = () => one(kindOfType(node.typeAnnotation) ?? kind());
      for (const element of node.elements) {
        const found = findPattern(element, name, whole);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    case "ObjectPattern":
      for (const property of node.properties) {
        const part = property.type === "Property" ? property.value : property;
        const found = findPattern(part, name, () => undefined);
        if (found !== undefined) return found;
      }
  }
  return undefined;
}

function findImport(node: Node, name: string): { kind: ValueKind | undefined } | undefined {
  const specifier = node.specifiers.find(({ local }: Node) => local.name === name);
  if (specifier === undefined) return undefined;
  const face = faceOf(node.source.value);
  if (face === undefined) return { kind: undefined };
  if (specifier.type === "ImportNamespaceSpecifier") return { kind: { name: face, is: "itself" } };
  const imported = nameOf(specifier.imported);
  return { kind: imported === undefined ? undefined : kindOfExport(face, imported) };
}
