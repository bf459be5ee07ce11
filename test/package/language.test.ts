import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { sources } from "../../tools/imports.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Words and turns of phrase that a reader has to read twice, as patterns, each with what to write. */
const RULED_OUT: readonly [pattern: RegExp, instead: string][] = [
  [/\bwhoever\b/i, "the caller, or who exactly it is"],
  [/\bany more\b(?! than)/i, "no longer"],
  [/\bfor ever\b/i, "forever"],
  [/\bof late\b/i, "recently"],
  [/\banew\b/i, "again"],
  [/\balike\b/i, "the same"],
  [/\ball the same\b/i, "still"],
  [/\bis over\b(?! (a|an|the|RPC|HTTP)\b)/i, "has ended"],
  [/\b(is|are|was|were|be|been) told of\b/i, "learns about"],
  [/\bknows? (the|a|an|its|this|that|it|them) ?\w* not\b/i, "does not know"],
  [/\bmust not believe in\b/i, "say what must never happen"],
  [/\blet go of before\b/i, "dispose of it only after"],
  [/\bhides one who\b/i, "does not show that"],
];

/** What people read: code with its comments and messages, tests with their titles, pages. */
function texts(): string[] {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  return files
    .toString()
    .split("\n")
    .filter((file) => /\.(ts|js|md|html|toml|jsonc)$/.test(file) && file !== "test/package/language.test.ts");
}

/** Comments are wrapped, so a phrase may go over the end of a line. */
const unwrapped = (text: string) => text.replace(/\s+(\*|\/\/)?\s*/g, " ");

test("No file says what the language table rules out.", () => {
  const files = texts();
  assert.ok(files.length > 500, "the files were found");
  const found: string[] = [];
  for (const file of files) {
    const text = unwrapped(readFileSync(join(ROOT, file), "utf8"));
    for (const [pattern, instead] of RULED_OUT) {
      const hit = pattern.exec(text);
      if (hit)
        found.push(`${file}: "…${text.slice(Math.max(0, hit.index - 30), hit.index + 40)}…": write "${instead}"`);
    }
  }
  assert.deepEqual(found, []);
});

test("Each pattern of the language table finds what it rules out.", () => {
  const told = "whoever any more for ever of late anew alike all the same is over are told of knows the token not";
  const sentences = `${told} must not believe in let go of before hides one who`;
  assert.deepEqual(
    RULED_OUT.filter(([pattern]) => !pattern.test(sentences)),
    [],
  );
});

test("No two exported types or classes of src share a name.", () => {
  const places = new Map<string, string[]>();
  for (const file of sources()) {
    const tree = ts.createSourceFile(file, readFileSync(join(ROOT, "src", file), "utf8"), ts.ScriptTarget.Latest, true);
    for (const statement of tree.statements) {
      const isType =
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement) ||
        ts.isClassDeclaration(statement);
      const isExported = isType && statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      if (isExported && statement.name)
        places.set(statement.name.text, [...(places.get(statement.name.text) ?? []), file]);
    }
  }
  assert.ok(places.size > 150, "the types were found");
  assert.deepEqual(
    [...places].filter(([, files]) => files.length > 1),
    [],
  );
});
