import { hostname, userInfo } from "node:os";
import { type Input, type CommandOption, textOf } from "../terminal/command.ts";
import { parseCount } from "../terminal/count.ts";
import { parseDuration } from "../terminal/duration.ts";
import { EXIT, Failure } from "../terminal/exit-codes.ts";

/** The lease spec from the command line. */
export interface LeaseOptions {
  ttl: number;
  wait: number;
  owner: string;
  permits?: number;
  capacity?: number;
}

/** The options of every command that takes the lock. */
export const LEASE_OPTIONS = {
  owner: { type: "string", value: "TEXT", help: "who you are, shown to others; default user@host:pid" },
  capacity: { type: "string", value: "N", help: "a semaphore: N permits in all (or `unlimited`), shared with others" },
  permits: { type: "string", value: "K", help: "how many of them to take; default 1" },
} satisfies Record<string, CommandOption>;

/** Reads the options. The library checks the owner. */
export function readLeaseOptions(input: Input, defaults: { ttl: number; wait: number }): LeaseOptions {
  const ttl = textOf(input, "ttl");
  const wait = textOf(input, "wait");
  const spec = {
    ttl: ttl === undefined ? defaults.ttl : parseDuration(ttl, "ttl"),
    wait: wait === undefined ? defaults.wait : parseDuration(wait, "wait"),
    owner: textOf(input, "owner") ?? `${userName()}@${hostname()}:${process.pid}`,
    ...readClaim(input),
  };
  checkPermits(spec);
  return spec;
}

function readClaim(input: Input): Pick<LeaseOptions, "permits" | "capacity"> {
  const permits = textOf(input, "permits");
  const capacity = textOf(input, "capacity");
  return {
    ...(permits !== undefined && { permits: parseCount(permits, "--permits") }),
    ...(capacity !== undefined && {
      capacity: parseCount(capacity, "--capacity", Number.MAX_SAFE_INTEGER, "unlimited"),
    }),
  };
}

/** Checks that --permits is part of --capacity. */
function checkPermits({ permits, capacity }: Pick<LeaseOptions, "permits" | "capacity">): void {
  if (permits === undefined) return;
  if (capacity === undefined)
    throw new Failure(EXIT.usage, "--permits needs --capacity, the number of permits in all.");
  if (permits > capacity)
    throw new Failure(EXIT.usage, `--permits must be at most --capacity, which is ${capacity}, not ${permits}.`);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id that has no name.
    return `uid${process.getuid?.() ?? ""}`;
  }
}
