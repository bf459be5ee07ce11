import { type Lock, connectLocks } from "../../client.ts";
import { type Input, textOf } from "../terminal/command.ts";
import { findAccess } from "./config.ts";

/** A lock and the URL of its service. */
export interface ConnectedLock {
  lock: Lock;
  /** Normalised, so that it can be compared. */
  url: string;
}

/** The lock that the first positional names, at the service that the flags, the environment or the file name. */
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

/** Only the lock. */
export function lockOf(input: Input): Lock {
  return serviceOf(input).lock;
}
