import { type HeldLease, isLockError } from "../../client.ts";
import type { Signals } from "../terminal/signals.ts";
import { monotonicNow } from "./monotonic-clock.ts";
import { type OnStuck, SecondSignal } from "./second-signal.ts";
import { type CommandSpec, type Ending, SupervisedCommand } from "./supervised-command.ts";

/**
 * What a command gets to stop in, in milliseconds, when somebody ended its lease. Another may have the lock already, so
 * the two can overlap by this much, as `force-release` warns.
 */
export const FORCED_GRACE = 2_000;

/** How a command under a lease came to its end. */
export interface SupervisedEnding extends Ending {
  /** How long the lease was held until then, in milliseconds. */
  heldFor: number;
}

/** How often the guard hears how long the lease lasts, as a part of the ttl. */
const TELL_PART = 1 / 10;

/** Runs a command under a lease and its guard: no process that can be ended outlives the lease, however the lease ends. */
export async function supervise(
  held: HeldLease,
  job: Omit<CommandSpec, "deadline" | "onStuck">,
  ttl: number,
  { signals, onStuck }: { signals: Signals; onStuck: OnStuck },
): Promise<SupervisedEnding> {
  const since = monotonicNow();
  const receiver = new SecondSignal(onStuck);
  const deadline = () => deadlineOf(held);
  const ward = await SupervisedCommand.start({ ...job, deadline, onStuck: (survivors) => receiver.stuck(survivors) });
  receiver.follow(ward);
  signals.passTo(receiver);
  const tell = () => {
    if (!held.isLost()) ward.keepUntil(deadlineOf(held));
  };
  const teller = setInterval(tell, Math.min(1_000, Math.max(10, ttl * TELL_PART)));
  const onLoss = () => {
    // The lease has expired, or may have as far as this process knows: no time is left for the grace.
    if (isLockError(held.signal.reason, "LEASE_LOST") && held.signal.reason.why !== "superseded") return ward.kill();
    const grace = Math.min(job.grace, FORCED_GRACE);
    ward.stop("lost", grace);
    setTimeout(() => ward.kill(), grace + 500).unref();
  };
  held.signal.addEventListener("abort", onLoss);
  if (held.signal.aborted) onLoss();
  try {
    return { ...(await ward.ended), heldFor: monotonicNow() - since };
  } finally {
    clearInterval(teller);
    held.signal.removeEventListener("abort", onLoss);
  }
}

/** Throws if the lease is lost. The clock is read first: whatever happens between the two, the deadline comes out too early and never too late. */
function deadlineOf(held: HeldLease): number {
  if (held.isLost()) throw held.signal.reason;
  const now = monotonicNow();
  return now + held.remaining();
}
