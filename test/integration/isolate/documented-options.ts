import { join } from "node:path";
import ts from "typescript";

/** An option of the package, as its docstring has it. */
export interface DocumentedOption {
  /** The exported type that declares or inherits it. */
  type: string;
  option: string;
  /** The text of its `@default`; undefined if it has none. */
  byDefault?: string;
}

const ROOT = join(import.meta.dirname, "../../..");
const DOORS = ["index", "client", "fencing", "service"].map((name) => join(ROOT, `src/${name}.ts`));

/** Every option that a caller may leave out, of every exported type that is named after its options. */
export function documentedOptions(): DocumentedOption[] {
  const config = join(ROOT, "tsconfig.json");
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    ROOT,
  );
  const program = ts.createProgram(DOORS, options);
  const checker = program.getTypeChecker();
  const types = new Map<string, ts.Symbol>();
  for (const door of DOORS) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(door) as ts.SourceFile);
    for (const symbol of checker.getExportsOfModule(module as ts.Symbol))
      if (/Options?$/.test(symbol.name)) types.set(symbol.name, checker.getAliasedSymbol(symbol));
  }
  return [...types].flatMap(([type, symbol]) =>
    checker
      .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
      .filter(({ flags }) => flags & ts.SymbolFlags.Optional)
      .map((property) => ({ type, option: property.name, ...defaultOf(property, checker) })),
  );
}

function defaultOf(property: ts.Symbol, checker: ts.TypeChecker): { byDefault?: string } {
  const tag = property.getJsDocTags(checker).find(({ name }) => name === "default");
  return tag ? { byDefault: ts.displayPartsToString(tag.text).trim() } : {};
}
