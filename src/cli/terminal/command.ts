import type { Reporter } from "./reporter.ts";

/** One option of a command. */
export interface CommandOption {
  type: "string" | "boolean";
  /** What its value is called in the help. */
  value?: string;
  /** What it does, and what holds without it. */
  help: string;
}

/** What a command was given. */
export interface Input {
  /** What stands before `--`, without the options. */
  positionals: readonly string[];
  /** What stands after `--`. */
  command: readonly string[];
  flags: Readonly<Record<string, string | boolean | undefined>>;
  reporter: Reporter;
}

/** A command: what its help says, and what it does. */
export interface Command {
  name: string;
  /** The names of what stands before `--`, all of them needed. */
  positionals: readonly string[];
  /** Whether a command to run stands after `--`. */
  takesCommand?: boolean;
  /** One line. */
  summary: string;
  /** Some paragraphs. */
  details: string;
  options: Readonly<Record<string, CommandOption>>;
  /** Complete command lines with what they do. */
  examples: readonly (readonly [line: string, meaning: string])[];
  /** Does it, and answers the exit code. */
  run(input: Input): Promise<number>;
}

/** The value of a string option. */
export function textOf({ flags }: Input, option: string): string | undefined {
  const value = flags[option];
  return typeof value === "string" ? value : undefined;
}
