import { type HeldLease, isLockError } from "../../client.ts";
import type { Signals } from "../terminal/signals.ts";
import { monotonicNow } from "./monotonic-clock.ts";
import { type OnStuck, SecondSignal } from "./second-signal.ts";
import { type CommandSpec, type Ending, SupervisedCommand } from "./supervised-command.ts";

/**
 * How long a command may take to stop after somebody ended its lease, in milliseconds. Another holder may already have
 * the lock, so the two can overlap by this much. `force-release` warns about that.
 */
export const FORCED_GRACE = 2_000;

/** How a command under a lease ended. */
export interface SupervisedEnding extends Ending {
  /** How long the lease was held until the command ended, in milliseconds. */
  heldFor: number;
}

/** How often the supervisor learns until when the lease lasts, as a fraction of the ttl. */
const TELL_PART = 1 / 10;

/** Runs a command under a lease that was held for `heldBefore` ms, and under a supervisor. However the lease ends, no process that can be ended outlives it. */
export async function supervise(
  held: HeldLease,
  job: Omit<CommandSpec, "deadline" | "onStuck">,
  ttl: number,
  { signals, onStuck, heldBefore }: { signals: Signals; onStuck: OnStuck; heldBefore: number },
): Promise<SupervisedEnding> {
  const since = monotonicNow();
  const receiver = new SecondSignal(onStuck);
  const deadline = () => deadlineOf(held);
  const command = await SupervisedCommand.start({
    ...job,
    deadline,
    onStuck: (survivors) => receiver.stuck(survivors),
  });
  receiver.follow(command);
  signals.passTo(receiver);
  const tell = () => {
    if (!held.isLost()) command.keepUntil(deadlineOf(held));
  };
  const teller = setInterval(tell, Math.min(1_000, Math.max(10, ttl * TELL_PART)));
  const onLoss = () => {
    // As far as this process knows, the lease may have expired, so no time is left for the grace.
    if (isLockError(held.signal.reason, "LEASE_LOST") && held.signal.reason.why !== "superseded") return command.kill();
    const grace = Math.min(job.grace, FORCED_GRACE);
    command.stop("lost", grace);
    setTimeout(() => command.kill(), grace + 500).unref();
  };
  held.signal.addEventListener("abort", onLoss);
  if (held.signal.aborted) onLoss();
  try {
    return { ...(await command.ended), heldFor: heldBefore + monotonicNow() - since };
  } finally {
    clearInterval(teller);
    held.signal.removeEventListener("abort", onLoss);
  }
}

/** Throws if the lease is lost. Reads the clock first, so a delay in between only makes the deadline too early. */
function deadlineOf(held: HeldLease): number {
  if (held.isLost()) throw held.signal.reason;
  const now = monotonicNow();
  return now + held.remaining();
}
