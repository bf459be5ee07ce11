import type { Reporter } from "./reporter.ts";

/** One option of a command. */
export interface CommandOption {
  type: "string" | "boolean";
  /** The name of its value in the help. */
  value?: string;
  /** What it does, and the default. */
  help: string;
}

/** The input of a command. */
export interface Input {
  /** The arguments before `--`, without the options. */
  positionals: readonly string[];
  /** The arguments after `--`. */
  command: readonly string[];
  flags: Readonly<Record<string, string | boolean | undefined>>;
  reporter: Reporter;
}

/** A command: what its help says, and what it does. */
export interface Command {
  name: string;
  /** The names of the arguments before `--`, all of them required. */
  positionals: readonly string[];
  /** Whether a command to run follows after `--`. */
  takesCommand?: boolean;
  /** One line. */
  summary: string;
  /** A few paragraphs. */
  details: string;
  options: Readonly<Record<string, CommandOption>>;
  /** Complete command lines and what they do. */
  examples: readonly (readonly [line: string, meaning: string])[];
  /** Runs the command and returns the exit code. */
  run(input: Input): Promise<number>;
}

/** The value of a string option. */
export function textOf({ flags }: Input, option: string): string | undefined {
  const value = flags[option];
  return typeof value === "string" ? value : undefined;
}
