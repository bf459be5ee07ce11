import { type Lock, type LockHolder, type LockStatus, createLock, isLockError } from "../../client.ts";
import type { Command } from "../terminal/command.ts";
import { showDuration } from "../terminal/duration.ts";
import { EXIT } from "../terminal/exit-codes.ts";
import { ACCESS } from "../terminal/parse.ts";
import { printable } from "../terminal/reporter.ts";
import { lockOf } from "./connection.ts";

export const status: Command = {
  name: "status",
  positionals: ["ID"],
  summary: "show who holds the lock and who waits for it",
  details: `For each holder, shows how long it has held the lock, when it last renewed its lease, and how much of
the lease's ttl is left. \`run\` and the library renew after a third of the ttl, so a holder that has not
may be dead. The times compare this machine's clock with that of the service. Exits with 0, whether the
lock is held or free.`,
  options: ACCESS,
  examples: [
    ["durable-locks status deploy/prod", "for people"],
    ["durable-locks status deploy/prod --json | jq .locked", "for programs"],
  ],
  run: async (input) => {
    const lock = lockOf(input);
    const now = await lock.status();
    input.reporter.result(describe(lock.id, now), asFields(lock.id, now));
    return EXIT.ok;
  },
};

/** How often to look at the queue while the holder stays the same, in ms: sooner than a status call times out. */
const LOOK_EVERY = 4_000;

export const watch: Command = {
  name: "watch",
  positionals: ["ID"],
  summary: "print the status whenever it changes",
  details: `Prints the status now, at once when the lock changes hands, and within ${LOOK_EVERY / 1_000} s when only the queue
changes. Continues through outages until you stop it.`,
  options: ACCESS,
  examples: [["durable-locks watch deploy/prod --json", "one object per line"]],
  run: async (input) => {
    const lock = lockOf(input);
    process.stdout.on("error", () => process.exit(EXIT.ok));
    let shown = "";
    let before: LockStatus | undefined;
    for (;;) {
      const now = await look(lock, before).catch((error: unknown) => {
        if (!isLockError(error, "UNREACHABLE") && !isLockError(error, "RATE_LIMITED")) throw error;
        input.reporter.note(error.code.toLowerCase().replace("_", "-"), error.message);
        return undefined;
      });
      if (!now) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
        continue;
      }
      before = now;
      const gist = gistOf(now);
      if (gist !== shown) input.reporter.result(describe(lock.id, now), asFields(lock.id, now));
      shown = gist;
    }
  },
};

/** Reads the status. After the first time, waits until the lock changes hands, but for at most `LOOK_EVERY` ms. */
async function look({ status: ask, primitives }: Lock, before: LockStatus | undefined): Promise<LockStatus> {
  if (!before) return ask();
  const newest = Math.max(0, ...before.holders.map(({ lease }) => lease));
  // Make it the `status` of a lock, so that an outage is retried and reported as for any other call.
  const next = async (signal?: AbortSignal) => {
    const reply = await primitives.watch(newest, LOOK_EVERY, signal);
    return "waiters" in reply ? reply : primitives.status(signal);
  };
  return createLock({ ...primitives, status: next }).status();
}

/** What matters to a reader. Renewals and the passing of time do not. */
function gistOf({ holders, waiters, delayedUntil }: LockStatus): string {
  const held = holders.map(({ lease, releaseRequested = false }) => [lease, releaseRequested]);
  return JSON.stringify([held, waiters.map(({ owner, permits }) => [owner, permits]), delayedUntil]);
}

function asFields(id: string, { locked, holders, waiters, delayedUntil }: LockStatus) {
  const shown = <T extends { capacity: number }>(claims: T[]) =>
    claims.map((claim) => ({ ...claim, capacity: Number.isFinite(claim.capacity) ? claim.capacity : "unlimited" }));
  return {
    id,
    locked,
    holders: shown(holders),
    waiters: shown(waiters),
    ...(delayedUntil !== undefined && { delayedUntil }),
  };
}

function describe(id: string, { holders, waiters, delayedUntil }: LockStatus): string {
  const now = Date.now();
  const until = delayedUntil === undefined ? "" : `, not granted for another ${showDuration(delayedUntil - now)}`;
  const lines = [`${printable(id)}: ${holders.length === 0 ? `free${until}` : "held"}`];
  for (const holder of holders) {
    const { owner, lease, exclusive, permits } = holder;
    const share = exclusive ? "" : `, ${permits} permit${permits === 1 ? "" : "s"}`;
    lines.push(`  held by ${nameOf(owner)} ${timesOf(holder, now)} (lease ${lease}${share})`);
  }
  waiters.forEach(({ owner, waited }, index) =>
    lines.push(`  ${index + 1}. in the queue: ${nameOf(owner)}, for ${showDuration(waited)}`),
  );
  return lines.join("\n");
}

function timesOf(holder: LockHolder, now: number): string {
  const { since, ttl, deadline } = holder;
  const whole = ttl === undefined ? "" : ` of its ${showDuration(ttl)}`;
  const left = `ends in ${showDuration(deadline - now)}${whole} unless renewed`;
  return `for ${showDuration(now - since)}${renewalOf(holder, now)}, ${left}`;
}

/** An object with an older version reports neither the ttl nor the last renewal. */
function renewalOf({ since, renewedAt }: LockHolder, now: number): string {
  if (renewedAt === undefined) return "";
  return renewedAt > since ? `, last renewed ${showDuration(now - renewedAt)} ago` : ", not renewed yet";
}

function nameOf(owner: string | undefined): string {
  return owner === undefined ? "somebody" : printable(owner);
}
