import type { Lock } from "../client/lock.ts";
import { connectLocks } from "../remote/connect-locks.ts";
import { type Input, textOf } from "./command.ts";
import { findAccess } from "./config.ts";

/** The lock that is named first, at the service that flags, environment or file name. */
export function lockOf(input: Input): Lock {
  const flags = {
    url: textOf(input, "url"),
    token: textOf(input, "token"),
    "token-file": textOf(input, "token-file"),
    config: textOf(input, "config"),
  };
  const access = findAccess(flags, { env: process.env, cwd: process.cwd() });
  const [id = ""] = input.positionals;
  return connectLocks(access).lock(id);
}
