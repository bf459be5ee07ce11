import { readFileSync } from "node:fs";
import { dev } from "./commands/dev.ts";
import { acquire, forceRelease, release, renew } from "./commands/leases.ts";
import { run } from "./commands/run.ts";
import { status, watch } from "./commands/status.ts";
import { ignoresHangup } from "./supervisor/hangup.ts";
import type { Command } from "./terminal/command.ts";
import { EXIT, exitCodeOf, Failure } from "./terminal/exit-codes.ts";
import { manual, overview } from "./terminal/help.ts";
import { nearest } from "./terminal/nearest.ts";
import { parse } from "./terminal/parse.ts";
import { quoted, Reporter } from "./terminal/reporter.ts";

const COMMANDS: readonly Command[] = [run, acquire, renew, release, status, watch, forceRelease, dev];

/** Runs the command that the arguments name, and returns the exit code. */
export async function main([name, ...args]: readonly string[]): Promise<number> {
  // Add a handler: without one, SIGHUP ends the process.
  if (ignoresHangup()) process.on("SIGHUP", () => {});
  // Look for --json before parsing: a caller that asks for JSON must get JSON even for errors in the arguments.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  let reporter = new Reporter({ json: own.includes("--json"), quiet: false });
  try {
    if (name === "--version") return say(versionOf());
    // Print the help to stdout, as git and npm do. Don't exit with 0: a script with an empty variable ends up here.
    if (name === undefined) return say(overview(COMMANDS), EXIT.usage);
    if (name === "help" || name === "--help" || name === "-h") return say(helpOn(args[0]));
    const command = find(name);
    const input = parse(command, args, COMMANDS);
    if (input.flags["help"]) return say(manual(command));
    reporter = new Reporter({ json: input.flags["json"] === true, quiet: input.flags["quiet"] === true });
    return await command.run({ ...input, reporter });
  } catch (error) {
    const exitCode = exitCodeOf(error);
    reporter.failure(error instanceof Error ? error.message : String(error), exitCode);
    return exitCode;
  }
}

function say(text: string, exitCode: number = EXIT.ok): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}

function helpOn(name: string | undefined): string {
  return name === undefined ? overview(COMMANDS) : manual(find(name));
}

function find(name: string): Command {
  return COMMANDS.find((one) => one.name === name) ?? fail(unknownCommand(name));
}

/** The options that can replace a command. Without its dashes, the first is also a command. */
const OPTIONS = ["help", "version"];

function unknownCommand(name: string): string {
  const names = COMMANDS.map((one) => one.name);
  const isOption = name.startsWith("-");
  const near = isOption ? nearest(name.replace(/^--?/, ""), OPTIONS) : nearest(name, [...names, ...OPTIONS]);
  const unknown = `Unknown ${isOption ? "option" : "command"}${quoted(name)}`;
  if (near !== undefined) return `${unknown}: did you mean "${isOption || near === "version" ? "--" : ""}${near}"?`;
  if (isOption) return "The command comes first, then its options. See `durable-locks --help`.";
  return `${unknown}. The commands are ${names.join(", ")}. See \`durable-locks --help\`.`;
}

function fail(message: string): never {
  throw new Failure(EXIT.usage, message);
}

function versionOf(): string {
  // Works from src/cli and from dist: the nearest package.json above is the one of this package.
  for (const up of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as Record<
        string,
        string
      >;
      if (name === "durable-locks" && version) return version;
    } catch {
      continue;
    }
  }
  return "unknown";
}
