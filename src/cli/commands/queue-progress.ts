import { type HolderSummary, type Lock, type LockPrimitives, type BorrowedReply, createLock } from "../../client.ts";
import { showDuration } from "../terminal/duration.ts";
import { type Reporter, printable } from "../terminal/reporter.ts";

/** A caller that gets the lock within this time, in milliseconds, sees no message about a queue. */
const QUIET_FOR = 300;

/** The longest long poll while progress is shown, in milliseconds: only its reply says which place the caller has. */
const TELL_EVERY = 10_000;
const REDRAW_EVERY = 1_000;

/** A lock to wait for. */
export interface AwaitedLock {
  lock: Lock;
  /** The last refusal of a request for it. */
  refusal: () => BorrowedReply | undefined;
}

/**
 * Shows who holds the lock and which place this caller has in the queue, until `over` fires.
 *
 * This takes no extra call: the reply that ends a long poll says both, however long the queue is. If progress is shown,
 * the long polls are shorter.
 */
export function tellProgress({ primitives }: Lock, reporter: Reporter, over: AbortSignal): AwaitedLock {
  const since = performance.now();
  let polls = 0;
  let refusal: BorrowedReply | undefined;
  const draw = () => {
    if (!over.aborted && refusal) show(refusal, performance.now() - since, reporter);
  };
  const acquire: LockPrimitives["acquire"] = async (request, signal) => {
    const reply = await primitives.acquire(request, signal);
    refusal = !reply.success && reply.reason === "BORROWED" ? reply : undefined;
    draw();
    return reply;
  };
  const told = { ...primitives, acquire };
  if (reporter.isQuiet) return { lock: createLock(told), refusal: () => refusal };
  const longest = () => primitives.longPoll?.() ?? TELL_EVERY;
  const longPoll = () => Math.min(longest(), (polls += 1) === 1 ? QUIET_FOR : TELL_EVERY);
  const redraw = setInterval(draw, REDRAW_EVERY);
  over.addEventListener("abort", () => clearInterval(redraw));
  return { lock: createLock({ ...told, longPoll }), refusal: () => refusal };
}

function show(refusal: BorrowedReply, waited: number, reporter: Reporter): void {
  const { place, waiting, holders = [], moreHolders } = refusal;
  // Not in the queue.
  if (place === undefined || waiting === undefined) return;
  const [first] = holders;
  const held = first ? `held by ${describeHolders(refusal)}, ` : "";
  const heldFor = first ? `for ${showDuration(Date.now() - first.since)}; ` : "";
  const detail = ` (${heldFor}waiting for ${showDuration(waited)})`;
  reporter.progress("waiting", `waiting: ${held}place ${place} of ${waiting} in the queue`, detail, {
    holders,
    ...(moreHolders !== undefined && { moreHolders }),
    place,
    waiters: waiting,
    waited: Math.round(waited),
  });
}

/** Why the lock was refused, in one phrase. */
export function describeRefusal(refusal: BorrowedReply | undefined): string {
  return refusal?.holders?.length ? `held by ${describeHolders(refusal)}` : "taken";
}

function describeHolders({ holders = [], moreHolders = 0 }: BorrowedReply): string {
  const [first] = holders;
  if (!first) return "nobody";
  const more = holders.length - 1 + moreHolders;
  return more === 0 ? nameOf(first) : `${nameOf(first)} and ${more} more`;
}

function nameOf({ owner, lease }: HolderSummary): string {
  return owner === undefined ? `lease ${lease}` : printable(owner);
}
