/** A report of API Extractor without the marks on names and entries that have no docstring. */
export function withoutDocs(report: string): string {
  return report
    .replaceAll("\r\n", "\n")
    .replaceAll(/^ *\/\/ \(undocumented\)\n/gm, "")
    .replaceAll(/^( *\/\/ @.*) \(undocumented\)$/gm, "$1")
    .replace("// (No @packageDocumentation comment for this package)\n\n", "");
}

/** The declarations in a report by name. Overloads of one name are together. */
function declarationsOf(report: string): Map<string, string> {
  const declarations = new Map<string, string>();
  for (const part of report.split(/^(?=\/\/ @)/m)) {
    const [, name = "the lines above all names"] =
      /^export (?:\w+ )*?(?:class|const|enum|function|interface|let|namespace|type|var) (\w+)/m.exec(part) ?? [];
    declarations.set(name, (declarations.get(name) ?? "") + part.replace(/^```$/m, "").trim());
  }
  return declarations;
}

/** The names that differ between two reports, and how: one line for each. */
export function changedNames(before: string, after: string): string[] {
  const old = declarationsOf(before);
  const now = declarationsOf(after);
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    if (!old.has(name)) return [`new: ${name}`];
    if (!now.has(name)) return [`gone: ${name}`];
    return old.get(name) === now.get(name) ? [] : [`changed: ${name}`];
  });
}
