import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Command, Input, CommandOption } from "./command.ts";
import { EXIT, Failure } from "./exit-codes.ts";

/** What every command understands. */
export const COMMON: Readonly<Record<string, CommandOption>> = {
  json: { type: "boolean", help: "results and messages as JSON, one object a line" },
  quiet: { type: "boolean", help: "no messages on stderr, except for errors and warnings" },
  help: { type: "boolean", help: "this help" },
};

/** What every command understands that talks to a service. */
export const ACCESS: Readonly<Record<string, CommandOption>> = {
  url: { type: "string", value: "URL", help: "of the service; else DURABLE_LOCKS_URL, else the file" },
  "token-file": { type: "string", value: "PATH", help: "holds the token; else DURABLE_LOCKS_TOKEN, else the file" },
  token: { type: "string", value: "TOKEN", help: "the token itself: everybody on this machine can see it in `ps`" },
  config: {
    type: "string",
    value: "PATH",
    help: "the file; else DURABLE_LOCKS_CONFIG, else a durable-locks.json that is found",
  },
};

/** What was written after the command's name, checked; without what its options mean. */
export function parse(command: Command, args: readonly string[]): Omit<Input, "reporter"> {
  const end = command.takesCommand ? args.indexOf("--") : -1;
  const own = end === -1 ? args : args.slice(0, end);
  const { values, positionals } = parseOwn(command, own);
  const parsed = { flags: values, positionals, command: end === -1 ? [] : args.slice(end + 1) };
  if (!values["help"]) check(command, parsed);
  return parsed;
}

function parseOwn({ name, options }: Command, args: readonly string[]) {
  const known = { ...options, ...COMMON };
  const typed = Object.entries(known).map(([option, { type }]) => [option, { type }] as const);
  const config = {
    args: [...args],
    options: Object.fromEntries<{ type: "string" | "boolean" }>(typed),
    allowPositionals: true,
  } satisfies ParseArgsConfig;
  try {
    const { values, positionals } = parseArgs(config);
    return { values: values as Input["flags"], positionals };
  } catch (error) {
    // Node's further advice is about its own quirks; an argument that is out of place could be a secret.
    const [sentence = ""] = (error as Error).message.split(/\.\s|\n/);
    throw wrong(`${sentence.replace(/\.$/, "")}.`, name);
  }
}

function check({ name, positionals, takesCommand }: Command, input: Omit<Input, "reporter">): void {
  const missing = positionals[input.positionals.length];
  if (missing !== undefined) throw wrong(`${missing} is missing.`, name);
  if (input.positionals.length > positionals.length) throw wrong(tooMany(takesCommand), name);
  if (takesCommand && input.command.length === 0)
    throw wrong("The command to run is missing: put it after `--`.", name);
}

function tooMany(takesCommand: boolean | undefined): string {
  return takesCommand ? "Too many arguments: put `--` before the command to run." : "Too many arguments.";
}

function wrong(message: string, command: string): Failure {
  return new Failure(EXIT.usage, `${message} See \`durable-locks help ${command}\`.`);
}
