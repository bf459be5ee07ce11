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

/** Does what the arguments say, and answers the exit code. */
export async function main([name, ...args]: readonly string[]): Promise<number> {
  // Without a handler SIGHUP ends the process.
  if (ignoresHangup()) process.on("SIGHUP", () => {});
  // For errors in the arguments themselves: a caller that asks for JSON can read nothing else.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  let reporter = new Reporter({ json: own.includes("--json"), quiet: false });
  try {
    if (name === "--version") return say(versionOf());
    // The help goes to stdout, as from git and npm. The exit code is no success: a script whose variable is empty lands here.
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

/** Options that take the place of a command. Without their dashes, the first is a command too. */
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
  // From src/cli as from dist: the package is the nearest folder that has one.
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
