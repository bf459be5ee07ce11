import { hostname, userInfo } from "node:os";
import { type Input, type Option, textOf } from "../terminal/command.ts";
import { parseCount } from "../terminal/count.ts";
import { parseDuration } from "../terminal/duration.ts";
import { EXIT, Failure } from "../terminal/exit-codes.ts";

/** On what terms the lock is taken. */
export interface Terms {
  ttl: number;
  wait: number;
  owner: string;
  permits?: number;
  capacity?: number;
}

/** The options of whatever takes the lock. */
export const TERMS = {
  owner: { type: "string", value: "TEXT", help: "who you are, shown to others; default user@host:pid" },
  capacity: { type: "string", value: "N", help: "a semaphore: N permits in all (or `unlimited`), shared with others" },
  permits: { type: "string", value: "K", help: "how many of them to take; default 1" },
} satisfies Record<string, Option>;

/** Reads them; the library checks the owner. */
export function readTerms(input: Input, defaults: { ttl: number; wait: number }): Terms {
  const ttl = textOf(input, "ttl");
  const wait = textOf(input, "wait");
  const terms = {
    ttl: ttl === undefined ? defaults.ttl : parseDuration(ttl, "ttl"),
    wait: wait === undefined ? defaults.wait : parseDuration(wait, "wait"),
    owner: textOf(input, "owner") ?? `${userName()}@${hostname()}:${process.pid}`,
    ...readClaim(input),
  };
  checkPermits(terms);
  return terms;
}

function readClaim(input: Input): Pick<Terms, "permits" | "capacity"> {
  const permits = textOf(input, "permits");
  const capacity = textOf(input, "capacity");
  return {
    ...(permits !== undefined && { permits: parseCount(permits, "--permits") }),
    ...(capacity !== undefined && {
      capacity: parseCount(capacity, "--capacity", Number.MAX_SAFE_INTEGER, "unlimited"),
    }),
  };
}

/** Permits are part of a capacity. */
function checkPermits({ permits, capacity }: Pick<Terms, "permits" | "capacity">): void {
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
