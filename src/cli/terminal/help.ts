import type { Command, CommandOption } from "./command.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { COMMON } from "./parse.ts";

const INTRO = `durable-locks: distributed locks from the shell

A lock is a name. The caller that takes it gets a lease: a number, and a time after which the lock
passes on unless the caller renews the lease. So a holder that dies blocks others for at most its ttl.`;

const CONFIGURED = `The URL of the service and the token come from the flags, then the environment (DURABLE_LOCKS_URL,
DURABLE_LOCKS_TOKEN), then a file:

  { "url": "https://locks.example.com", "tokenFile": "/run/secrets/locks" }

A file that you name, with --config or DURABLE_LOCKS_CONFIG, is trusted. If you name none and one is
needed, the nearest durable-locks.json is used, here or in a folder above. Such a file is not trusted:
its tokenFile must be in its folder, and your own token is not sent to its URL.`;

const TIMES = "Write times with their unit: 500ms, 30s, 5m, 2h, 7d.";

/** The overview: all commands, and what they have in common. */
export function overview(commands: readonly Command[]): string {
  return [
    INTRO,
    "Try it, in two terminals:",
    indent([
      "npx durable-locks dev",
      "export DURABLE_LOCKS_URL=http://127.0.0.1:8787 DURABLE_LOCKS_TOKEN=$(cat .durable-locks/token)",
      "npx durable-locks run my-first-lock -- sleep 10",
    ]),
    "Commands:",
    columns([
      ...commands.map((command) => [usageOf(command), command.summary] as const),
      ["help [COMMAND]", "the help of a command, with examples"],
      ["--version", "the version"],
    ]),
    CONFIGURED,
    TIMES,
    "Exit codes:",
    columns(EXIT_CODES),
  ].join("\n\n");
}

/** The help of one command. */
export function manual(command: Command): string {
  const { examples, details, summary } = command;
  return [
    `durable-locks ${usageOf(command)}\n\n${capital(summary)}.`,
    details,
    "Examples:",
    examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}`).join("\n"),
    "Options:",
    columns(Object.entries({ ...command.options, ...COMMON }).map(describe)),
    TIMES,
    "For the exit codes, see `durable-locks help`.",
  ].join("\n\n");
}

function usageOf({ name, positionals, takesCommand }: Command): string {
  return [name, ...positionals, ...(takesCommand ? ["-- COMMAND [ARGS…]"] : [])].join(" ");
}

function describe([name, { value, help }]: [string, CommandOption]): readonly [string, string] {
  return [`--${name}${value === undefined ? "" : ` ${value}`}`, help];
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return indent(rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`));
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
