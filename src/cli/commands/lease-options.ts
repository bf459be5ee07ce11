import { hostname, userInfo } from "node:os";
import { type Input, type CommandOption, textOf } from "../terminal/command.ts";
import { parseDuration, parseWait } from "../terminal/duration.ts";
import { EXIT, Failure } from "../terminal/exit-codes.ts";

/** On what terms the lock is taken. */
export interface LeaseOptions {
  ttl: number;
  wait: number;
  owner: string;
  permits?: number;
  capacity?: number;
}

/** The options of whatever takes the lock. */
export const LEASE_OPTIONS = {
  owner: { type: "string", value: "TEXT", help: "who you are, shown to others; default user@host:pid" },
  capacity: { type: "string", value: "N", help: "a semaphore: N permits in all (or `unlimited`), shared with others" },
  permits: { type: "string", value: "K", help: "how many of them to take; default 1" },
} satisfies Record<string, CommandOption>;

/** Reads them; the library checks the bounds. */
export function readLeaseOptions(input: Input, defaults: { ttl: number; wait: number }): LeaseOptions {
  const ttl = textOf(input, "ttl");
  const wait = textOf(input, "wait");
  const permits = textOf(input, "permits");
  const capacity = textOf(input, "capacity");
  return {
    ttl: ttl === undefined ? defaults.ttl : parseDuration(ttl, "ttl"),
    wait: wait === undefined ? defaults.wait : parseWait(wait),
    owner: textOf(input, "owner") ?? `${userName()}@${hostname()}:${process.pid}`,
    ...(permits !== undefined && { permits: parseCount(permits, "permits") }),
    ...(capacity !== undefined && {
      capacity: capacity === "unlimited" ? Number.POSITIVE_INFINITY : parseCount(capacity, "capacity"),
    }),
  };
}

/** A number such as a lease, from the command line. */
export function parseCount(text: string, name: string): number {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new Failure(EXIT.usage, `${name} must be a whole number from 1.`);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id that has no name.
    return `uid${process.getuid?.() ?? ""}`;
  }
}
