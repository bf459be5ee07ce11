import { readFileSync } from "node:fs";
import { dev } from "./commands/dev.ts";
import { acquire, forceRelease, release, renew } from "./commands/leases.ts";
import { run } from "./commands/run.ts";
import { status, watch } from "./commands/status.ts";
import { ignoresHangup } from "./supervisor/hangup.ts";
import type { Command } from "./terminal/command.ts";
import { EXIT, exitCodeOf, Failure } from "./terminal/exit-codes.ts";
import { manual, overview } from "./terminal/help.ts";
import { parse } from "./terminal/parse.ts";
import { Reporter } from "./terminal/reporter.ts";

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
    if (name === undefined) throw new Failure(EXIT.usage, "What to do? See `durable-locks help`.");
    if (name === "help" || name === "--help" || name === "-h") return say(helpOn(args[0]));
    const command = find(name);
    const input = parse(command, args);
    if (input.flags["help"]) return say(manual(command));
    reporter = new Reporter({ json: input.flags["json"] === true, quiet: input.flags["quiet"] === true });
    return await command.run({ ...input, reporter });
  } catch (error) {
    const exitCode = exitCodeOf(error);
    reporter.failure(error instanceof Error ? error.message : String(error), exitCode);
    return exitCode;
  }
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

function helpOn(name: string | undefined): string {
  return name === undefined ? overview(COMMANDS) : manual(find(name));
}

function find(name: string): Command {
  const command = COMMANDS.find((one) => one.name === name);
  if (command) return command;
  const known = COMMANDS.map((one) => one.name).join(", ");
  throw new Failure(EXIT.usage, `There is no such command. There are ${known}; see \`durable-locks help\`.`);
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
