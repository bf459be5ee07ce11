import ts from "typescript";

/** One small change to one file. */
export interface Mutant {
  file: string;
  line: number;
  /** The kind of change. */
  kind: string;
  from: string;
  to: string;
  start: number;
  end: number;
  /** Whether it is evaluated only when the file is loaded. */
  isStatic: boolean;
}

const { SyntaxKind: Kind } = ts;

/** The replacements for each operator: off by one, the opposite, or the other of two. */
const OPERATORS: Partial<Record<ts.SyntaxKind, string[]>> = {
  [Kind.LessThanToken]: ["<=", ">="],
  [Kind.LessThanEqualsToken]: ["<", ">"],
  [Kind.GreaterThanToken]: [">=", "<="],
  [Kind.GreaterThanEqualsToken]: [">", "<"],
  [Kind.EqualsEqualsEqualsToken]: ["!=="],
  [Kind.ExclamationEqualsEqualsToken]: ["==="],
  [Kind.AmpersandAmpersandToken]: ["||"],
  [Kind.BarBarToken]: ["&&"],
  [Kind.QuestionQuestionToken]: ["&&"],
  [Kind.PlusToken]: ["-"],
  [Kind.MinusToken]: ["+"],
  [Kind.AsteriskToken]: ["/"],
  [Kind.SlashToken]: ["*"],
  [Kind.PlusEqualsToken]: ["-="],
  [Kind.MinusEqualsToken]: ["+="],
};

/** All mutants of a file, after the operators of PIT and Stryker. Leaves texts alone: the compiler checks them. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const add = (node: ts.Node, kind: string, to: string) => {
    const start = node.getStart(tree);
    const line = tree.getLineAndCharacterOfPosition(start).line + 1;
    const from = source.slice(start, node.end);
    mutants.push({ file, line, kind, from, to, start, end: node.end, isStatic: isStatic(node) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node)) return;
    mutate(node, tree, add);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return mutants;
}

type Add = (node: ts.Node, kind: string, to: string) => void;

function mutate(node: ts.Node, tree: ts.SourceFile, add: Add): void {
  const text = (part: ts.Node) => part.getText(tree);
  if (ts.isBinaryExpression(node)) mutateOperator(node, text, add);
  else if (ts.isIfStatement(node) || ts.isWhileStatement(node)) mutateCondition(node.expression, add);
  else if (ts.isConditionalExpression(node)) mutateCondition(node.condition, add);
  else if (ts.isForStatement(node) && node.condition) add(node.condition, "condition", "false");
  else if (ts.isPrefixUnaryExpression(node) && node.operator === Kind.ExclamationToken)
    add(node, "negation", text(node.operand));
  else if (node.kind === Kind.TrueKeyword) add(node, "boolean", "false");
  else if (node.kind === Kind.FalseKeyword) add(node, "boolean", "true");
  else if (ts.isPropertyAccessExpression(node) && /^Math\.(min|max)$/.test(text(node)))
    add(node, "bound", text(node) === "Math.min" ? "Math.max" : "Math.min");
  else if (ts.isExpressionStatement(node) && !isSuperCall(node)) add(node, "statement", ";");
}

function mutateOperator(node: ts.BinaryExpression, text: (part: ts.Node) => string, add: Add): void {
  for (const operator of OPERATORS[node.operatorToken.kind] ?? [])
    // Add parentheses: without them, `??` can't be combined with `&&`.
    add(node, "operator", `(${text(node.left)}) ${operator} (${text(node.right)})`);
}

function mutateCondition(condition: ts.Expression, add: Add): void {
  add(condition, "condition", "true");
  add(condition, "condition", "false");
}

function isSuperCall({ expression }: ts.ExpressionStatement): boolean {
  return ts.isCallExpression(expression) && expression.expression.kind === Kind.SuperKeyword;
}

function isStatic(node: ts.Node): boolean {
  for (let around: ts.Node | undefined = node; around; around = around.parent)
    if ((ts.isFunctionLike(around) && !isArgument(around)) || ts.isPropertyDeclaration(around)) return false;
  return true;
}

/** Whether it is an argument of a call. The callee calls such a function at once, as `filter` does. */
function isArgument({ parent }: ts.Node): boolean {
  return ts.isCallExpression(parent);
}

/** The source with all its mutants. Each one sleeps until `globalThis.mutant` is its number. */
export function withMutants(source: string, mutants: readonly { mutant: Mutant; number: number }[]): string {
  // Insert the inner mutants first, so that the mutants around them contain them.
  const sorted = mutants.toSorted(
    (one, other) => one.mutant.end - one.mutant.start - (other.mutant.end - other.mutant.start),
  );
  const edits: { start: number; end: number; text: string }[] = [];
  const render = (start: number, end: number): string => {
    const inside = edits
      .filter((edit) => edit.start >= start && edit.end <= end)
      .toSorted((one, other) => one.start - other.start);
    let text = "";
    let at = start;
    for (const edit of inside) {
      text += source.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return text + source.slice(at, end);
  };
  for (const { mutant, number } of sorted) {
    const { start, end, kind, to } = mutant;
    const original = render(start, end);
    const awake = `globalThis.mutant === ${number}`;
    const text = kind === "statement" ? `{ if (!(${awake})) { ${original} } }` : `(${awake} ? (${to}) : (${original}))`;
    for (let index = edits.length - 1; index >= 0; index -= 1) {
      const edit = edits[index] as (typeof edits)[number];
      if (edit.start >= start && edit.end <= end) edits.splice(index, 1);
    }
    edits.push({ start, end, text });
  }
  return render(0, source.length);
}
