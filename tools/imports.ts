// The imports of src: which file imports which other file, as code, as types (JSDoc included) or as text.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";
import type { ImportKind } from "./layers.ts";

/** One import between two files of src. */
export interface Import {
  from: string;
  to: string;
  kind: ImportKind;
}

const SOURCE = join(import.meta.dirname, "../src");

/** The files of src that can import and be imported. */
export function sources(): string[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  return files.filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith(".d.ts")).toSorted();
}

/** Every import of one file of src by another. */
export function imports(): Import[] {
  return sources().flatMap(importsOf);
}

function importsOf(file: string): Import[] {
  const path = join(SOURCE, file);
  const tree = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isType: boolean) => {
    if (!specifier || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    const [name = "", query] = specifier.text.split("?");
    const kind = query === "raw" ? "raw" : isType ? "types" : "code";
    found.push({ from: file, to: relative(SOURCE, resolve(dirname(path), name)), kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    // Unlike `forEachChild`, this also visits the comments.
    for (const child of node.getChildren(tree)) visit(child);
  };
  visit(tree);
  return [...new Map(found.map((one) => [`${one.to} ${one.kind}`, one])).values()];
}

/** Whether a statement imports only types. */
function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (!clause || clause.isTypeOnly) return clause !== undefined;
  const { name, namedBindings } = clause;
  return (
    !name &&
    !!namedBindings &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
  );
}

/** The first cycle among the pairs, with its first member repeated at the end; undefined if there is none. */
export function circleOf(pairs: readonly { from: string; to: string }[]): string[] | undefined {
  const next = Map.groupBy(pairs, ({ from }) => from);
  const done = new Set<string>();
  const walk = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const { to } of next.get(node) ?? []) {
      const circle = walk(to, [...path, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of next.keys()) {
    const circle = walk(node, []);
    if (circle) return circle;
  }
  return undefined;
}
