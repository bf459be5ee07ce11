import type { BorrowedReply, Lock, LeaseResult } from "../../client.ts";
import { type Command, type Input, textOf } from "../terminal/command.ts";
import { parseCount } from "../terminal/count.ts";
import { parseDuration, showDuration } from "../terminal/duration.ts";
import { EXIT } from "../terminal/exit-codes.ts";
import { ACCESS } from "../terminal/parse.ts";
import { Signals } from "../terminal/signals.ts";
import { lockOf, serviceOf } from "./connection.ts";
import { heldAround, leaseAround } from "./held-locks.ts";
import { readLeaseOptions, LEASE_OPTIONS } from "./lease-options.ts";
import { describeRefusal, tellProgress } from "./queue-progress.ts";

const TTL = { type: "string", value: "TIME", help: "how long the lease lasts from now; default 30s" } as const;
const DEFAULT_TTL = 30_000;

export const acquire: Command = {
  name: "acquire",
  positionals: ["ID"],
  summary: "take the lock, and print the lease number",
  details: `Nothing renews this lease for you: use \`renew\`, or choose a ttl that covers all of your work.
\`run\` does all of this for you.`,
  options: {
    ttl: TTL,
    wait: { type: "string", value: "TIME", help: "how long to wait for the lock, or `forever`; default 0" },
    ...LEASE_OPTIONS,
    ...ACCESS,
  },
  examples: [["LEASE=$(durable-locks acquire deploy/prod --ttl 5m --wait 1m)", "for later steps of a script"]],
  run: async (input) => {
    const { reporter } = input;
    const { ttl, ...spec } = readLeaseOptions(input, { ttl: DEFAULT_TTL, wait: 0 });
    const service = serviceOf(input);
    const signals = new Signals();
    const around = spec.wait > 0 ? await leaseAround(service, { ttl, ...spec }, signals.interruption) : undefined;
    if (around !== undefined) spec.wait = 0;
    const waiting = new AbortController();
    const { lock, refusal } = tellProgress(service.lock, reporter, waiting.signal);
    try {
      const result = await lock.acquire(ttl, { ...spec, signal: signals.interruption });
      waiting.abort();
      if (around !== undefined && !result.success) throw heldAround(lock.id, around);
      return granted(input, lock, result, refusal());
    } catch (error) {
      if (signals.interruption.aborted) return signals.exitCode;
      throw error;
    } finally {
      waiting.abort();
    }
  },
};

export const renew: Command = {
  name: "renew",
  positionals: ["ID", "LEASE"],
  summary: "make a lease last for --ttl from now",
  details: "A lease that has ended can't be revived: `renew` exits with 79. Stop what the lease protected.",
  options: { ttl: TTL, ...ACCESS },
  examples: [['durable-locks renew deploy/prod "$LEASE" --ttl 5m', "between two steps of a script"]],
  run: async (input) => {
    const ttl = parseDuration(textOf(input, "ttl") ?? "30s", "ttl");
    const lock = lockOf(input);
    return granted(input, lock, await lock.renew(leaseOf(input), ttl));
  },
};

export const release: Command = {
  name: "release",
  positionals: ["ID", "LEASE"],
  summary: "end a lease; the next waiter gets the lock",
  details: "Exits with 79 if the lease had already ended: what it protected may have overlapped with another holder.",
  options: ACCESS,
  examples: [['durable-locks release deploy/prod "$LEASE"', "when the work is done"]],
  run: async (input) => {
    const lock = lockOf(input);
    const lease = leaseOf(input);
    const released = await lock.release(lease);
    if (released !== true) return hadEnded(input, lock.id, lease);
    input.reporter.result("released", { released: true });
    return EXIT.ok;
  },
};

export const forceRelease: Command = {
  name: "force-release",
  positionals: ["ID"],
  summary: "end all leases of the lock, no matter who holds it",
  details: `For operators: the token needs the action "admin". The current holders continue until they notice, at their
next renewal, so the next holder may overlap with them. Prints a number above their leases and below all
later ones: tell whatever checks fencing tokens to refuse lower numbers.`,
  options: ACCESS,
  examples: [["durable-locks force-release deploy/prod", "if its holder hangs"]],
  run: async (input) => {
    const lease = await lockOf(input).forceRelease();
    input.reporter.result(String(lease), { lease });
    return EXIT.ok;
  },
};

function granted({ reporter }: Input, lock: Lock, result: LeaseResult, refusal?: BorrowedReply): number {
  if (result.success) {
    const { lease, deadline } = result;
    reporter.result(String(lease), { lease, deadline });
    return EXIT.ok;
  }
  if (result.reason === "NO_LONGER_VALID") {
    reporter.failure(`${lock.id}: the lease has ended. Stop what it protected, and acquire again.`, EXIT.lost);
    return EXIT.lost;
  }
  const after = result.retryAfter === undefined ? "" : `; free in ${showDuration(result.retryAfter)} unless renewed`;
  reporter.failure(`${lock.id}: ${describeRefusal(refusal)}${after}.`, EXIT.taken);
  return EXIT.taken;
}

function hadEnded({ reporter }: Input, id: string, lease: number): number {
  reporter.failure(
    `${id}: lease ${lease} had already ended. What it protected may have overlapped with another holder.`,
    EXIT.lost,
  );
  return EXIT.lost;
}

function leaseOf({ positionals: [, lease = ""] }: Input): number {
  return parseCount(lease, "LEASE");
}
