import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Command, Input, CommandOption } from "./command.ts";
import { EXIT, Failure } from "./exit-codes.ts";
import { nearest } from "./nearest.ts";
import { printable } from "./reporter.ts";

/** The options of every command. */
export const COMMON: Readonly<Record<string, CommandOption>> = {
  json: { type: "boolean", help: "print results and messages as JSON, one object per line" },
  quiet: { type: "boolean", help: "print only errors and warnings on stderr" },
  help: { type: "boolean", help: "show this help" },
};

/** The options of every command that talks to a service. */
export const ACCESS: Readonly<Record<string, CommandOption>> = {
  url: { type: "string", value: "URL", help: "the URL of the service; default: DURABLE_LOCKS_URL, then the file" },
  "token-file": {
    type: "string",
    value: "PATH",
    help: "a file with the token; default: DURABLE_LOCKS_TOKEN, then the file",
  },
  token: { type: "string", value: "TOKEN", help: "the token itself; everybody on this machine can see it in `ps`" },
  config: {
    type: "string",
    value: "PATH",
    help: "the file; default: DURABLE_LOCKS_CONFIG, then a durable-locks.json here or above",
  },
};

/** Parses and checks the arguments after the command name, without interpreting values. `commands` has them all. */
export function parse(
  command: Command,
  args: readonly string[],
  commands: readonly Command[],
): Omit<Input, "reporter"> {
  const end = command.takesCommand ? args.indexOf("--") : -1;
  const own = end === -1 ? args : args.slice(0, end);
  const { values, positionals } = parseOwn(command, own, commands);
  const parsed = { flags: values, positionals, command: end === -1 ? [] : args.slice(end + 1) };
  if (!values["help"]) check(command, parsed);
  return parsed;
}

function parseOwn(command: Command, args: readonly string[], commands: readonly Command[]) {
  const known = optionsOf(command);
  const typed = Object.entries(known).map(([option, { type }]) => [option, { type }] as const);
  const { tokens, values, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries<{ type: "string" | "boolean" }>(typed),
    allowPositionals: true,
    tokens: true,
    // In strict mode its messages are about its own quirks, and it takes the value in `--wait -1s` for an option.
    strict: false,
  } satisfies ParseArgsConfig);
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (!option) throw unknownOption(command, token.rawName, args[token.index] ?? "", commands);
    checkValue(command, option, token);
  }
  return { values: values as Input["flags"], positionals };
}

function optionsOf({ options }: Command): Readonly<Record<string, CommandOption>> {
  return { ...options, ...COMMON };
}

/** An option as the user wrote it. */
interface Written {
  name: string;
  value: string | undefined;
  /** Whether the value follows an equals sign. */
  inlineValue: boolean | undefined;
}

function checkValue(command: Command, option: CommandOption, { name, value, inlineValue }: Written): void {
  const { type, value: placeholder = "VALUE" } = option;
  if (type === "boolean") {
    if (value !== undefined) throw wrong(`--${name} takes no value: write \`--${name}\` alone.`, command);
    return;
  }
  if (value === undefined) throw wrong(`--${name} needs a value: write \`--${name} ${placeholder}\`.`, command);
  // No option begins with a digit, so `-1s` is a value; the code that reads it says why it is wrong. Any other word
  // with a dash counts as the next option. It may be a token that begins with a dash, so don't repeat it.
  if (inlineValue || !/^-[^\d.]/.test(value)) return;
  const next = value.slice(2).split("=")[0] ?? "";
  const follows = Object.hasOwn(optionsOf(command), next) ? `--${next} follows` : "what follows begins with a dash";
  const how = `write \`--${name} ${placeholder}\`, or \`--${name}=${placeholder}\` if the value begins with a dash`;
  throw wrong(`--${name} needs a value, but ${follows}: ${how}.`, command);
}

/** `word` is the whole argument: in `-wait`, Node's parser takes each letter for an option. */
function unknownOption(command: Command, rawName: string, word: string, commands: readonly Command[]): Failure {
  const [typed = ""] = word.split("=");
  const name = typed.replace(/^--?/, "");
  const near = nearest(name, Object.keys(optionsOf(command)));
  const takers = commands.filter(({ options }) => Object.hasOwn(options, name)).map((one) => one.name);
  if (takers.length > 0 && near !== name)
    return wrong(`--${name} is an option of ${listOf(takers)}, not of ${command.name}.`, command);
  if (near !== undefined)
    return new Failure(EXIT.usage, `Unknown option "${printable(typed)}": did you mean "--${near}"?`);
  // A word with a single dash may be a token in the wrong place, so repeat only its first letter.
  return wrong(`Unknown option "${printable(rawName)}".`, command);
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function check(command: Command, input: Omit<Input, "reporter">): void {
  const { positionals, takesCommand } = command;
  const missing = positionals[input.positionals.length];
  if (missing !== undefined) throw wrong(`${missing} is missing.`, command);
  if (input.positionals.length > positionals.length) throw wrong(tooMany(command), command);
  if (takesCommand && input.command.length === 0)
    throw wrong("The command to run is missing: put it after `--`.", command);
}

function tooMany({ name, positionals, takesCommand }: Command): string {
  if (takesCommand) return "Too many arguments: put `--` before the command to run.";
  return `Too many arguments: ${name} takes ${positionals.length === 0 ? "only options" : listOf(positionals)}.`;
}

function wrong(message: string, { name }: Command): Failure {
  return new Failure(EXIT.usage, `${message} See \`durable-locks ${name} --help\`.`);
}
