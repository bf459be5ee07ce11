import { type Lock, connectLocks } from "../../client.ts";
import { type Input, textOf } from "../terminal/command.ts";
import { findAccess } from "./config.ts";

/** A lock, and the service that has it. */
export interface ConnectedLock {
  lock: Lock;
  /** Written in one way, so that it can be compared. */
  url: string;
}

/** The lock that is named first, at the service that flags, environment or file name. */
export function serviceOf(input: Input): ConnectedLock {
  const flags = {
    url: textOf(input, "url"),
    token: textOf(input, "token"),
    "token-file": textOf(input, "token-file"),
    config: textOf(input, "config"),
  };
  const access = findAccess(flags, { env: process.env, cwd: process.cwd() });
  const [id = ""] = input.positionals;
  const lock = connectLocks(access).lock(id);
  return { lock, url: lock.primitives.url ?? access.url };
}

/** The lock alone. */
export function lockOf(input: Input): Lock {
  return serviceOf(input).lock;
}
